import ArgumentParser
import BridgeModel
import Logging

/// `viaduct serve`: the bridge, until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Runs the bridge until SIGTERM or SIGINT.")

    @OptionGroup var options: SettingOptions

    /// Within the ten seconds that container engines give by default.
    private static let shutdownLimit = Duration.seconds(8)

    func run() async throws {
        let settings = try options.load()
        LogOutput.install(settings.log)
        let logger = Logger(label: "bridge")
        let signals = ProcessSignals()
        let bridge = try await BridgeProcess.start(settings, logger: logger)
        logger.notice(
            "serving", metadata: ["url": "\(bridge.origin)", "media": "\(bridge.media)", "data": "\(settings.dataFolder)"])
        for await signal in signals.received {
            guard signal == .reload else {
                logger.notice("stopping: sessions end, recordings are completed", metadata: ["signal": "\(signal)"])
                break
            }
            await bridge.reload()
        }
        await bridge.shutdown(limit: Self.shutdownLimit)
        logger.notice("stopped")
    }
}
