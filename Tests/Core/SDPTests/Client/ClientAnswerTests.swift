import BridgeModel
import SDP
import Testing

/// A client's offer against the bridge's own negotiation, and answers that are broken in one place.
@Suite struct ClientAnswerTests {
    private static let digest = "AA" + String(repeating: ":AA", count: 31)

    private static func offer(_ direction: MediaDirection) -> ClientOffer {
        var video = NegotiatedFormat(
            codec: .h264, payloadType: 96, channels: 1,
            parameters: FormatParameters("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
            feedback: [.nack, .pictureLoss, .transportWide])
        video.rtxPayloadType = 97
        let audio = NegotiatedFormat(codec: .opus, payloadType: 111, channels: 2, parameters: FormatParameters("minptime=10"), feedback: [])
        let mid = NegotiatedExtension(id: 1, kind: .mid)
        let numbers = NegotiatedExtension(id: 2, kind: .transportSequence)
        let source = direction.sends ? MediaSource(ssrc: 11, rtx: 12, cname: "c") : nil
        return ClientOffer(
            ufrag: "abcd", password: Redacted("0123456789012345678901"), fingerprint: Fingerprint(algorithm: "sha-256", value: digest),
            sections: [
                ClientOffer.Section(mid: "0", direction: direction, formats: [video], extensions: [mid, numbers], source: source),
                ClientOffer.Section(mid: "1", direction: direction, formats: [audio], extensions: [mid]),
            ])
    }

    /// What the bridge answers to a client that publishes.
    private static func answerText() throws -> String {
        try Negotiations.publish(offer(.sendonly).print()).answer(Negotiations.transport).print()
    }

    @Test func theBridgeAnswersTheOfferAndTheClientReadsIt() throws {
        let answer = try ClientAnswer(Self.answerText(), to: Self.offer(.sendonly))
        #expect(answer.setup == .passive && !answer.candidates.isEmpty)
        #expect(answer.sections.map(\.mid) == ["0", "1"])
        let video = try #require(answer.section(.video))
        #expect(video.formats.first?.payloadType == 96 && video.formats.first?.rtxPayloadType == 97)
        #expect(video.formats.first?.feedback.contains([.nack, .pictureLoss]) == true)
        #expect(video.extensions.contains { $0.kind == .mid && $0.id == 1 })
        #expect(answer.section(.audio)?.formats.first?.codec == .opus)
    }

    @Test func theOfferTellsItsSources() throws {
        let peer = try Negotiations.publish(Self.offer(.sendonly).print()).peer
        #expect(peer.section(mid: "0")?.remoteSources.map(\.ssrc) == [11] && peer.section(mid: "0")?.remoteSources.first?.rtx == 12)
        #expect(peer.remote.ufrag == "abcd" && peer.remote.setup == .actpass)
    }

    @Test(
        arguments: [
            ("a=ice-ufrag:", nil, SDPError.missingICECredentials), ("a=ice-pwd:", "a=ice-pwd:short", .invalidICECredentials),
            ("a=fingerprint:", nil, .missingFingerprint), ("a=fingerprint:", "a=fingerprint:sha-256 AA", .invalidFingerprint),
            ("a=setup:", "a=setup:actpass", .invalidSetup), ("a=setup:", nil, .missingSetup),
            ("a=rtpmap:96", "a=rtpmap:96 VP8/90000", .answerMismatch(section: 0)), ("a=mid:0", "a=mid:9", .answerMismatch(section: 0)),
            ("m=video", "m=audio 9 UDP/TLS/RTP/SAVPF 96", .answerMismatch(section: 0)), ("m=audio", nil, .answerMismatch(section: 1)),
            ("v=0", nil, .malformedLine(1)),
        ] as [(String, String?, SDPError)]) func aBrokenAnswerIsRefused(prefix: String, replacement: String?, error: SDPError) throws
    {
        let lines = try Self.answerText().split(separator: "\r\n").compactMap { line -> String? in
            line.hasPrefix(prefix) ? replacement : String(line)
        }
        #expect(throws: error) { try ClientAnswer(lines.joined(separator: "\r\n") + "\r\n", to: Self.offer(.sendonly)) }
    }

    @Test func aRefusedSectionIsLeftOut() throws {
        let text = try Self.answerText().replacing("m=audio 9", with: "m=audio 0")
        #expect(try ClientAnswer(text, to: Self.offer(.sendonly)).sections.map(\.mid) == ["0"])
        let none = text.replacing("m=video 9", with: "m=video 0")
        #expect(throws: SDPError.nothingAccepted) { try ClientAnswer(none, to: Self.offer(.sendonly)) }
    }

    @Test func candidatesAreTriedByTheirPriority() throws {
        let extra = "a=candidate:9 1 udp 4294967295 192.0.2.9 9999 typ host\r\na=candidate:8 1 udp 1 192.0.2.8 8888 typ host\r\n"
        let answer = try ClientAnswer(Self.answerText() + extra, to: Self.offer(.sendonly))
        #expect(answer.candidates.first?.address == "192.0.2.9" && answer.candidates.last?.address == "192.0.2.8")
    }
}
