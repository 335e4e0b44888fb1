import Bridge
import BridgeModel
import Testing

/// What a camera says to a bridge, and what the replies mean.
@Suite struct RTMExchangeTests {
    private static let now = WallTime(milliseconds: 1_700_000_000_000)

    private func exchange(token: String? = "se cret") throws -> RTMExchange {
        guard case .rtm(let origin) = try CameraTarget(parsing: "ws://127.0.0.1:8080") else { throw Failure() }
        return RTMExchange(origin: origin, stream: StreamID("gate"), token: token.map { Redacted($0) })
    }

    private func reply(_ status: Int, _ body: String, retryAfter: String? = nil) -> OutgoingReply {
        OutgoingReply(status: status, retryAfter: retryAfter, body: Array(body.utf8))
    }

    private static let made = #"{"session_id":"s1","client_id":"c1","ws_endpoint":"ws://127.0.0.1:8080/bridge/v1/io","ice_credentials":"#

    @Test func aSessionIsMadeAndItsSocketFound() throws {
        var exchange = try exchange()
        let request = try exchange.request()
        #expect(request.method == "POST" && request.url.text.revealed == "http://127.0.0.1:8080/bridge/v1/sessions")
        #expect(request.token?.revealed == "se cret")
        #expect(try JSONValue.read(request.body) == ["stream": "gate", "direction": "publish"])
        let servers = #"{"iceServers":[{"urls":["stun:a","turn:b"],"username":"u","credential":"p"},{"urls":"turn:c"}]}}"#
        let opened = try exchange.take(reply(201, Self.made + servers), now: Self.now)
        #expect(opened.socket.revealed == "ws://127.0.0.1:8080/bridge/v1/io?auth_token=se%20cret")
        #expect(opened.iceServers.map(\.urls) == [["stun:a"], ["turn:b"]] && opened.iceServers.allSatisfy { $0.username == "u" })
        let start = try JSONValue.read(exchange.start("v=0").utf8)
        #expect(start["session_id"]?.string == "s1" && start["client_id"]?.string == "c1" && start["type"]?.string == "session_start")
        #expect(start["data"]?["sdp"]?["sdp"]?.string == "v=0")
        #expect(try JSONValue.read(exchange.stop.utf8)["type"]?.string == "session_stop")
    }

    @Test func withoutATokenTheSocketNeedsNone() throws {
        var exchange = try exchange(token: nil)
        #expect(try exchange.request().token == nil)
        #expect(try exchange.take(reply(201, Self.made + "{}}"), now: Self.now).socket.revealed.hasSuffix("/bridge/v1/io"))
    }

    @Test(arguments: [(401, true), (403, true), (404, true), (409, false), (429, false), (500, false), (503, false)])
    func refusalsAreFinalWhereRepeatingChangesNothing(status: Int, isPermanent: Bool) throws {
        var exchange = try exchange()
        let fault = #expect(throws: ConferenceFault.self) {
            try exchange.take(reply(status, #"{"detail":"no\u001bway"}"#, retryAfter: "7"), now: Self.now)
        }
        #expect(fault?.isPermanent == isPermanent && fault?.retryAfter == (isPermanent ? nil : .seconds(7)))
        #expect(fault?.error.message.contains("(no way)") == true && fault?.error.message.contains("se cret") == false)
        #expect((fault?.error.code == .forbidden) == [401, 403].contains(status))
    }

    @Test(arguments: ["", "x", "[]", "{}", #"{"session_id":1,"ws_endpoint":"ws://a"}"#, #"{"session_id":"s"}"#])
    func aReplyThatIsNoSessionIsAnError(body: String) throws {
        var exchange = try exchange()
        let fault = #expect(throws: ConferenceFault.self) { try exchange.take(reply(201, body), now: Self.now) }
        #expect(fault?.error.code == .conferenceAnswerInvalid && fault?.isPermanent == false)
    }

    @Test func framesMeanAnAnswerOrAnEndOrNothing() throws {
        let exchange = try exchange()
        #expect(
            exchange.word(of: #"{"type":"sdp_update","data":{"sdp":{"type":"answer","sdp":"v=0"}}}"#) == .answer(sdp: "v=0"))
        #expect(exchange.word(of: #"{"type":"error","data":{"in_reply_to":"sdp_update","code":"unavailable"}}"#) == .restartRefused)
        func fault(_ text: String) -> ConferenceFault? {
            guard case .over(let fault) = exchange.word(of: text) else { return nil }
            return fault
        }
        #expect(fault(#"{"type":"session_terminated","data":{"termination_cause":"SERVER_SHUTDOWN"}}"#)?.isPermanent == false)
        #expect(fault(#"{"type":"session_terminated","data":{"termination_cause":"REPLACED"}}"#)?.retryAfter == .seconds(30))
        #expect(fault(#"{"type":"session_terminated"}"#) != nil)
        let refusal = #"{"type":"error","data":{"in_reply_to":"session_start","code":"CODE","msg":"m"}}"#
        #expect(fault(refusal.replacing("CODE", with: "unacceptable_offer"))?.isPermanent == true)
        #expect(fault(refusal.replacing("CODE", with: "unavailable"))?.isPermanent == false)
        let nothing = [
            "", "x", "[]", "{}", #"{"type":5}"#, #"{"type":"sdp_update"}"#,
            #"{"type":"sdp_update","data":{"sdp":{"type":"offer","sdp":"v=0"}}}"#,
            #"{"type":"error","data":{"in_reply_to":"candidate","code":"c"}}"#, #"{"type":"candidate","data":{}}"#,
        ]
        for text in nothing { #expect(exchange.word(of: text) == nil, "\(text)") }
    }

    private struct Failure: Error {}
}
