import Bridge
import BridgeModel
import BridgeTesting
import Synchronization
import Testing

@testable import ControlPlane

/// A Janus server that says what the test wants, and notes what it is asked.
private final class ScriptedJanus: OutgoingCalls {
    typealias Reply = Result<OutgoingReply, AttemptFault>

    let asked = Journal<String>()
    /// What polls bring, one after the other; a poll without one waits, until it is given up.
    let heard = Mutex<[Reply]>([])
    /// What requests of a kind bring, instead of what they should.
    let refusals = Mutex<[String: Reply]>([:])
    let gate = Gate()

    func call(_ call: OutgoingCall, within limit: Duration) async -> Reply {
        guard call.method == "POST" else { return await poll(call) }
        let kind = (try? JSONValue.read(call.body))?["janus"]?.string ?? "nothing"
        asked.note("\(kind) \(call.url.target.revealed)")
        await gate.pass()
        if let refusal = refusals.withLock({ $0[kind] }) { return refusal }
        return switch kind {
        case "create": Self.reply(#"{"janus":"success","data":{"id":12}}"#)
        case "attach": Self.reply(#"{"janus":"success","data":{"id":34}}"#)
        case "destroy": Self.reply(#"{"janus":"success"}"#)
        default: Self.reply(#"{"janus":"ack"}"#)
        }
    }

    private func poll(_ call: OutgoingCall) async -> Reply {
        asked.note("poll \(call.url.target.revealed)")
        while !Task.isCancelled {
            if let reply = heard.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return reply }
            try? await Task.sleep(for: .milliseconds(1))
        }
        return .failure(.connectionLost)
    }

    static func reply(_ text: String, status: Int = 200) -> Reply { .success(OutgoingReply(status: status, body: Array(text.utf8))) }

    static let answer = reply(
        #"[{"janus":"event","sender":34,"plugindata":{"data":{"videoroom":"joined"}},"#
            + #""jsep":{"type":"answer","sdp":"v=0\r\na=candidate:1 1 udp 1 198.51.100.7 9 typ host\r\n"}}]"#)
}

@Suite(.timeLimit(.minutes(1))) struct JanusCallTests {
    private let clock = TestClock()
    private let server = ScriptedJanus()

    private func call(resource: String? = nil, hearing stream: StreamID? = nil) throws -> JanusCall {
        let url = try DeliveryURL(parsing: Redacted("https://meet.example/janus"), rules: AddressRules())
        var target = JanusTarget(url: url, room: .number(7))
        target.returnStream = stream
        let exchange = JanusExchange(target, rules: AddressRules())
        return JanusCall(exchange, resource: resource.map { Redacted($0) }, http: server, clock: clock.clock)
    }

    private static let joining = ["create /janus", "attach /janus/12", "message /janus/12/34", "poll /janus/12?maxev=32"]

    /// A call that has joined, and whose polls wait.
    private func attending() async throws -> (call: JanusCall, end: Task<ConferenceFault?, Never>) {
        let call = try call()
        server.heard.withLock { $0 = [ScriptedJanus.answer] }
        #expect(try await call.join("v=0").resource.revealed == "12")
        let end = Task { () -> ConferenceFault? in
            do throws(ConferenceFault) {
                try await call.attend()
                return nil
            } catch {
                return error
            }
        }
        #expect(await eventually { server.asked.all == Self.joining + ["poll /janus/12?maxev=32"] })
        return (call, end)
    }

    @Test func aSessionIsHeldUntilItIsLeft() async throws {
        let (call, end) = try await attending()
        #expect(await clock.pass { server.asked.all.count { $0 == "keepalive /janus/12" } >= 2 })
        server.heard.withLock { $0 = [ScriptedJanus.reply(#"{"janus":"keepalive"}"#)] }
        #expect(await eventually { server.asked.all.count { $0.hasPrefix("poll") } == 3 })
        await call.stop()
        _ = await end.value
        await call.leave()
        #expect(server.asked.all.last == "destroy /janus/12")
        let count = server.asked.all.count
        clock.advance(by: .seconds(60))
        await call.leave()
        try await Task.sleep(for: .milliseconds(5))
        #expect(server.asked.all.count == count, "there is nothing to say any more")
    }

    @Test func whatTheServerEndsItWithIsTold() async throws {
        for (reply, code) in [
            (ScriptedJanus.reply(#"[{"janus":"hangup","sender":34}]"#), .connectionLost),
            (ScriptedJanus.reply("", status: 404), .connectionLost),
            (ScriptedJanus.reply("<html>"), .conferenceAnswerInvalid),
            (ScriptedJanus.reply(#"{"janus":"event","sender":34,"plugindata":{"data":{"videoroom":"destroyed"}}}"#), .conferenceRefused),
        ] as [(ScriptedJanus.Reply, BridgeError.Code)] {
            let stage = JanusCallTests()
            let (call, end) = try await stage.attending()
            stage.server.heard.withLock { $0 = [reply] }
            #expect(await end.value?.error.code == code)
            await call.leave()
            #expect(stage.server.asked.all.last == "destroy /janus/12")
        }
    }

    @Test func aPollThatFailsIsRepeatedAndThreeAreTheEnd() async throws {
        let (_, end) = try await attending()
        let lost = ScriptedJanus.Reply.failure(.connectionLost)
        server.heard.withLock { $0 = [lost, lost, ScriptedJanus.reply(#"{"janus":"keepalive"}"#), lost, lost, .failure(.unreachable)] }
        #expect(await clock.pass { server.heard.withLock { $0.isEmpty } })
        #expect(await end.value?.error.code == .conferenceUnavailable)
    }

    @Test func aSessionThatWasMadeForNothingIsEnded() async throws {
        server.refusals.withLock { $0["message"] = ScriptedJanus.reply(#"{"janus":"error","error":{"code":403}}"#) }
        let call = try call()
        let fault = await #expect(throws: ConferenceFault.self) { try await call.join("v=0") }
        #expect(fault?.isPermanent == true)
        await call.leave()
        #expect(server.asked.all == Self.joining.dropLast() + ["destroy /janus/12"])
    }

    @Test func givingUpWaitsForWhatWasAskedAndForNothingElse() async throws {
        let call = try call()
        server.gate.close()
        let joining = Task { try? await call.join("v=0") }
        #expect(await eventually { server.asked.all == ["create /janus"] })
        await call.stop()
        server.gate.open()
        #expect(await joining.value == nil)
        await call.leave()
        #expect(server.asked.all == ["create /janus", "destroy /janus/12"])
        // While it waits for the answer.
        let stage = JanusCallTests()
        let other = try stage.call()
        let waiting = Task { try? await other.join("v=0") }
        #expect(await eventually { stage.server.asked.all == Self.joining })
        await other.stop()
        #expect(await waiting.value == nil)
    }

    @Test func anEarlierRunsSessionIsEnded() async throws {
        server.refusals.withLock { $0["destroy"] = .failure(.unreachable) }
        let call = try call(resource: "99")
        let leaving = Task { await call.leave() }
        #expect(await clock.pass { server.asked.all == Array(repeating: "destroy /janus/99", count: 3) })
        await leaving.value
    }

    @Test func othersAreOfferedAndAnsweredBesideThePolls() async throws {
        #expect(try call().voices == nil)
        let call = try call(hearing: StreamID("ears"))
        let voices = try #require(call.voices)
        let others =
            #"{"janus":"event","sender":34,"plugindata":{"data":{"videoroom":"event","publishers":"#
            + #"[{"id":5,"streams":[{"type":"audio","codec":"opus","mid":"0"}]}]}}}"#
        server.heard.withLock { $0 = [ScriptedJanus.answer] }
        _ = try await call.join("v=0")
        let attending = Task { try? await call.attend() }
        server.refusals.withLock { $0["attach"] = ScriptedJanus.reply(#"{"janus":"success","data":{"id":50}}"#) }
        server.heard.withLock { $0 = [ScriptedJanus.reply(others)] }
        #expect(await eventually { server.asked.all.contains("message /janus/12/50") })
        let offer =
            #"{"janus":"event","sender":50,"plugindata":{"data":{"videoroom":"attached"}},"#
            + #""jsep":{"type":"offer","sdp":"v=0\r\na=candidate:1 1 udp 1 198.51.100.7 9 typ host\r\n"}}"#
        server.heard.withLock { $0 = [ScriptedJanus.reply(offer)] }
        var offers = voices.offers.makeAsyncIterator()
        guard case .offered(1, let sdp)? = await offers.next() else { return #expect(Bool(false), "nobody is offered") }
        #expect(sdp.hasPrefix("v=0\r\n"))
        await voices.answer(1, "v=0 answer")
        #expect(await eventually { server.asked.all.count { $0 == "message /janus/12/50" } == 2 })
        await voices.lost(1)
        #expect(await offers.next() == .ended(1))
        #expect(await eventually { server.asked.all.contains("detach /janus/12/50") })
        await call.stop()
        _ = await attending.value
        #expect(await offers.next() == nil)
    }

    /// A proxy that loses one request silences nobody.
    @Test func whoCannotBeSubscribedToIsTriedAgain() async throws {
        let call = try call(hearing: StreamID("ears"))
        server.heard.withLock { $0 = [ScriptedJanus.answer] }
        _ = try await call.join("v=0")
        let attending = Task { try? await call.attend() }
        server.refusals.withLock { refusals in
            refusals["attach"] = ScriptedJanus.reply(#"{"janus":"success","data":{"id":50}}"#)
            refusals["message"] = ScriptedJanus.reply("", status: 502)
        }
        let others =
            #"{"janus":"event","sender":34,"plugindata":{"data":{"videoroom":"event","publishers":"#
            + #"[{"id":5,"streams":[{"type":"audio","codec":"opus","mid":"0"}]}]}}}"#
        server.heard.withLock { $0 = [ScriptedJanus.reply(others)] }
        #expect(await eventually { server.asked.all.contains("detach /janus/12/50") })
        server.refusals.withLock { $0["message"] = nil }
        #expect(await clock.pass { server.asked.all.count { $0 == "message /janus/12/50" } == 2 })
        await call.stop()
        _ = await attending.value
    }
}
