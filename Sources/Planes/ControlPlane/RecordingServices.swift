package import Bridge
package import BridgeModel
package import Logging

/// What recordings need of the rest of the bridge.
package struct RecordingServices: Sendable {
    package var launcher: any PipelineLauncher
    package var hub: any MediaHub
    package var files: any RecordingFiles
    package var ledger: any Ledger
    package var outbox: OutboxWriter
    package var clock: BridgeClock
    package var settings: RecordingSettings
    package var logger: Logger

    package init(
        launcher: any PipelineLauncher, hub: any MediaHub, files: any RecordingFiles, ledger: any Ledger, outbox: OutboxWriter,
        clock: BridgeClock, settings: RecordingSettings, logger: Logger
    ) {
        self.launcher = launcher
        self.hub = hub
        self.files = files
        self.ledger = ledger
        self.outbox = outbox
        self.clock = clock
        self.settings = settings
        self.logger = logger
    }
}
