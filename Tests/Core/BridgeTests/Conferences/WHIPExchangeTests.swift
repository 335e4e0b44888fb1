import Bridge
import BridgeModel
import SDP
import Testing

/// What is said to somebody else's WHIP endpoint, and what its replies mean.
@Suite struct WHIPExchangeTests {
    private static let now = WallTime(milliseconds: 1_700_000_000_000)
    private static let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"

    private func exchange(_ url: String = "https://meet.example/whip/a?x=1", rules: AddressRules = AddressRules()) throws -> WHIPExchange {
        WHIPExchange(WHIPTarget(url: try DeliveryURL(parsing: Redacted(url), rules: rules), token: Redacted("hush")), rules: rules)
    }

    private func reply(
        _ status: Int = 201, location: String? = "/s/1", type: String? = "application/sdp", body: String = sdp, links: [String] = []
    ) -> OutgoingReply {
        OutgoingReply(
            status: status, location: location.map { Redacted($0) }, links: links.map { Redacted($0) }, contentType: type,
            body: Array(body.utf8))
    }

    @Test func anOfferIsPostedAndItsSessionDeleted() throws {
        var exchange = try exchange()
        let offer = exchange.offer(Self.sdp)
        #expect(offer.method == "POST" && offer.url.text.revealed == "https://meet.example/whip/a?x=1" && offer.token?.revealed == "hush")
        #expect(offer.contentType == "application/sdp" && offer.body == Array(Self.sdp.utf8))
        let stun = #"<stun:stun.example>; rel="ice-server""#
        let link = stun + #", <turn:t.example?transport=udp>; rel="ice-server"; username="u"; credential="p,\";x""#
        let step = try exchange.take(reply(type: "application/SDP; charset=utf-8", links: [link]), to: offer, now: Self.now)
        guard case .answered(let answer) = step else { throw TestFailure("\(step)") }
        #expect(answer.sdp == Self.sdp && answer.resource.revealed == "https://meet.example/s/1")
        #expect(
            answer.iceServers == [
                IceServer(urls: ["stun:stun.example"]),
                IceServer(urls: ["turn:t.example?transport=udp"], username: "u", credential: Redacted("p,\";x")),
            ])
        let end = try #require(exchange.end(answer.resource))
        #expect(end.method == "DELETE" && end.url.text == answer.resource && end.token?.revealed == "hush" && end.contentType == nil)
    }

    private static let former = [
        "v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:QoWQ", "a=ice-pwd:4JAfScHElAPJfHza29pNMd", "a=fingerprint:sha-256 AB" + String(repeating: ":AB", count: 31),
        "a=setup:actpass", "a=rtcp-mux", "a=sendonly", "a=mid:0", "a=rtpmap:111 opus/48000/2",
        "a=candidate:1 1 udp 1 198.51.100.7 9 typ host",
    ].map { $0 + "\r\n" }.joined()

    private func restart() throws -> IceRestartRequest {
        var random = SystemRandomNumberGenerator()
        return try #require(IceRestartRequest(of: Self.former, using: &random))
    }

    @Test func anotherICESessionIsAskedForAsAFragment() throws {
        let request = try restart()
        let call = try #require(try exchange().restart(Redacted("https://meet.example/s/1"), request))
        #expect(call.method == "PATCH" && call.url.text.revealed == "https://meet.example/s/1" && call.token?.revealed == "hush")
        #expect(call.contentType == "application/trickle-ice-sdpfrag" && call.ifMatch == "*")
        let body = String(decoding: call.body, as: UTF8.self)
        #expect(
            body.contains("a=ice-ufrag:\(request.credentials.ufrag)\r\n") && body.contains("a=candidate:1 1 udp 1 198.51.100.7 9 typ host"))
        #expect(try exchange().restart(Redacted("https://other.example/s/1"), request)?.token == nil)
        #expect(try exchange().restart(Redacted("nonsense"), request) == nil)
    }

    @Test func onlyAFragmentWithCredentialsIsAnotherICESession() throws {
        let credentials = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijkl\r\n"
        let candidates = ["1 1 udp", "2 1 tcp"].map { "a=candidate:\($0) 7 198.51.100.8 9 typ host\r\n" }.joined()
        let section = "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n" + candidates
        let answer = try #require(try exchange().restarted(by: reply(200, body: "a=ice-lite\r\n" + credentials + section)))
        #expect(answer.credentials == IceParameters(ufrag: "abcd", password: Redacted("0123456789abcdefghijkl")) && answer.isLite)
        #expect(answer.candidates == ["candidate:1 1 udp 7 198.51.100.8 9 typ host"])
        for other in [
            reply(204, body: ""), reply(201, body: credentials), reply(405, body: credentials), reply(422, body: ""), reply(412, body: ""),
            reply(200, body: ""), reply(200, body: section), reply(200, body: "<html>"), reply(200, body: "a=ice-ufrag:abcd\r\n"),
        ] {
            #expect(try exchange().restarted(by: other) == nil, "\(other)")
        }
        var unreadable = reply(200)
        unreadable.body = [0xFF, 0xFE, 0]
        #expect(try exchange().restarted(by: unreadable) == nil)
    }

    @Test func theTokenStaysWithItsServer() throws {
        var exchange = try exchange()
        let step = try exchange.take(reply(307, location: "https://other.example/w"), to: exchange.offer(Self.sdp), now: Self.now)
        guard case .ask(let call) = step else { throw TestFailure("\(step)") }
        #expect(call.url.origin == "https://other.example" && call.token == nil && call.body == Array(Self.sdp.utf8))
        let last = try exchange.take(reply(location: "/s/2"), to: call, now: Self.now)
        guard case .answered(let answer) = last else { throw TestFailure("\(last)") }
        #expect(answer.resource.revealed == "https://other.example/s/2" && exchange.end(answer.resource)?.token == nil)
        let same = try exchange.take(reply(308, location: "https://meet.example/w"), to: call, now: Self.now)
        guard case .ask(let back) = same else { throw TestFailure("\(same)") }
        #expect(back.token?.revealed == "hush")
    }

    @Test func redirectsHaveAnEndAndTheirRules() throws {
        var exchange = try exchange()
        var call = exchange.offer(Self.sdp)
        for _ in 0..<3 {
            guard case .ask(let next) = try exchange.take(reply(307, location: "/again"), to: call, now: Self.now) else { return }
            call = next
        }
        let fault = #expect(throws: ConferenceFault.self) { try exchange.take(reply(307, location: "/again"), to: call, now: Self.now) }
        #expect(fault?.error.code == .conferenceAnswerInvalid)
        let local = AddressRules(allowPrivate: true)
        let bad = [nil, "http://127.0.0.1/", "ftp://x/", "https://u:p@x/", "http://meet.example/", "https://0x7f.1/", ""]
        for location in bad {
            var exchange = try self.exchange(rules: local)
            let fault = #expect(throws: ConferenceFault.self, "\(location ?? "none")") {
                try exchange.take(reply(308, location: location), to: exchange.offer(Self.sdp), now: Self.now)
            }
            #expect(fault?.isPermanent == false)
        }
    }

    @Test func unusableRepliesAreToldAndWhatTheyLeftIsFound() throws {
        let table: [(OutgoingReply, leaves: String?)] = [
            (reply(location: nil), nil), (reply(location: "http://127.0.0.1/x"), nil), (reply(location: "ht!tp"), nil),
            (reply(type: nil), "https://meet.example/s/1"), (reply(type: "text/html"), "https://meet.example/s/1"),
            (reply(body: ""), "https://meet.example/s/1"), (reply(body: "<html>"), "https://meet.example/s/1"),
            (
                OutgoingReply(status: 201, location: Redacted("/s/1"), contentType: "application/sdp", body: [0x76, 0xFF]),
                "https://meet.example/s/1"
            ),
        ]
        for (reply, leaves) in table {
            var exchange = try exchange()
            let fault = #expect(throws: ConferenceFault.self) { try exchange.take(reply, to: exchange.offer(Self.sdp), now: Self.now) }
            #expect(fault?.error.code == .conferenceAnswerInvalid && fault?.isPermanent == false)
            #expect(exchange.resource(in: reply)?.revealed == leaves)
        }
    }

    @Test func refusalsForGoodAreToldFromThoseThatPass() throws {
        for (status, isPermanent) in [
            (400, true), (401, true), (403, true), (404, true), (405, true), (406, true), (410, true), (415, true), (422, true),
            (408, false), (409, false), (425, false), (429, false), (500, false), (503, false), (200, false), (302, false), (101, false),
        ] {
            var exchange = try exchange()
            var refusal = reply(status)
            refusal.retryAfter = "7"
            let fault = #expect(throws: ConferenceFault.self) { try exchange.take(refusal, to: exchange.offer(Self.sdp), now: Self.now) }
            #expect(fault?.isPermanent == isPermanent, "\(status)")
            #expect(fault?.error.code == (isPermanent ? .conferenceRefused : .conferenceUnavailable))
            #expect(fault?.retryAfter == (isPermanent ? nil : .seconds(7)))
            #expect(fault?.error.message.contains("(\(status))") == true)
        }
        #expect(ConferenceFault(AttemptFault.blockedAddress(.loopback)).isPermanent)
        #expect(!ConferenceFault(AttemptFault.unreachable).isPermanent && !ConferenceFault(AttemptFault.timedOut).isPermanent)
    }

    @Test func linksThatAreNoIceServersArePassedOver() {
        for field in [
            "", ",", "<", "<stun:x", "stun:x; rel=ice-server", "<stun:x>; rel=other", "<stun:x>", "<http://x>; rel=ice-server",
            "<stun:>; rel=ice-server", "<turn:a b>; rel=ice-server", "<turn:u@h>; rel=ice-server", "<stun:x>; rel=\"ice-server",
            String(repeating: "<stun:x>; rel=ice-server, ", count: 1000),
        ] { #expect(LinkField.iceServers(field).isEmpty, "\(field.prefix(60))") }
        #expect(LinkField.iceServers("<stun:x>;REL=ice-server;rel=other").map(\.urls) == [["stun:x"]])
        #expect(LinkField.iceServers(String(repeating: "<stun:x>; rel=ice-server, ", count: 20)).count == LinkField.mostServers)
    }

    @Test func serversAreAskedForBeforeTheOffer() throws {
        let url = try DeliveryURL(parsing: Redacted("https://meet.example/w"), rules: AddressRules())
        let exchange = WHIPExchange(WHIPTarget(url: url, token: Redacted("t")), rules: AddressRules())
        let question = exchange.question()
        #expect(question.method == "OPTIONS" && question.url == url && question.token?.revealed == "t" && question.body.isEmpty)
        let links = [Redacted("<stun:s.example>; rel=ice-server, <turn:t.example>; rel=ice-server"), Redacted("<https://x>; rel=next")]
        #expect(exchange.iceServers(in: OutgoingReply(status: 204, links: links)).map(\.urls) == [["stun:s.example"], ["turn:t.example"]])
        #expect(exchange.iceServers(in: OutgoingReply(status: 405, links: links)).isEmpty)
    }

    @Test func theOperatorsOwnServersMayBeAnywhere() {
        var ice = IceSettings()
        let urls = ["turn:127.0.0.1:99?transport=udp", "turn:127.0.0.1:99?transport=tcp"]
        ice.add([IceServer(urls: urls, username: "1:a", credential: Redacted("p"))], rules: nil)
        #expect(
            ice.turnServers.map(\.revealed) == ["turn://1%3Aa:p@127.0.0.1:99?transport=udp", "turn://1%3Aa:p@127.0.0.1:99?transport=tcp"])
    }

    @Test func iceServersBecomeWhatTheAgentTakes() {
        var ice = IceSettings()
        let secret = Redacted("p/w")
        ice.add(
            [
                IceServer(urls: ["stun:s.example"]), IceServer(urls: ["turn:t.example?transport=tcp"], username: "1:a", credential: secret),
                IceServer(urls: ["turns:[2001:4860::1]"], username: "u", credential: secret), IceServer(urls: ["turn:127.0.0.1:99"]),
                IceServer(urls: ["turn:t.example:443"]), IceServer(urls: []), IceServer(urls: ["nonsense"]),
            ], rules: AddressRules())
        #expect(ice.stunServer == "stun://s.example:3478")
        #expect(
            ice.turnServers.map(\.revealed) == [
                "turn://1%3Aa:p%2Fw@t.example:3478?transport=tcp", "turns://u:p%2Fw@[2001:4860::1]:5349", "turn://:@t.example:443",
            ])
    }

    @Test func ordersAreRead() throws {
        let rules = AddressRules()
        let target = try WHIPTarget(reading: ["url": "https://meet.example/w", "token": "t"], rules: rules)
        #expect(target.url.origin == "https://meet.example" && target.token?.revealed == "t")
        #expect(try WHIPTarget(reading: ["url": "https://meet.example/w", "token": nil], rules: rules).token == nil)
        let bad: [(JSONValue, String)] = [
            ([:], "url"), (["url": nil], "url"), (["url": 5], "url"), (["url": "http://meet.example/"], "url"), (["url": "/w"], "url"),
            (["url": "https://meet.example/", "token": ""], "token"), (["url": "https://meet.example/", "token": 5], "token"),
            (["url": "https://meet.example/", "token": "a\r\nb: c"], "token"),
            (["url": "https://meet.example/", "token": .string(String(repeating: "x", count: 4097))], "token"), ("x", "url"),
        ]
        for (order, field) in bad {
            let fault = #expect(throws: FieldFault.self) { try WHIPTarget(reading: order, rules: rules) }
            #expect(fault?.field == field)
        }
    }
}
