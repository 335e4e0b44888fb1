import BridgeModel
import Testing

import SDP

/// A row of the table: a change to a good offer and the error that must follow.
private struct BadOffer: Sendable, CustomTestStringConvertible {
    let text: String
    let error: SDPError
    let testDescription: String

    init(_ what: String, _ text: String, _ error: SDPError) {
        self.text = text
        self.error = error
        self.testDescription = what
    }

    private static let base = Fixture["ffmpeg-8-whip"]

    /// A line of the base offer replaced everywhere, or removed.
    static func line(_ prefix: String, _ new: String?, _ error: SDPError, count: Int = .max) -> BadOffer {
        BadOffer("\(prefix) -> \(new?.prefix(60) ?? "nothing")", base.replacing(prefix, with: new, count: count), error)
    }

    static func text(_ what: String, _ change: (String) -> String, _ error: SDPError) -> BadOffer {
        BadOffer(what, change(base.text), error)
    }
}

private let form: [BadOffer] = [
    BadOffer("empty", "", .incomplete),
    BadOffer("only line ends", "\r\n\r\n", .incomplete),
    BadOffer("only a version", "v=0\r\n", .incomplete),
    BadOffer("no media", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", .incomplete),
    BadOffer("no SDP at all", "hello", .malformedLine(1)),
    BadOffer("JSON", "{\"type\":\"offer\"}", .malformedLine(1)),
    BadOffer("emoji", "🎥=0\r\n", .malformedLine(1)),
    .line("v=0", "v=1", .malformedLine(1)),
    .line("v=0", "o=- 1 1 IN IP4 0.0.0.0", .malformedLine(1)),
    .line("v=0", " v=0", .malformedLine(1)),
    .line("o=", nil, .incomplete),
    .line("o=", "o=- 1 1 IN IP4", .malformedLine(2)),
    .line("o=", "o=- x 1 IN IP4 0.0.0.0", .malformedLine(2)),
    .line("o=", "o=- -1 1 IN IP4 0.0.0.0", .malformedLine(2)),
    .line("o=", "o=- 1 99999999999999999999 IN IP4 0.0.0.0", .malformedLine(2)),
    .line("s=", "o=- 1 1 IN IP4 0.0.0.0", .malformedLine(3)),
    .line("s=", "v=0", .malformedLine(3)),
    .line("s=", "x=1", .malformedLine(3)),
    .line("s=", "s", .malformedLine(3)),
    .line("s=", "", .malformedLine(3)),
    .line("s=", "s=\u{0}", .malformedLine(3)),
    .line("s=", "s=a\rb", .malformedLine(3)),
    .line("s=", "s=" + String(repeating: "x", count: 4095), .lineTooLong(line: 3)),
    .line("m=audio", "m=audio", .malformedLine(8)),
    .line("m=audio", "m=audio 9 UDP/TLS/RTP/SAVPF", .malformedLine(8)),
    .line("m=audio", "m=audio 65536 UDP/TLS/RTP/SAVPF 111", .malformedLine(8)),
    .line("m=audio", "m=audio -1 UDP/TLS/RTP/SAVPF 111", .malformedLine(8)),
    .line("m=audio", "m=audio +9 UDP/TLS/RTP/SAVPF 111", .malformedLine(8)),
    .line("m=audio", "m=audio 9/2 UDP/TLS/RTP/SAVPF 111", .malformedLine(8)),
    .line("m=audio", "m=au(dio 9 UDP/TLS/RTP/SAVPF 111", .malformedLine(8)),
    .line("m=audio", "m=audio 9 UDP//SAVPF 111", .malformedLine(8)),
    .line("m=audio", "m=audio 9 UDP/TLS/RTP/SAVPF 1:1", .malformedLine(8)),
    .line("m=audio", "m=audio 9 A " + (0..<129).map { "\($0)" }.joined(separator: " "), .malformedLine(8)),
    .line("a=mid:0", "a=:0", .malformedLine(14)),
    .line("a=mid:0", "a=", .malformedLine(14)),
    .line("a=mid:0", "a=mi d:0", .malformedLine(14)),
    .line("a=mid:0", "a=mid:ü", .malformedLine(14)),
    .line("a=mid:0", "a=mid:\t0", .malformedLine(14)),
    .line("a=mid:0", "b=mid:\u{7F}", .malformedLine(14)),
    .text("129 KiB", { $0 + String(repeating: "a=x\r\n", count: 26_000) }, .tooLarge),
    .text("65 sections", { $0 + String(repeating: "m=audio 9 A 0\r\n", count: 63) }, .tooManySections),
]

private let meaning: [BadOffer] = [
    .line("a=group", nil, .missingBundle),
    .line("a=group", "a=group:LS 0 1", .missingBundle),
    .line("a=group", "a=group:BUNDLE", .missingBundle),
    .line("a=group", "a=group:BUNDLE x y", .missingBundle),
    .line("a=group", "a=group", .missingBundle),
    .line("a=mid:0", nil, .missingMid(section: 0)),
    .line("a=mid:1", "a=mid", .missingMid(section: 1)),
    .line("a=mid:1", "a=mid:a b", .missingMid(section: 1)),
    .line("a=mid:1", "a=mid:" + String(repeating: "m", count: 65), .missingMid(section: 1)),
    .line("a=mid:1", "a=mid:0", .duplicateMid(section: 1)),
    .line("a=rtcp-mux", nil, .missingRTCPMux(section: 0)),
    .line("a=fingerprint", nil, .missingFingerprint),
    .line("a=fingerprint", "a=fingerprint:sha-1 " + "AA" + String(repeating: ":AA", count: 19), .weakFingerprint),
    .line("a=fingerprint", "a=fingerprint:md5 AA", .weakFingerprint),
    .line("a=fingerprint", "a=fingerprint:sha-256", .invalidFingerprint),
    .line("a=fingerprint", "a=fingerprint:sha-256 AA", .invalidFingerprint),
    .line("a=fingerprint", "a=fingerprint:sha-256 " + "AA" + String(repeating: ":AA", count: 32), .invalidFingerprint),
    .line("a=fingerprint", "a=fingerprint:sha-256 " + "AA" + String(repeating: ":AG", count: 31), .invalidFingerprint),
    .line("a=fingerprint", "a=fingerprint:sha-256 " + "A" + String(repeating: ":AA", count: 31) + "A", .invalidFingerprint),
    .line("a=fingerprint", "a=fingerprint:sha-512 " + "AA" + String(repeating: ":AA", count: 31), .invalidFingerprint),
    .line("a=ice-ufrag", nil, .missingICECredentials),
    .line("a=ice-pwd", nil, .missingICECredentials),
    .line("a=ice-ufrag", "a=ice-ufrag:abc", .invalidICECredentials),
    .line("a=ice-ufrag", "a=ice-ufrag:" + String(repeating: "a", count: 257), .invalidICECredentials),
    .line("a=ice-ufrag", "a=ice-ufrag:ab cd", .invalidICECredentials),
    .line("a=ice-pwd", "a=ice-pwd:" + String(repeating: "a", count: 21), .invalidICECredentials),
    .line("a=ice-pwd", "a=ice-pwd:" + String(repeating: "a", count: 257), .invalidICECredentials),
    .line("a=ice-pwd", "a=ice-pwd:" + String(repeating: "-", count: 22), .invalidICECredentials),
    .line("a=setup", nil, .missingSetup),
    .line("a=setup", "a=setup:holdconn", .invalidSetup),
    .line("a=setup", "a=setup:ACTPASS", .invalidSetup),
    .line("a=sendonly", "a=recvonly", .nothingToReceive),
    .line("a=sendonly", "a=inactive", .nothingToReceive),
    .line("a=rtpmap", nil, .nothingToReceive),
    .line("a=rtpmap", "a=rtpmap:111 opus/48000/0", .nothingToReceive),
    .line("a=rtpmap", "a=rtpmap:111 opus/0/2", .nothingToReceive),
    .line("a=rtpmap", "a=rtpmap:111 opus/16000/2", .nothingToReceive),
    .line("a=rtpmap", "a=rtpmap:111 opus", .nothingToReceive),
    .line("a=rtpmap", "a=rtpmap:999 opus/48000/2", .nothingToReceive),
    .line("m=", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", .nothingToReceive),
    .line("m=", "m=video 0 UDP/TLS/RTP/SAVPF 106", .missingBundle),
    .line("m=", "m=video 9 RTP/AVP 106", .nothingToReceive),
]

@Suite struct MalformedOfferTests {
    @Test(arguments: form) private func brokenFormIsRefused(_ row: BadOffer) {
        #expect(throws: row.error) { try SessionDescription.parse(row.text) }
        #expect(throws: row.error) { try OfferGate.acceptPublish(row.text, policy: GatePolicy()) }
        #expect(throws: row.error) { try OfferGate.acceptView(row.text, tracks: [], policy: GatePolicy()) }
    }

    @Test(arguments: meaning) private func brokenMeaningIsRefused(_ row: BadOffer) throws {
        _ = try SessionDescription.parse(row.text)
        #expect(throws: row.error) { try OfferGate.acceptPublish(row.text, policy: GatePolicy()) }
    }

    @Test func theUnchangedOfferIsAccepted() throws {
        let accepted = try OfferGate.acceptPublish(Fixture["ffmpeg-8-whip"].text, policy: GatePolicy())
        #expect(accepted.publishTracks.count == 2)
    }

    @Test func strongFingerprintsPassBesideWeakOnes() throws {
        let base = Fixture["ffmpeg-8-whip"]
        let weak = "a=fingerprint:sha-1 AA" + String(repeating: ":AA", count: 19)
        let strong = "a=fingerprint:SHA-256 ab" + String(repeating: ":ab", count: 31)
        let accepted = try OfferGate.acceptPublish(base.replacing("a=fingerprint", with: weak + "\r\n" + strong), policy: GatePolicy())
        #expect(accepted.fingerprints.map(\.algorithm) == ["sha-256"])
        #expect(accepted.fingerprints.map(\.value) == ["AB" + String(repeating: ":AB", count: 31)])
    }

    @Test func onePayloadTypeForTwoFormatsIsRefused() {
        let text = Fixture["ffmpeg-8-whip"].text.replacing("106", with: "111")
        #expect(throws: SDPError.conflictingPayloadType(111)) { try OfferGate.acceptPublish(text, policy: GatePolicy()) }
    }

    @Test func errorsTellWhatIsWrongWithoutQuotingTheInput() {
        for row in form + meaning {
            let text = row.error.description
            #expect(text.count > 20 && text.count < 100)
        }
    }
}
