package import Bridge
package import BridgeModel
package import Logging
internal import WebServerKit

/// What a camera of ours is, and where it publishes.
package struct CameraSettings: Sendable {
    /// Origin of the bridge, for instance `http://127.0.0.1:8080`.
    package var bridge: String
    package var masterKey: Redacted<String>
    /// The camera's client id, which is its stream's id too.
    package var client: ClientID
    /// The source and its encoding; the pipeline's `ice.turnServers` are filled from the session.
    package var plan: CameraPlan
    /// Told when the session ends.
    package var webhookURL: Redacted<String>?
    /// `data` of the `recording_start` that the camera sends when media flows; nil for none.
    package var recording: JSONValue?

    package init(
        bridge: String, masterKey: Redacted<String>, client: ClientID, plan: CameraPlan, webhookURL: Redacted<String>? = nil,
        recording: JSONValue? = nil
    ) {
        self.bridge = bridge
        self.masterKey = masterKey
        self.client = client
        self.plan = plan
        self.webhookURL = webhookURL
        self.recording = recording
    }
}

/// A camera that publishes through RTM as any other client, session after session, until it is stopped.
package actor CameraAgent {
    /// What the agent's owner may want to tell people.
    package enum Report: Sendable, Equatable {
        case live
        case recording(RecordingState, id: String)
        /// A session is over and the next one begins after the wait.
        case interrupted(BridgeError)
    }

    private let settings: CameraSettings
    private let launcher: any PipelineLauncher
    private let report: @Sendable (Report) -> Void
    private let logger: Logger
    private let sleep: @Sendable (Duration) async throws -> Void
    private var inputs: AsyncStream<CameraConversation.Input>.Continuation?
    private var isStopping = false
    private var failures = 0
    /// The wait before the next session.
    private var pause: Task<Void, Never>?

    /// `sleep` returns after this time, or throws when its task is cancelled.
    package init(
        settings: CameraSettings, launcher: any PipelineLauncher, logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        report: @escaping @Sendable (Report) -> Void = { _ in }
    ) {
        self.settings = settings
        self.launcher = launcher
        self.logger = logger
        self.sleep = sleep
        self.report = report
    }

    /// Publishes until `stop`, or until its task is cancelled.
    package func run() async {
        while !isStopping, !Task.isCancelled {
            do throws(BridgeError) {
                try await publish()
            } catch {
                guard !isStopping else { return }
                report(.interrupted(error))
                logger.notice("camera session over", metadata: ["camera": "\(settings.client)", "reason": "\(error)"])
                failures += 1
                await wait(Self.wait(after: failures))
            }
        }
    }

    private func wait(_ duration: Duration) async {
        let pause = Task { [sleep] in _ = try? await sleep(duration) }
        self.pause = pause
        await withTaskCancellationHandler {
            await pause.value
        } onCancel: {
            pause.cancel()
        }
    }

    /// Ends the session with a goodbye; `run` returns when the bridge has answered it, or after three seconds.
    package func stop() {
        isStopping = true
        pause?.cancel()
        inputs?.yield(.stop)
        let inputs = inputs
        Task { [sleep] in
            try? await sleep(Self.goodbyeLimit)
            inputs?.yield(.socketClosed)
        }
    }

    private static let goodbyeLimit = Duration.seconds(3)

    /// Half a second, doubled with each failure, at most ten seconds.
    private static func wait(after failures: Int) -> Duration {
        min(.seconds(10), .milliseconds(500) * (1 << min(failures - 1, 5)))
    }

    /// One session from its token to its end.
    private func publish() async throws(BridgeError) {
        let client = SessionClient(base: settings.bridge, masterKey: settings.masterKey, client: settings.client)
        let opened = try await client.open()
        let socket = try await connect(opened.webSocketURL)
        let pipeline: any RunningPipeline
        do throws(BridgeError) {
            pipeline = try await launcher.launch(plan(for: opened))
        } catch {
            socket.close(code: 1000, reason: "")
            throw error
        }
        let reason = await converse(over: socket, with: pipeline, session: opened.session)
        socket.close(code: 1000, reason: "")
        pipeline.send(.stop(deadline: .seconds(1)))
        if let reason { throw reason }
    }

    private func connect(_ url: Redacted<String>) async throws(BridgeError) -> WebSocket {
        do throws(WebServerError) {
            return try await WebSocketClient.connect(url: url.revealed)
        } catch .invalidURL {
            // The URL carries the token: it must not be told.
            throw BridgeError(.unavailable, "The bridge named a socket that is no ws:// or wss:// URL.")
        } catch {
            throw BridgeError(.unavailable, "The bridge's socket could not be opened: \(error.description)")
        }
    }

    private func plan(for opened: SessionClient.Opened) -> PipelinePlan {
        var plan = settings.plan
        plan.ice.turnServers = opened.iceServers.flatMap(TurnURL.engineURLs)
        return PipelinePlan(pipeline: PipelineID("camera-\(opened.session)"), work: .camera(plan))
    }

    /// Runs the conversation to its end. nil: it was stopped.
    private func converse(over socket: WebSocket, with pipeline: any RunningPipeline, session: SessionID) async -> BridgeError? {
        // Stopped before it began: the bridge forgets a session that was never started.
        guard !isStopping else { return nil }
        let (stream, inputs) = AsyncStream.makeStream(of: CameraConversation.Input.self)
        self.inputs = inputs
        let pumps = [
            Task { for await event in pipeline.events { inputs.yield(.pipeline(event)) } },
            Task { await Self.read(socket, into: inputs) },
        ]
        defer {
            pumps.forEach { $0.cancel() }
            self.inputs = nil
        }
        var conversation = CameraConversation(recording: settings.recording, webhookURL: settings.webhookURL)
        for await input in stream {
            for effect in conversation.handle(input) {
                if case .end(let reason) = effect { return reason }
                carryOut(effect, socket: socket, pipeline: pipeline, session: session)
            }
        }
        return nil
    }

    private static func read(_ socket: WebSocket, into inputs: AsyncStream<CameraConversation.Input>.Continuation) async {
        for await event in socket.events {
            guard case .text(let text) = event else { continue }
            guard let message = try? JSONValue.read(text.utf8) else { continue }
            inputs.yield(.message(message))
        }
        inputs.yield(.socketClosed)
    }

    private func carryOut(
        _ effect: CameraConversation.Effect, socket: WebSocket, pipeline: any RunningPipeline, session: SessionID
    ) {
        switch effect {
        case .send(let type, let data):
            let frame: JSONValue = [
                "type": .string(type), "client_id": .string(settings.client.rawValue), "session_id": .string(session.rawValue),
                "data": data,
            ]
            _ = socket.send(frame.text)
        case .command(let command): pipeline.send(command)
        case .live:
            failures = 0
            report(.live)
        case .recording(let state, let id): report(.recording(state, id: id))
        case .refused(let reason):
            logger.warning("the bridge refused a camera's message", metadata: ["camera": "\(settings.client)", "reason": "\(reason)"])
        case .end: break
        }
    }
}
