import Bridge
import BridgeModel
import BridgeTesting
import Synchronization
import Testing

@testable import ControlPlane

/// One session at somebody else's WHIP endpoint, whose path is lost.
@Suite(.timeLimit(.minutes(1))) struct ConferenceLegTests {
    private let clock = TestClock()
    private let launcher = FakeLauncher()
    private let server = ScriptedServer()
    private let leg: ConferenceLeg
    private let refusals: Refusals

    /// How often it was told that there is no other ICE session.
    private final class Refusals: Sendable {
        private let number = Mutex(0)
        var count: Int { number.withLock { $0 } }
        func hear(_ news: ConferenceLeg.News) { if case .restartRefused = news { number.withLock { $0 += 1 } } }
    }

    init() throws {
        let refusals = Refusals()
        self.refusals = refusals
        let rules = AddressRules()
        let target = WHIPTarget(url: try DeliveryURL(parsing: Redacted("https://meet.example/whip"), rules: rules))
        let call = ConferenceCallMaker(http: server, rules: rules, clock: clock.clock).call(.whip(target), resource: nil)
        leg = ConferenceLeg(
            stream: Sample.stream(), call: call,
            services: .init(launcher: launcher, hub: FakeHub(), allowed: { $0.replacing("1.1.1.1", with: "9.9.9.9") })
        ) { refusals.hear($0) }
    }

    /// Runs it up to its answer.
    private func join() async throws -> FakePipeline {
        let tracks = ConferencePlan.tracks(of: Sample.stream().tracks)
        let plan = ConferencePlan(tracks: tracks, identity: Sample.identity, ice: IceSettings())
        Task { [leg] in await leg.run(PipelinePlan(pipeline: PipelineID("p"), work: .conference(plan))) }
        let child = try #require(await launcher.pipeline(1))
        await leg.restart()
        #expect(server.asked.all.isEmpty, "there is no session yet")
        child.say(.localDescription(sdp: SampleOffer.publish))
        #expect(await eventually { !child.commands.isEmpty })
        return child
    }

    /// What the child was told of other ICE sessions.
    private func restarts(_ child: FakePipeline) -> [(local: IceParameters, remote: IceRestartAnswer)] {
        child.commands.compactMap { command in
            guard case .restart(let local, let remote) = command else { return nil }
            return (local, remote)
        }
    }

    private static func agreement(_ ufrag: String) -> OutgoingReply {
        let lines = [
            "a=ice-ufrag:\(ufrag)", "a=ice-pwd:0123456789abcdefghijkl", "m=audio 9 RTP/AVP 0", "a=mid:0",
            "a=candidate:1 1 udp 7 1.1.1.1 9 typ host",
        ]
        return OutgoingReply(status: 200, body: Array(lines.map { $0 + "\r\n" }.joined().utf8))
    }

    @Test func anotherICESessionIsAgreedWithBothEnds() async throws {
        let child = try await join()
        var ours: Set<String> = []
        for count in 1...3 {
            server.replies.withLock { $0 = [.success(Self.agreement("their\(count)"))] }
            await leg.restart()
            let (local, remote) = try #require(restarts(child).last)
            #expect(restarts(child).count == count && remote.credentials.ufrag == "their\(count)")
            // By the rules of where may be sent to.
            #expect(remote.candidates == ["candidate:1 1 udp 7 9.9.9.9 9 typ host"])
            let call = try #require(server.asked.all.last)
            #expect(call.method == "PATCH" && String(decoding: call.body, as: UTF8.self).contains("a=ice-ufrag:\(local.ufrag)\r\n"))
            #expect(ours.insert(local.ufrag).inserted)
        }
    }

    @Test func whatIsNotAgreedToChangesNothing() async throws {
        let child = try await join()
        for reply in [.success(OutgoingReply(status: 405)), .failure(.unreachable)] as [Result<OutgoingReply, AttemptFault>] {
            server.replies.withLock { $0 = [reply] }
            await leg.restart()
            #expect(server.asked.all.last?.method == "PATCH" && restarts(child).isEmpty)
        }
        #expect(refusals.count == 2)
        server.replies.withLock { $0 = [.success(Self.agreement("their"))] }
        await leg.restart()
        #expect(restarts(child).count == 1 && refusals.count == 2)
    }

    @Test func oneIsAskedForAtATimeAndNoneOfASessionThatGoes() async throws {
        let child = try await join()
        server.gate.close()
        server.replies.withLock { $0 = [.success(Self.agreement("their"))] }
        let first = Task { [leg] in await leg.restart() }
        #expect(await eventually { server.asked.all.last?.method == "PATCH" })
        await leg.restart()
        #expect(server.asked.all.count { $0.method == "PATCH" } == 1)
        let closing = Task { [leg] in await leg.close() }
        #expect(await eventually { child.isStopped })
        server.gate.open()
        await first.value
        await closing.value
        await leg.restart()
        #expect(server.asked.all.count { $0.method == "PATCH" } == 1 && restarts(child).isEmpty)
        child.end()
    }
}
