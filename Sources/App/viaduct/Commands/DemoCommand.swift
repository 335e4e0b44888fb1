import ArgumentParser
import BridgeModel
import Logging

/// `viaduct demo`: the bridge with a camera of its own, for a first look.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Runs the bridge on this machine with a synthetic camera that is recorded, and says what to open.")

    @OptionGroup var options: SettingOptions

    @Option(help: "The camera's name, which is its stream's too.")
    var camera = "demo-camera"

    @Option(help: "The camera's video codec; VP8 plays in every browser, H.264 takes a third of the processor time.")
    var codec = CameraCodec.vp8

    /// Ctrl-C to the prompt takes less than five seconds.
    private static let shutdownLimit = Duration.milliseconds(3500)

    func run() async throws {
        var settings = try options.load(defaults: ["log.level=warning", "playback.viewers=true"])
        guard settings.http.bind == "127.0.0.1" || settings.http.bind == "::1" else {
            throw OperatorError("The demo is for this machine only: leave http.bind alone, or use viaduct serve.")
        }
        if settings.recording.destination.revealed.isEmpty {
            settings.recording.destination = Redacted(settings.dataFolder + "/recordings")
        }
        if settings.webrtc.addresses.isEmpty, settings.webrtc.inbound == .webrtcbin {
            settings.webrtc.addresses = try EdgeReach(settings).offered
        }
        // Its webhooks go to a receiver of its own, on loopback.
        settings.webhooks.allowPrivate = true
        LogOutput.install(settings.log)
        let signals = ProcessSignals()
        let demo = try await Demo.start(settings, camera: ClientID(camera), codec: codec.codec, logger: Logger(label: "demo"))
        await demo.welcome()
        for await signal in signals.received where signal == .stop { break }
        await demo.stop(limit: Self.shutdownLimit)
    }

    enum CameraCodec: String, ExpressibleByArgument, CaseIterable {
        case h264, vp8

        var codec: Codec {
            switch self {
            case .h264: .h264
            case .vp8: .vp8
            }
        }
    }
}
