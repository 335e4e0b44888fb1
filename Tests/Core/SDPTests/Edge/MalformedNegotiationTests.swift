import BridgeModel
import Foundation
import Testing

import SDP

/// An offer that is broken in one place, and the error that it is worth as a publisher's; nil: it is served all the same.
private struct BrokenOffer: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let error: SDPError?

    /// ffmpeg's offer with all lines of a prefix replaced, or removed.
    static func lines(_ prefix: String, _ line: String?, _ error: SDPError?) -> Self {
        Self(
            testDescription: "\(prefix) -> \(line ?? "nothing")", text: Fixture["ffmpeg-8-whip"].replacing(prefix, with: line), error: error
        )
    }

    /// The same for the first such line alone.
    static func line(_ prefix: String, _ line: String?, _ error: SDPError?) -> Self {
        Self(
            testDescription: "first \(prefix) -> \(line ?? "nothing")",
            text: Fixture["ffmpeg-8-whip"].replacing(prefix, with: line, count: 1), error: error)
    }
}

private let digest = "AA" + String(repeating: ":AA", count: 31)

private let transport: [BrokenOffer] = [
    .lines("a=ice-ufrag", nil, .missingICECredentials), .lines("a=ice-pwd", nil, .missingICECredentials),
    .lines("a=ice-ufrag", "a=ice-ufrag", .missingICECredentials), .lines("a=ice-ufrag", "a=ice-ufrag:abc", .invalidICECredentials),
    .lines("a=ice-ufrag", "a=ice-ufrag:" + String(repeating: "a", count: 257), .invalidICECredentials),
    .lines("a=ice-ufrag", "a=ice-ufrag:ab:cd", .invalidICECredentials), .lines("a=ice-pwd", "a=ice-pwd:short", .invalidICECredentials),
    .lines("a=ice-pwd", "a=ice-pwd:" + String(repeating: "a", count: 257), .invalidICECredentials),
    .lines("a=setup", nil, .missingSetup), .lines("a=setup", "a=setup:holdconn", .invalidSetup),
    .lines("a=setup", "a=setup:active passive", .invalidSetup), .lines("a=fingerprint", nil, .missingFingerprint),
    .lines("a=fingerprint", "a=fingerprint", .missingFingerprint), .lines("a=fingerprint", "a=fingerprint:sha-256", .invalidFingerprint),
    .lines("a=fingerprint", "a=fingerprint:sha-256 AA:BB", .invalidFingerprint),
    .lines("a=fingerprint", "a=fingerprint:sha-256 \(digest):AA", .invalidFingerprint),
    .lines("a=fingerprint", "a=fingerprint:sha-384 \(digest)", .invalidFingerprint),
    .lines("a=fingerprint", "a=fingerprint:sha-1 " + "AA" + String(repeating: ":AA", count: 19), .weakFingerprint),
    .lines("a=fingerprint", (0..<9).map { _ in "a=fingerprint:sha-256 \(digest)" }.joined(separator: "\r\n"), .invalidFingerprint),
    .lines("a=extmap-allow-mixed", "a=ice-lite", .peerIsLite),
    .lines("a=ice-pwd", "a=ice-pwd:0a1b2c3d4e5f60718293a4b5c6d7e8f9\r\na=ice-options:" + String(repeating: "x ", count: 2000), nil),
]

private let sections: [BrokenOffer] = [
    .lines("a=mid:1", "a=mid:0", .duplicateMid(section: 1)), .lines("a=mid:0", nil, nil), .lines("a=mid", nil, .missingICECredentials),
    .lines("a=mid:0", "a=mid:a b", nil), .lines("a=mid:1", "a=mid:" + String(repeating: "m", count: 65), nil),
    .lines("a=group", "a=group:BUNDLE", .missingICECredentials), .lines("a=group", "a=group:BUNDLE 7 8", .missingICECredentials),
    .lines("a=group", "a=group:BUNDLE 0 0 0 1 1 1", nil), .lines("a=group", "a=group:LS 0 1", nil), .lines("a=group", nil, nil),
    .lines("a=rtcp-mux", nil, .missingRTCPMux(section: 0)), .line("a=rtcp-mux", nil, nil),
    .lines("a=sendonly", "a=recvonly", .nothingToReceive), .lines("a=sendonly", "a=inactive", .nothingToReceive),
    .lines("a=sendonly", nil, nil), .lines("a=sendonly", "a=sendonly\r\na=inactive\r\na=recvonly", nil),
    .lines("a=rtpmap", nil, .nothingToReceive), .lines("a=rtpmap", "a=rtpmap:111 opus/48000", .nothingToReceive),
    .lines("a=rtpmap", "a=rtpmap:300 opus/48000/2", .nothingToReceive), .lines("a=rtpmap", "a=rtpmap:111 /48000/2", .nothingToReceive),
    .lines("a=rtpmap", "a=rtpmap:111 opus/99999999999/2", .nothingToReceive),
    .lines("a=fmtp:106", "a=fmtp:106 profile-level-id=zzzzzz", nil),
    .lines("a=fmtp:106", "a=fmtp:106 ;;;=;=x;packetization-mode", nil), .lines("a=fmtp:105", "a=fmtp:105 apt=105", nil),
    .lines("a=fmtp:105", "a=fmtp:105 apt=-1", nil), .lines("m=audio", "m=audio 9 UDP/TLS/RTP/SAVPF 64 65 72 95 200 x 111", nil),
    .lines("m=", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", .nothingToReceive),
    .lines("m=", "m=audio 9 RTP/AVP 111", .nothingToReceive), .lines("m=", "m=text 9 UDP/TLS/RTP/SAVPF 111", .nothingToReceive),
    .lines("m=audio", "m=video 9 UDP/TLS/RTP/SAVPF 111", nil), .line("m=", "m=audio 0 UDP/TLS/RTP/SAVPF 111", nil),
]

private let details: [BrokenOffer] = [
    .lines("a=msid:", "a=msid:" + String(repeating: "x", count: 65), nil), .lines("a=msid:", "a=msid:a b c d", nil),
    .lines("a=ssrc", "a=ssrc:0 cname:x", nil), .lines("a=ssrc", "a=ssrc:99999999999 cname:x", nil), .lines("a=ssrc", "a=ssrc:-1", nil),
    .lines("a=ssrc-group", "a=ssrc-group:FID 1", nil), .lines("a=ssrc-group", "a=ssrc-group:FID 1 1", nil),
    .lines("a=ssrc-group", "a=ssrc-group:FID 1735120392 0", nil),
    .lines("a=ssrc-group", "a=ssrc-group:SIM " + (1...9).map { "\($0)" }.joined(separator: " "), nil),
    .lines("a=ssrc-group", "a=ssrc-group", nil), .lines("a=rtcp-mux", "a=rtcp-mux\r\na=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid", nil),
    .lines("a=rtcp-mux", "a=rtcp-mux\r\na=extmap:1/up urn:ietf:params:rtp-hdrext:sdes:mid", nil),
    .lines("a=rtcp-mux", "a=rtcp-mux\r\na=extmap:256 urn:ietf:params:rtp-hdrext:sdes:mid", nil),
    .lines("a=rtcp-mux", "a=rtcp-mux\r\na=extmap:1", nil),
    .lines("a=rtcp-mux", "a=rtcp-mux\r\na=extmap:1/sendonly/x urn:3gpp:video-orientation", nil),
    .lines("a=rtcp-mux", "a=rtcp-mux\r\na=candidate:x", nil), .lines("a=rtcp-mux", "a=rtcp-mux\r\na=candidate", nil),
    .lines("a=rtcp-fb", "a=rtcp-fb:", nil), .lines("a=rtcp-fb", "a=rtcp-fb:106 nack\u{20}\u{20}", nil),
]

@Suite struct MalformedNegotiationTests {
    @Test(arguments: transport + sections + details) private func brokenOffersAreRefusedOrServedInWhatIsLeft(_ row: BrokenOffer) throws {
        if let error = row.error {
            #expect(throws: error) { try Negotiations.publish(row.text) }
            return
        }
        let answer = try Negotiations.publish(row.text).answer(Negotiations.transport)
        #expect(try SessionDescription.parse(answer.print()) == answer)
    }

    @Test func whatIsIllegalIsNotNegotiated() throws {
        let base = Fixture["ffmpeg-8-whip"]
        func video(_ prefix: String, _ line: String?) throws -> NegotiatedSection? {
            try Negotiations.publish(base.replacing(prefix, with: line)).peer.section(mid: "1")
        }
        let mid = HeaderExtensionKind.mid.uri
        for value in ["0", "15", "256", "1/inactive", "1/up", "x", ""] {
            #expect(try video("a=rtcp-mux", "a=rtcp-mux\r\na=extmap:\(value) \(mid)")?.extensions == [], "\(value)")
        }
        #expect(try video("a=rtcp-mux", "a=rtcp-mux\r\na=extmap:255 \(mid)")?.id(of: .mid) == 255)
        #expect(try video("a=extmap-allow-mixed", "a=x")?.extensions == [])
        #expect(try video("a=ssrc:", "a=ssrc:0 cname:x")?.remoteSources == [])
        #expect(try video("a=ssrc-group", "a=ssrc-group:FID 1735120392 0")?.remoteSources.map(\.rtx) == [nil])
        #expect(try video("a=msid:", "a=msid:a b c")?.streamIdentity == StreamIdentity(stream: "FFmpeg", track: "video"))
        #expect(try video("a=fmtp:105", "a=fmtp:105 apt=105")?.format.rtxPayloadType == nil)
    }

    @Test func numbersAreBounded() throws {
        let base = Fixture["ffmpeg-8-whip"]
        let sources = (1...500).map { "a=ssrc:\($0) cname:x\r\na=ssrc-group:FID \($0) \($0 + 1000)" }.joined(separator: "\r\n")
        let candidates = (1...500).map { "a=candidate:1 1 udp \($0) 192.0.2.1 \($0) typ host" }.joined(separator: "\r\n")
        let negotiated = try Negotiations.publish(base.replacing("a=rtcp-mux", with: "a=rtcp-mux\r\n\(sources)\r\n\(candidates)"))
        #expect(negotiated.peer.remote.candidates.count == 64)
        #expect(negotiated.peer.sections.allSatisfy { $0.remoteSources.count == 1 })
    }

    @Test func idsAboveFourteenNeedMixedHeadersAndThePolicy() throws {
        let base = Fixture["chromium-156-publish"].text.replacing("a=extmap:4 ", with: "a=extmap:20 ")
        #expect(try Negotiations.publish(base).peer.sections.map { $0.id(of: .mid) } == [20, 20])
        var policy = NegotiationPolicy()
        policy.allowsTwoByteExtensions = false
        #expect(try Negotiations.publish(base, policy: policy).peer.sections.map { $0.id(of: .mid) } == [nil, nil])
        #expect(
            try Negotiations.publish(base.replacing("a=extmap-allow-mixed\r\n", with: "")).peer.sections.map { $0.id(of: .mid) } == [
                nil, nil,
            ])
        let local = base.replacing("a=extmap-allow-mixed\r\n", with: "").replacing(
            "a=mid:1\r\n", with: "a=mid:1\r\na=extmap-allow-mixed\r\n")
        #expect(try Negotiations.publish(local).peer.sections.map { $0.id(of: .mid) } == [nil, 20])
    }

    /// What costs an attacker little and might cost us much: each fills the largest text that is read.
    private static let floods: [(String, String)] = [
        ("attributes of the session", "a=x\r\n"), ("attributes with a value", "a=mid:q\r\n"), ("directions", "a=sendrecv\r\n"),
        ("formats", "a=rtpmap:96 VP8/90000\r\n"), ("parameters", "a=fmtp:96 " + String(repeating: "a=b;", count: 900) + "\r\n"),
        ("feedback", "a=rtcp-fb:* nack\r\n"), ("extensions", "a=extmap:1 urn:3gpp:video-orientation\r\n"),
        ("sources", "a=ssrc:1 cname:x\r\n"), ("groups of sources", "a=ssrc-group:SIM 1 2 3\r\n"), ("rids", "a=rid:1 send\r\n"),
        ("candidates", "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"),
        ("bundle members", "a=group:BUNDLE " + String(repeating: "0 ", count: 2000) + "\r\n"),
        (
            "sections",
            "m=video 9 UDP/TLS/RTP/SAVPF " + (0..<128).map { "\($0)" }.joined(separator: " ") + "\r\na=rtcp-mux\r\na=sendrecv\r\n"
        ),
        ("simulcast", "a=simulcast:send " + String(repeating: "1,2;", count: 900) + "\r\n"), ("blank lines", "\r\n"),
        ("binary", "\u{0}\u{1}"),
    ]

    /// The head of an offer, then one line over and over up to the limit, before or behind the first section.
    private static func flooded(_ line: String, inSection: Bool) -> String {
        let offer = Fixture["chromium-156-publish"].text
        let head = offer.range(of: "m=").map { String(offer[..<$0.lowerBound]) } ?? ""
        let room = SessionDescription.Limits.bytes - offer.utf8.count
        let flood = String(repeating: line, count: room / line.utf8.count)
        return inSection ? offer + flood : head + flood + offer.dropFirst(head.count)
    }

    @Test(arguments: floods.indices) func floodsCostNoMoreThanTheirLength(_ row: Int) throws {
        for inSection in [false, true] {
            let text = Self.flooded(Self.floods[row].1, inSection: inSection)
            var outcome = ""
            let cost = ContinuousClock().measure {
                outcome = (try? Negotiations.publish(text)).map { "\($0.peer.sections.count)" } ?? "refused"
                _ = try? Negotiations.watch(text, [Negotiations.audio(), Negotiations.video(.vp8)])
            }
            // Some milliseconds in release; what grows with the square of the length takes seconds.
            #expect(cost < .milliseconds(1500), "\(Self.floods[row].0): \(outcome)")
        }
    }

    @Test func oneMegabyteIsRefusedByItsSize() {
        let text = Fixture["chromium-156-publish"].text + String(repeating: "a=x\r\n", count: 210_000)
        #expect(throws: SDPError.tooLarge) { try PeerOffer(text) }
    }
}
