import Bridge
import BridgeModel
import SDP
import Testing

/// What is said to somebody else's Janus server, and what its replies mean.
@Suite struct JanusExchangeTests {
    private static let now = WallTime(milliseconds: 1_700_000_000_000)
    private static let offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"
    private static let answer = #"v=0\r\nm=audio 9 RTP/SAVPF 111\r\na=candidate:1 1 udp 1 198.51.100.7 9 typ host\r\n"#
    private static let bare = #"v=0\r\nm=audio 9 RTP/SAVPF 111\r\nm=video 0 RTP/SAVPF 96\r\n"#

    private func target(_ url: String = "https://meet.example:8089/janus", room: JanusTarget.Room = .number(7)) throws -> JanusTarget {
        var target = JanusTarget(url: try DeliveryURL(parsing: Redacted(url), rules: AddressRules()), room: room)
        (target.display, target.pin, target.token, target.apiSecret) = ("Yard", Redacted("pin"), Redacted("tok&en"), Redacted("se+cret"))
        return target
    }

    private func exchange() throws -> JanusExchange { JanusExchange(try target(), rules: AddressRules()) }

    private func reply(_ text: String, status: Int = 200) -> OutgoingReply { OutgoingReply(status: status, body: Array(text.utf8)) }

    private func event(_ data: String = "{}", sdp: String? = nil, sender: Int = 34) -> String {
        let jsep = sdp.map { #","jsep":{"type":"answer","sdp":"\#($0)"}"# } ?? ""
        return #"{"janus":"event","sender":\#(sender),"plugindata":{"data":\#(data)}\#(jsep)}"#
    }

    private func json(_ call: OutgoingCall) throws -> JSONValue { try JSONValue.read(call.body) }

    private func ask(_ step: JanusExchange.Step) throws -> OutgoingCall {
        guard case .ask(let call) = step else { throw TestFailure("\(step)") }
        return call
    }

    /// Takes these replies, and returns what follows the last.
    @discardableResult
    private func play(_ exchange: inout JanusExchange, _ replies: [String]) throws -> JanusExchange.Step {
        var step = JanusExchange.Step.ask(try exchange.join(Self.offer))
        for text in replies { step = try exchange.take(reply(text), now: MonotonicTime(nanoseconds: 0), wall: Self.now) }
        return step
    }

    private static let made = [#"{"janus":"success","data":{"id":12}}"#, #"{"janus":"success","data":{"id":34}}"#]
    private static let accepted = made + [#"{"janus":"ack"}"#]

    @Test func aPublisherJoinsAndItsSessionIsEnded() throws {
        var exchange = try exchange()
        let create = try exchange.join(Self.offer)
        #expect(create.method == "POST" && create.url.text.revealed == "https://meet.example:8089/janus" && create.token == nil)
        #expect(try json(create) == ["janus": "create", "transaction": "create", "token": "tok&en", "apisecret": "se+cret"])
        #expect(exchange.resource == nil)
        let attach = try ask(exchange.take(reply(Self.made[0]), now: MonotonicTime(nanoseconds: 0), wall: Self.now))
        #expect(try json(attach)["plugin"] == "janus.plugin.videoroom" && attach.url.target.revealed == "/janus/12")
        #expect(exchange.resource?.revealed == "12")
        let join = try ask(exchange.take(reply(Self.made[1]), now: MonotonicTime(nanoseconds: 0), wall: Self.now))
        #expect(join.url.target.revealed == "/janus/12/34")
        #expect(
            try json(join)["body"] == [
                "request": "joinandconfigure", "ptype": "publisher", "room": 7, "display": "Yard", "pin": "pin", "token": "tok&en",
            ])
        #expect(try json(join)["jsep"] == ["type": "offer", "sdp": .string(Self.offer)] && (try json(join)["apisecret"]) == "se+cret")
        let poll = try ask(exchange.take(reply(#"{"janus":"ack"}"#), now: MonotonicTime(nanoseconds: 0), wall: Self.now))
        #expect(poll.method == "GET" && poll.url.target.revealed == "/janus/12?maxev=32&token=tok%26en&apisecret=se%2Bcret")
        #expect(try ask(exchange.take(reply(#"{"janus":"keepalive"}"#), now: MonotonicTime(nanoseconds: 0), wall: Self.now)) == poll)
        let joined = "[" + event(#"{"videoroom":"joined"}"#, sdp: Self.answer) + "]"
        guard case .answered(let answer) = try exchange.take(reply(joined), now: MonotonicTime(nanoseconds: 0), wall: Self.now) else {
            throw TestFailure("no answer")
        }
        #expect(answer.resource.revealed == "12" && answer.sdp.contains("a=candidate:1 1 udp") && answer.iceServers.isEmpty)
        #expect(
            try ask(exchange.take(reply(#"[{"janus":"webrtcup","sender":34}]"#), now: MonotonicTime(nanoseconds: 0), wall: Self.now))
                == poll)
        #expect(try json(exchange.keepAlive())["janus"] == "keepalive")
        let end = try #require(exchange.end(answer.resource))
        #expect(try json(end)["janus"] == "destroy" && json(end)["apisecret"] == "se+cret" && end.url.target.revealed == "/janus/12")
        for nonsense in ["", "x", "-1", "0", "12/../..", "99999999999999999999"] { #expect(exchange.end(Redacted(nonsense)) == nil) }
    }

    private static let lines = [
        "v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:QoWQ", "a=ice-pwd:4JAfScHElAPJfHza29pNMd", "a=fingerprint:sha-256 AB" + String(repeating: ":AB", count: 31),
        "a=setup:actpass", "a=rtcp-mux", "a=sendonly", "a=mid:0", "a=rtpmap:111 opus/48000/2",
    ]

    @Test func anotherICESessionIsAskedForWithAnOffer() throws {
        var random = SystemRandomNumberGenerator()
        let request = try #require(IceRestartRequest(of: Self.lines.map { $0 + "\r\n" }.joined(), using: &random))
        var exchange = try exchange()
        try play(&exchange, Self.accepted + [event(sdp: Self.answer)])
        #expect(exchange.takeRestart() == nil)
        let call = try exchange.restart(request)
        #expect(call.url.target.revealed == "/janus/12/34")
        #expect(try json(call)["body"] == ["request": "configure"])
        #expect(try json(call)["jsep"] == ["type": "offer", "sdp": .string(request.offer)])
        let answer =
            (Self.lines + ["a=candidate:1 1 udp 1 198.51.100.7 9 typ host"]).joined(separator: #"\r\n"#)
            .replacing("actpass", with: "active").replacing("sendonly", with: "recvonly") + #"\r\n"#
        // An answer that does not fit is none, and the session goes on.
        for (text, isTaken) in [(Self.answer, false), (answer, true)] {
            _ = try exchange.restart(request)
            _ = try ask(exchange.take(reply(event(sdp: text)), now: MonotonicTime(nanoseconds: 0), wall: Self.now))
            let taken = exchange.takeRestart()
            #expect((taken != nil) == isTaken, "\(text)")
            if isTaken { #expect(taken?.credentials.ufrag == "QoWQ" && taken?.candidates.count == 1) }
            #expect(exchange.takeRestart() == nil)
        }
        // Without having been asked for, it changes nothing.
        _ = try ask(exchange.take(reply(event(sdp: answer)), now: MonotonicTime(nanoseconds: 0), wall: Self.now))
        #expect(exchange.takeRestart() == nil)
    }

    @Test func anAnswerWaitsForCandidatesThatFollowIt() throws {
        var exchange = try exchange()
        let trickle = #"{"janus":"trickle","sender":34,"candidate":{"candidate":"candidate:5 1 udp 1 198.51.100.7 9 typ host"}}"#
        let completed = #"{"janus":"trickle","sender":34,"candidate":{"completed":true}}"#
        _ = try ask(play(&exchange, Self.accepted + [event(sdp: Self.bare), trickle]))
        guard case .answered(let answer) = try exchange.take(reply(completed), now: MonotonicTime(nanoseconds: 0), wall: Self.now) else {
            throw TestFailure("no answer")
        }
        let candidates = "a=candidate:5 1 udp 1 198.51.100.7 9 typ host\r\na=end-of-candidates\r\n"
        #expect(answer.sdp == "v=0\r\nm=audio 9 RTP/SAVPF 111\r\n\(candidates)m=video 0 RTP/SAVPF 96\r\n\(candidates)")
        var flooded = try self.exchange()
        try play(&flooded, Self.accepted + [event(sdp: Self.bare)] + Array(repeating: trickle, count: 100))
    }

    @Test func wordsAboutOthersChangeNothing() throws {
        var exchange = try exchange()
        let foreign = [
            #"{"janus":"hangup","sender":35}"#, #"{"janus":"detached","sender":35}"#, event(#"{"error_code":426}"#, sender: 35),
            event(sdp: Self.answer, sender: 35), #"{"janus":"slowlink","sender":34}"#, #"{"janus":"success"}"#,
        ]
        _ = try ask(play(&exchange, Self.accepted + foreign))
    }

    @Test(arguments: [
        #"{"janus":"timeout","session_id":12}"#, #"{"janus":"hangup","sender":34,"reason":"ICE failed"}"#,
        #"{"janus":"detached","sender":34}"#,
        #"{"janus":"error","error":{"code":458}}"#, #"{"janus":"error","error":{"code":459}}"#,
    ])
    func aSessionThatIsOverIsFollowedByAnother(text: String) throws {
        for replies in [Self.accepted, Self.accepted + [event(sdp: Self.answer)]] {
            var exchange = try exchange()
            try play(&exchange, replies)
            let fault = #expect(throws: ConferenceFault.self) {
                try exchange.take(reply(text), now: MonotonicTime(nanoseconds: 0), wall: Self.now)
            }
            #expect(fault?.error.code == .connectionLost && fault?.isPermanent == false && exchange.resource != nil)
        }
    }

    @Test func refusalsForGoodAreToldFromThoseThatPass() throws {
        for (code, isPermanent) in [
            (403, true), (405, true), (423, true), (426, true), (429, true), (430, true), (431, true), (433, true), (436, true),
            (437, true),
            (460, true), (465, true), (432, false), (461, false), (472, false), (490, false), (499, false), (0, false), (-7, false),
        ] {
            for text in [event(#"{"videoroom":"event","error_code":\#(code)}"#), #"{"janus":"error","error":{"code":\#(code)}}"#] {
                var exchange = try exchange()
                let fault = #expect(throws: ConferenceFault.self) { try play(&exchange, Self.accepted + [text]) }
                #expect(fault?.isPermanent == isPermanent, "\(code)")
                #expect(fault?.error.code == (isPermanent ? .conferenceRefused : .conferenceUnavailable))
                #expect(fault?.error.message.contains("(\(code))") == true)
            }
        }
        for step in 0...2 {
            var exchange = try exchange()
            let replies = Array(Self.accepted.prefix(step)) + [#"{"janus":"error","error":{"code":403}}"#]
            #expect(throws: ConferenceFault.self) { try play(&exchange, replies) }
        }
        for data in [#"{"videoroom":"destroyed"}"#, #"{"videoroom":"event","leaving":"ok","reason":"kicked"}"#] {
            var exchange = try exchange()
            let fault = #expect(throws: ConferenceFault.self) { try play(&exchange, Self.accepted + [event(data)]) }
            #expect(fault?.isPermanent == true && fault?.error.code == .conferenceRefused)
        }
    }

    @Test func aPathThatIsNotTheBaseIsToldFromASessionThatIsGone() throws {
        var exchange = try exchange()
        let fault = #expect(throws: ConferenceFault.self) { try play(&exchange, [#"{"janus":"error","error":{"code":458}}"#]) }
        #expect(fault?.isPermanent == true && fault?.error.message.contains("check the URL") == true)
    }

    @Test func statusesOfHTTPAreUnderstood() throws {
        for (status, polls, code, isPermanent) in [
            (404, false, .conferenceRefused, true), (404, true, .connectionLost, false), (403, false, .conferenceRefused, true),
            (403, true, .conferenceRefused, true), (405, false, .conferenceRefused, true), (302, false, .conferenceUnavailable, false),
            (500, true, .conferenceUnavailable, false), (503, false, .conferenceUnavailable, false),
            (201, false, .conferenceUnavailable, false),
        ] as [(Int, Bool, BridgeError.Code, Bool)] {
            var exchange = try exchange()
            try play(&exchange, polls ? Self.accepted : [])
            var refusal = reply("", status: status)
            refusal.retryAfter = "7"
            let fault = #expect(throws: ConferenceFault.self) {
                try exchange.take(refusal, now: MonotonicTime(nanoseconds: 0), wall: Self.now)
            }
            #expect(fault?.error.code == code && fault?.isPermanent == isPermanent, "\(status)")
            #expect(fault?.retryAfter == (code == .conferenceUnavailable ? .seconds(7) : nil))
        }
    }

    @Test func repliesThatAreNoneEndTheAttempt() throws {
        for (count, text) in [
            (0, "<html>"), (0, "{}"), (0, #"{"janus":"ack"}"#), (0, #"{"janus":"success"}"#), (0, "[]"), (1, "[]"),
            (1, #"{"janus":"success"}"#),
            (2, "nonsense"), (3, "nonsense"), (3, #"[{"janus":"event"}]"#), (4, "nonsense"),
        ] {
            var exchange = try exchange()
            let replies = Array((Self.accepted + [event(sdp: Self.answer)]).prefix(count))
            let fault = #expect(throws: ConferenceFault.self, "\(text)") { try play(&exchange, replies + [text]) }
            #expect(fault?.error.code == .conferenceAnswerInvalid && fault?.isPermanent == false)
        }
    }

    @Test func ordersAreRead() throws {
        let rules = AddressRules()
        let url: JSONValue = "https://meet.example:8089/janus"
        #expect(
            try JanusTarget(
                reading: ["url": url, "room": 7, "display": "Yard", "pin": "pin", "token": "tok&en", "api_secret": "se+cret"], rules: rules)
                == target())
        let named = try JanusTarget(reading: ["url": url, "room": "yard", "pin": nil], rules: rules)
        #expect(try JanusTarget(reading: ["url": url, "room": 7, "return_stream": "ears"], rules: rules).returnStream == StreamID("ears"))
        #expect(named.room == .name("yard") && named.pin == nil && named.display == nil)
        let table: [(JSONValue, String)] = [
            ([:], "url"), (["url": url], "room"), (["url": url, "room": nil], "room"), (["url": url, "room": 0], "room"),
            (["url": url, "room": -7], "room"), (["url": url, "room": .number(1.5)], "room"), (["url": url, "room": ""], "room"),
            (["url": url, "room": .number(1e18)], "room"), (["url": url, "room": true], "room"),
            (["url": url, "room": .string(String(repeating: "x", count: 257))], "room"),
            (["url": "https://meet.example/janus?x=1", "room": 7], "url"), (["url": "http://meet.example/janus", "room": 7], "url"),
            (["url": url, "room": 7, "display": "a\nb"], "display"), (["url": url, "room": 7, "pin": ""], "pin"),
            (["url": url, "room": 7, "pin": 5], "pin"), (["url": url, "room": 7, "token": "a b"], "token"),
            (["url": url, "room": 7, "api_secret": "é"], "api_secret"), (["url": url, "room": 7, "return_stream": ""], "return_stream"),
            (["url": url, "room": 7, "return_stream": 5], "return_stream"),
        ]
        for (order, field) in table {
            let fault = #expect(throws: FieldFault.self, "\(order)") { try JanusTarget(reading: order, rules: rules) }
            #expect(fault?.field == field, "\(order)")
        }
    }
}
