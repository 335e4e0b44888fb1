import Bridge
import BridgeModel
import BridgeTesting
import Logging
import Synchronization
import Testing

@testable import CameraPlane

/// Waits that last until they are cancelled or let go.
private final class Waits: Sendable {
    let asked = Journal<Duration>()
    private let state = Mutex<(isOver: Bool, ends: [AsyncStream<Void>.Continuation])>((false, []))

    /// Ends all, also those that come later.
    func letGo() {
        let ends = state.withLock { state in
            state.isOver = true
            return state.ends
        }
        for end in ends { end.finish() }
    }

    func wait(_ duration: Duration) async throws {
        asked.note(duration)
        let (stream, end) = AsyncStream.makeStream(of: Void.self)
        let isOver = state.withLock { state in
            state.ends.append(end)
            return state.isOver
        }
        if isOver { end.finish() }
        for await _ in stream {}
    }
}

/// Against a small server on the loopback interface.
@Suite struct CameraAgentTests {
    private let launcher = FakeLauncher()
    private let waits = Waits()
    private let reports = Journal<CameraAgent.Report>()

    private static let plan = CameraPlan(
        source: .test, videoCodec: .vp8, width: 640, height: 360, framesPerSecond: 30, bitrate: 500_000, keyframeInterval: .seconds(2),
        audio: false, identity: DTLSIdentity(pem: Redacted("pem"), fingerprint: Fingerprint(algorithm: "sha-256", value: "AB")),
        ice: IceSettings(addresses: ["127.0.0.1"]))

    private func agent(_ origin: String) -> CameraAgent {
        let (waits, reports) = (waits, reports)
        return CameraAgent(
            settings: CameraSettings(
                bridge: origin, masterKey: Redacted("key"), client: ClientID("camera"), plan: Self.plan,
                recording: ["webhook_url": "https://example.org/hook"]),
            launcher: launcher, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            sleep: { try await waits.wait($0) }, report: { reports.note($0) })
    }

    /// Runs the agent; the journal has an entry when it has returned.
    private func run(_ agent: CameraAgent) -> Journal<Void> {
        let end = Journal<Void>()
        Task {
            await agent.run()
            end.note(())
        }
        return end
    }

    /// The reasons of the interruptions, in order.
    private var interruptions: [BridgeError] {
        reports.all.compactMap { report in
            guard case .interrupted(let error) = report else { return nil }
            return error
        }
    }

    /// Brings a session up to the point where media flows.
    private func connect(_ pipeline: FakePipeline, to bridge: TestBridge) async {
        pipeline.say(.localDescription(sdp: SampleCall.offer))
        #expect(await eventually { bridge.messages("session_start").count == launcher.pipelines.count })
        bridge.say("sdp_update", ["sdp": ["type": "answer", "sdp": .string(SampleCall.answer)]])
        #expect(await eventually { pipeline.commands.count == 1 })
        pipeline.say(.connected)
        #expect(await eventually { bridge.messages("recording_start").count == launcher.pipelines.count })
    }

    @Test func aCameraPublishesIsRecordedAndSaysGoodbye() async throws {
        try await TestBridge.run { bridge, origin in
            let agent = agent(origin)
            let end = run(agent)
            let pipeline = try #require(await launcher.pipeline())
            guard case .camera(let plan) = pipeline.plan.work else {
                Issue.record("\(pipeline.plan)")
                return
            }
            #expect(plan.ice.turnServers.map(\.revealed) == ["turn://u:p@t.example:3478"] && plan.ice.addresses == ["127.0.0.1"])
            #expect(bridge.sockets.all == ["/api/v2/io?auth_token=T"])
            await connect(pipeline, to: bridge)
            let start = try #require(bridge.messages("session_start").first)
            #expect(start["client_id"] == "camera" && start["session_id"] == "S" && start["data"]?["version"] == "3")
            bridge.say(text: "garbage")
            bridge.say("recording_state", ["state": "recording", "rec_id": "R"])
            #expect(await eventually { reports.all == [.live, .recording(.recording, id: "R")] })
            await agent.stop()
            #expect(await eventually { bridge.messages("session_stop").count == 1 })
            // Before the bridge takes its end of the transport down.
            #expect(await eventually { pipeline.isStopped } && end.all.isEmpty)
            bridge.say("session_terminated", ["termination_cause": "CLIENT_STOP"])
            #expect(await eventually { !end.all.isEmpty })
            #expect(interruptions.isEmpty)
        }
    }

    @Test func theNextSessionBeginsWhenOneIsOver() async throws {
        try await TestBridge.run { bridge, origin in
            let agent = agent(origin)
            let end = run(agent)
            let first = try #require(await launcher.pipeline())
            await connect(first, to: bridge)
            bridge.say("session_terminated", ["termination_cause": "MAX_DURATION"])
            #expect(await eventually { interruptions.map(\.code) == [.connectionLost] && first.isStopped })
            #expect(await eventually { waits.asked.all == [.milliseconds(500)] })
            waits.letGo()
            let second = try #require(await launcher.pipeline(2))
            await connect(second, to: bridge)
            bridge.hangUp()
            // Once live, the waits begin anew.
            #expect(await eventually { waits.asked.all == [.milliseconds(500), .milliseconds(500)] })
            await agent.stop()
            #expect(await eventually { !end.all.isEmpty })
        }
    }

    @Test func waitsGrowAndAreBounded() async throws {
        try await TestBridge.run { bridge, origin in
            bridge.reply("/auth_v2/client", 401, "{}")
            waits.letGo()
            let agent = agent(origin)
            let end = run(agent)
            #expect(await eventually { waits.asked.all.count >= 7 })
            await agent.stop()
            #expect(await eventually { !end.all.isEmpty })
            #expect(waits.asked.all.prefix(7).map { $0 / .milliseconds(500) } == [1, 2, 4, 8, 16, 20, 20])
            #expect(interruptions.first?.code == .forbidden)
        }
    }

    @Test func aCameraThatWaitsStopsAtOnce() async throws {
        try await TestBridge.run { bridge, origin in
            bridge.reply("/auth_v2/client", 503, "{}")
            let agent = agent(origin)
            let end = run(agent)
            #expect(await eventually { waits.asked.all == [.milliseconds(500)] })
            await agent.stop()
            #expect(await eventually { !end.all.isEmpty })
            #expect(interruptions.map(\.code) == [.unavailable])
        }
    }

    @Test func aGoodbyeWithoutAnAnswerIsNotWaitedForLong() async throws {
        try await TestBridge.run { bridge, origin in
            let agent = agent(origin)
            let end = run(agent)
            let pipeline = try #require(await launcher.pipeline())
            await connect(pipeline, to: bridge)
            await agent.stop()
            #expect(await eventually { waits.asked.all == [.seconds(3)] })
            #expect(await eventually { pipeline.isStopped } && end.all.isEmpty)
            waits.letGo()
            #expect(await eventually { !end.all.isEmpty })
        }
    }

    @Test func aCameraThatIsStoppedBeforeItsSessionBeginsNone() async throws {
        try await TestBridge.run { bridge, origin in
            launcher.gate.close()
            let agent = agent(origin)
            let end = run(agent)
            #expect(await eventually { launcher.gate.waitingCount == 1 })
            await agent.stop()
            launcher.gate.open()
            #expect(await eventually { !end.all.isEmpty })
            #expect(launcher.pipelines.allSatisfy(\.isStopped) && bridge.messages.all.isEmpty)
        }
    }

    @Test func aPipelineThatCannotBeStartedIsAnInterruption() async throws {
        try await TestBridge.run { bridge, origin in
            let refusal = BridgeError(.pipelineUnavailable, "viaduct-pipeline is missing")
            launcher.refuse(refusal)
            let agent = agent(origin)
            let end = run(agent)
            #expect(await eventually { interruptions == [refusal] })
            await agent.stop()
            #expect(await eventually { !end.all.isEmpty })
            #expect(bridge.messages.all.isEmpty)
        }
    }

    @Test(arguments: ["no socket", "http://127.0.0.1:1/io", "ws://127.0.0.1:1/io"])
    func theTokenIsInNoReason(_ endpoint: String) async throws {
        try await TestBridge.run { bridge, origin in
            bridge.reply("/auth_v2/client", 201, #"{"auth_token":"secret-token"}"#)
            bridge.reply("/api/v2/session", 201, #"{"session_id":"S","ws_endpoint":"\#(endpoint)"}"#)
            let agent = agent(origin)
            let end = run(agent)
            #expect(await eventually { interruptions.count == 1 })
            #expect(interruptions.first?.code == .unavailable && interruptions.first?.message.contains("secret") == false)
            await agent.stop()
            #expect(await eventually { !end.all.isEmpty })
        }
    }
}
