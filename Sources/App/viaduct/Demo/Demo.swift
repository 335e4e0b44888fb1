import AccessPlane
import Bridge
import BridgeModel
import CameraPlane
import Foundation
import Logging
import StoragePlane

/// The bridge, a synthetic camera that publishes to it as any client would, and a receiver for its webhooks.
final class Demo: Sendable {
    private let bridge: BridgeProcess
    private let settings: Settings
    private let camera: ClientID
    private let agent: CameraAgent
    private let run: Task<Void, Never>
    private let receiver: DemoReceiver
    private let keyID: String

    static func start(_ settings: Settings, camera: ClientID, codec: Codec, logger: Logger) async throws -> Demo {
        let receiver = DemoReceiver()
        let bridge = try await BridgeProcess.start(settings, extra: [receiver.route], logger: logger)
        do {
            let key = try await AccountKeys(store: bridge.assembly.keys, now: { SystemTime.wall })
                .createMasterKey(name: "demo", dialect: "eyeson", account: AccountID("demo-\(UUID().uuidString.prefix(8).lowercased())"))
            return Demo(bridge: bridge, settings: settings, camera: camera, codec: codec, key: key, receiver: receiver, logger: logger)
        } catch {
            throw OperatorError(error.message)
        }
    }

    private init(
        bridge: BridgeProcess, settings: Settings, camera: ClientID, codec: Codec, key: NewMasterKey, receiver: DemoReceiver, logger: Logger
    ) {
        self.bridge = bridge
        self.settings = settings
        self.camera = camera
        self.receiver = receiver
        keyID = key.id
        let webhook = bridge.origin + DemoReceiver.path
        let agent = CameraAgent(
            settings: CameraSettings(
                bridge: bridge.origin, masterKey: key.key, client: camera,
                plan: Self.plan(codec, identity: bridge.assembly.identity, ice: IceSettings(addresses: [settings.http.bind])),
                webhookURL: Redacted(webhook), recording: ["webhook_url": .string(webhook)]),
            launcher: bridge.assembly.supervisor, logger: logger, report: { DemoTerminal.show($0) })
        self.agent = agent
        run = Task { await agent.run() }
    }

    private static func plan(_ codec: Codec, identity: DTLSIdentity, ice: IceSettings) -> CameraPlan {
        CameraPlan(
            source: .test, videoCodec: codec, width: 1280, height: 720, framesPerSecond: 30, bitrate: 2_000_000,
            keyframeInterval: .seconds(2), audio: true, identity: identity, ice: ice)
    }

    /// Says what there is to see.
    func welcome() async {
        let day = Duration.seconds(86_400)
        let minter = TokenMinter(store: bridge.assembly.keys)
        let watch = try? await minter.mint(.watch, stream: StreamID(camera.rawValue), client: ClientID("demo-viewer"), lifetime: day)
        let publish = try? await minter.mint(.publish, stream: StreamID("webcam"), client: ClientID("demo-publisher"), lifetime: day)
        let watchWebcam = try? await minter.mint(.watch, stream: StreamID("webcam"), client: ClientID("demo-viewer"), lifetime: day)
        DemoTerminal.say(
            """

            The bridge runs on \(bridge.origin); a synthetic camera publishes and is recorded.

              Watch it            \(link("watch", camera.rawValue, watch))
              Look back at it     \(settings.playback.viewers ? link("playback", camera.rawValue, watch) : "set playback.viewers")
              Publish your webcam \(link("publish", "webcam", publish))
              Watch your webcam   \(link("watch", "webcam", watchWebcam))
              Media goes over     \(bridge.media)
              Recordings land in  \(settings.recording.destination.revealed)
              Stop with           Ctrl-C: the recording is completed and delivered, with its webhook

            """)
    }

    private func link(_ page: String, _ stream: String, _ token: Redacted<String>?) -> String {
        let name = stream.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(["-", "_", ".", "~"])) ?? stream
        return "\(bridge.origin)/\(page)/\(name)#token=\(token?.revealed ?? "")"
    }

    /// Ends the camera's session, waits for its recording to be delivered and reported, and ends the bridge.
    func stop(limit: Duration) async {
        DemoTerminal.say("\nStopping: the recording is completed and delivered ...")
        await agent.stop()
        await run.value
        await bridge.shutdown(limit: limit)
        // The key was this run's alone.
        try? await AccountKeys(store: bridge.assembly.keys, now: { SystemTime.wall }).revokeMasterKey(keyID)
        DemoTerminal.say(receiver.deliveredAll ? "Done." : "Stopped. What could not be delivered yet is delivered at the next start.")
    }
}
