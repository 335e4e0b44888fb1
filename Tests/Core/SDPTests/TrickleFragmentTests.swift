import BridgeModel
import Testing

import SDP

@Suite struct TrickleFragmentTests {
    private static let password = "P2uYro0UCOQ4zxjKXaWCBui1"
    private static let credentials = "a=ice-ufrag:EsAw\r\na=ice-pwd:\(password)\r\n"
    private static let candidate = "candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1"
    private static let tcp = "candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag EsAw network-id 1"

    private static let pair = IceParameters(ufrag: "EsAw", password: Redacted(password))

    /// The example of RFC 9725 section 4.3.2.
    @Test func aBrowsersFragmentIsRead() throws {
        let text =
            Self.credentials
            + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=\(Self.candidate)\r\na=\(Self.tcp)\r\na=end-of-candidates\r\n"
        let fragment = try TrickleFragment.parse(text)
        #expect(fragment.credentials == Self.pair)
        #expect(
            fragment.sections == [.init(media: "audio", mid: "0", candidates: [Self.candidate, Self.tcp], isEnd: true)])
        #expect(
            fragment.candidates == [
                IceCandidate(candidate: Self.candidate, sdpMid: "0"), IceCandidate(candidate: Self.tcp, sdpMid: "0"),
                IceCandidate(candidate: "", sdpMid: "0"),
            ])
    }

    @Test(arguments: [
        // Credentials at either level, or at both.
        "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:\(password)\r\n",
        "a=group:BUNDLE 0 1\r\n" + credentials + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n" + credentials,
        // No carriage returns, blank lines at the end, attributes without meaning here.
        "a=ice-ufrag:EsAw\na=ice-pwd:\(password)\n\n\n",
        "a=ice-options:trickle ice2\r\na=ice-pacing:50\r\n" + credentials + "a=future\r\na=other:thing: and more",
        // A lite agent, and the end of nothing.
        "a=ice-lite\r\n" + credentials + "a=end-of-candidates\r\n",
    ]) func credentialsAreRead(_ text: String) throws {
        #expect(try TrickleFragment.parse(text).credentials == Self.pair)
    }

    @Test func aFragmentMayLeaveOutWhatEverybodyKnows() throws {
        let bare = try TrickleFragment.parse("a=\(Self.candidate)")
        #expect(bare.credentials == nil && bare.candidates == [IceCandidate(candidate: Self.candidate)])
        let withMid = try TrickleFragment.parse("a=mid:1\r\na=\(Self.candidate)\r\na=mid:2\r\na=\(Self.tcp)\r\n")
        #expect(withMid.candidates.map(\.sdpMid) == ["1", "2"])
        #expect(try TrickleFragment.parse("a=end-of-candidates").candidates == [.end])
    }

    @Test(
        arguments: [
            ("", SDPError.emptyFragment), ("\r\n\r\n", .emptyFragment), ("m=audio 9 RTP/AVP 0\r\na=mid:0\r\n", .emptyFragment),
            ("a=mid:0", .emptyFragment), ("a=ice-options:trickle", .emptyFragment),
            ("garbage", .malformedLine(1)), ("v=0\r\n", .malformedLine(1)), ("a=\r\n", .malformedLine(1)), ("a=:x", .malformedLine(1)),
            ("a", .malformedLine(1)), ("\r\na=mid:0", .malformedLine(1)), ("{\"candidate\":\"x\"}", .malformedLine(1)),
            ("a=mid:0\r\nc=IN IP4 0.0.0.0", .malformedLine(2)), ("a=ü:1", .malformedLine(1)), ("a=mid:0\ta", .malformedLine(1)),
            ("m=audio 9 RTP/AVP", .malformedLine(1)), ("m=audio x RTP/AVP 0", .malformedLine(1)), ("m=", .malformedLine(1)),
            ("m=au(dio 9 RTP/AVP 0", .malformedLine(1)), ("m=audio 65536 RTP/AVP 0", .malformedLine(1)),
            ("a=mid:", .malformedLine(1)), ("a=mid:a b", .malformedLine(1)),
            ("a=mid:" + String(repeating: "m", count: 65), .malformedLine(1)),
            ("a=mid:0\r\na=\(candidate)\r\nm=video 9 RTP/AVP 0\r\na=mid:0", .duplicateMid(section: 1)),
            ("a=ice-ufrag:EsAw", .missingICECredentials), ("a=ice-pwd:\(password)", .missingICECredentials),
            ("a=ice-ufrag:abc\r\na=ice-pwd:\(password)", .invalidICECredentials),
            ("a=ice-ufrag:EsAw\r\na=ice-pwd:short", .invalidICECredentials), ("a=ice-ufrag:Es w\r\n", .invalidICECredentials),
            ("a=ice-ufrag", .invalidICECredentials), ("a=ice-pwd:" + String(repeating: "p", count: 257), .invalidICECredentials),
            (credentials + "m=audio 9 RTP/AVP 0\r\na=ice-ufrag:Other", .invalidICECredentials),
            ("a=candidate", .invalidCandidate), ("a=candidate:", .invalidCandidate),
            ("a=candidate:1 1 udp x 1.1.1.1 1 typ host", .invalidCandidate),
            ("a=candidate:1 1 udp 5 192.0.2.1 70000 typ host", .invalidCandidate),
            ("a=candidate:1 1 udp 5 192.0.2.1", .invalidCandidate),
            (String(repeating: "a=\(candidate)\r\n", count: 257), .tooLarge),
            ("a=x:" + String(repeating: "y", count: 4093), .lineTooLong(line: 1)),
            (String(repeating: "a=x:yyyyyyyy\r\n", count: 5000), .tooLarge),
            (String(repeating: "m=audio 9 RTP/AVP 0\r\n", count: 65), .tooManySections),
            ((0...64).map { "a=mid:\($0)\r\na=\(candidate)\r\n" }.joined(), .tooManySections),
        ] as [(String, SDPError)]) func malformedFragmentsAreRefused(_ text: String, _ error: SDPError)
    {
        #expect(throws: error) { try TrickleFragment.parse(text) }
    }

    @Test func whatIsPrintedIsReadAgain() throws {
        let fragment = TrickleFragment(
            credentials: Self.pair, isLite: true,
            sections: [
                .init(media: "video", mid: "v", candidates: [Self.candidate]), .init(mid: nil, candidates: [Self.tcp], isEnd: true),
            ],
            isEnd: true)
        #expect(try TrickleFragment.parse(fragment.print()) == fragment)
        #expect(fragment.print().hasPrefix("a=ice-lite\r\na=ice-ufrag:EsAw\r\n"))
    }

    /// Cuts, doubled bytes and changed ones never trap, and what is still read is read the same after printing.
    @Test func brokenFragmentsNeverTrap() {
        let text = Self.credentials + "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=\(Self.candidate)\r\na=end-of-candidates\r\n"
        var random = Seeded(9725)
        for _ in 0..<2000 {
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(bytes[place], at: place)
                default: bytes.removeLast(min(bytes.count - 1, place))
                }
            }
            guard let fragment = try? TrickleFragment.parse(String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect((try? TrickleFragment.parse(fragment.print())) == fragment)
        }
    }

    @Test(arguments: Fixture.all) func credentialsOfOffersAreFound(_ fixture: Fixture) throws {
        let credentials = try IceParameters(offer: SessionDescription.parse(fixture.text))
        #expect(fixture.text.contains("a=ice-ufrag:\(credentials.ufrag)\r\n"))
        #expect(fixture.text.contains("a=ice-pwd:\(credentials.password.revealed)\r\n"))
        #expect("\(credentials)".contains(credentials.password.revealed) == false)
    }
}

/// SplitMix64: the same numbers on every machine.
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
