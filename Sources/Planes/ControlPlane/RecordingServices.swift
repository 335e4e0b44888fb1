package import Bridge
package import BridgeModel
internal import Foundation
package import Logging

/// What recordings need of the rest of the bridge.
package struct RecordingServices: Sendable {
    package var launcher: any PipelineLauncher
    package var hub: any MediaHub
    package var files: any RecordingFiles
    package var ledger: any Ledger
    package var segments: any SegmentLedger
    package var journal: ProgressJournal
    package var keeping: any SpoolKeeping
    package var registrar: FileRegistrar
    package var thumbnails: ThumbnailMaker
    package var outbox: OutboxWriter
    package var destinations: DestinationDirectory
    /// Takes files while they grow.
    package var streaming: any StreamingUploads
    package var clock: BridgeClock
    package var settings: RecordingSettings
    package var logger: Logger
    /// Recordings that wait for the ledger; shared by all.
    package let unstored: UnstoredRecordings
    /// What makes recordings begin by themselves.
    package let policies: PolicyTable
    /// Shared by all recordings.
    let finishers = FinisherPlaces(ProcessInfo.processInfo.activeProcessorCount)

    package init(
        launcher: any PipelineLauncher, hub: any MediaHub, files: any RecordingFiles & SpoolKeeping, ledger: any Ledger & SegmentLedger,
        outbox: OutboxWriter, destinations: DestinationDirectory, streaming: any StreamingUploads, clock: BridgeClock,
        settings: RecordingSettings,
        logger: Logger
    ) {
        self.launcher = launcher
        self.hub = hub
        self.files = files
        self.ledger = ledger
        segments = ledger
        journal = ProgressJournal(ledger: ledger, clock: clock, logger: logger)
        keeping = files
        let thumbnails = ThumbnailMaker(launcher: launcher, files: files, interval: settings.thumbnails, clock: clock, logger: logger)
        self.thumbnails = thumbnails
        unstored = UnstoredRecordings()
        registrar = FileRegistrar(
            keeping: files, ledger: ledger, outbox: outbox, unstored: unstored, clock: clock, logger: logger
        ) { segment, row in await thumbnails.make(segment, isWanted: row.wantsPictures) }
        self.outbox = outbox
        self.destinations = destinations
        self.streaming = streaming
        self.clock = clock
        self.settings = settings
        self.logger = logger
        policies = PolicyTable(settings)
    }
}
