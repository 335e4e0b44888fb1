import BridgeModel
import Testing

import SDP

/// What goes out comes in again unchanged, and no change of what comes in makes what goes out ill-formed.
@Suite struct RoundTripTests {
    private typealias Random = Negotiations.Seeded

    private static let nameBytes = Array("abcXYZ019!#$%&'*+-.^_`{|}~".utf8)
    private static let valueBytes = Array((0x21...0x7E).map { UInt8($0) })

    private static func text(_ bytes: [UInt8], _ count: ClosedRange<Int>, _ random: inout Random) -> String {
        let length = Int.random(in: count, using: &random)
        return String(decoding: (0..<length).map { _ in bytes[Int.random(in: 0..<bytes.count, using: &random)] }, as: UTF8.self)
    }

    private static func attributes(_ random: inout Random) -> [SDPAttribute] {
        (0..<Int.random(in: 0...6, using: &random)).map { _ in
            let words = (0..<Int.random(in: 0...3, using: &random)).map { _ in text(valueBytes, 1...12, &random) }
            return SDPAttribute(text(nameBytes, 1...8, &random), words.isEmpty ? nil : words.joined(separator: " "))
        }
    }

    @Test func whatIsPrintedIsParsedBack() throws {
        var random = Random(state: 2026)
        for _ in 0..<500 {
            let sections = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                MediaSection(
                    media: Self.text(Self.nameBytes, 1...6, &random), port: UInt16.random(in: 0...UInt16.max, using: &random),
                    transport: ["UDP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP", "A/b/C"].randomElement(using: &random) ?? "",
                    formats: (0...Int.random(in: 0...9, using: &random)).map { _ in Self.text(Self.nameBytes, 1...3, &random) },
                    attributes: Self.attributes(&random))
            }
            let description = SessionDescription(
                sessionID: random.next(), sessionVersion: random.next(), attributes: Self.attributes(&random), sections: sections)
            #expect(try SessionDescription.parse(description.print()) == description)
        }
    }

    private static let splices = [
        "\r\n", " ", ":", "/", "a=", "m=", "0", "255", "65536", "\u{0}", "é", "a=mid:0\r\n", "a=inactive\r\n", "a=rtcp-mux\r\n",
        "a=group:BUNDLE 0\r\n",
        "a=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 1;2\r\n", "a=extmap:15 ", "a=ssrc-group:SIM 1 2\r\n", "a=setup:active\r\n",
        "a=fmtp:96 apt=96\r\n",
    ]

    /// Deletes, repeats, replaces or inserts at a few random places.
    private static func mutate(_ text: String, _ random: inout Random) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...5, using: &random) where !bytes.isEmpty {
            let start = Int.random(in: 0..<bytes.count, using: &random)
            let end = min(bytes.count, start + Int.random(in: 0...60, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.removeSubrange(start..<end)
            case 1: bytes.insert(contentsOf: Array(bytes[start..<end]), at: Int.random(in: 0...bytes.count, using: &random))
            case 2: bytes[start] = UInt8.random(in: 0...127, using: &random)
            default: bytes.insert(contentsOf: Array((splices.randomElement(using: &random) ?? "").utf8), at: start)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: Array(Fixture.edge.enumerated().map { ($0, $1) })) func changedOffersAreRefusedOrAnsweredWell(
        _ seed: Int, _ fixture: Fixture
    ) throws {
        var random = Random(state: UInt64(seed) &* 104_729 &+ 5)
        var policy = NegotiationPolicy()
        policy.allowsRedundancy = true
        for _ in 0..<25 {
            let text = Self.mutate(fixture.text, &random)
            if let published = try? Negotiations.publish(text, policy: policy) { try Self.check(published) }
            if let watched = try? Negotiations.watch(text, Negotiations.streams[1], policy: policy) { try Self.check(watched) }
            var offer = BridgeOffer(policy: policy)
            try offer.send(Negotiations.audio(), source: MediaSource(ssrc: 1))
            try offer.receive(.video)
            if let peer = try? offer.accept(text) { #expect(peer.sections.allSatisfy { $0.index < 2 }) }
        }
    }

    /// What holds for every negotiation, whatever was offered.
    private static func check(_ negotiated: NegotiatedOffer) throws {
        let peer = negotiated.peer
        let answer = negotiated.answer(Negotiations.transport)
        #expect(try SessionDescription.parse(answer.print()) == answer)
        #expect(peer.sections.contains { $0.direction != .inactive })
        #expect(peer.dtlsRole != .actpass)
        #expect(Set(peer.sections.map(\.mid)).count == peer.sections.count)
        #expect(
            answer.sections.indices.allSatisfy { index in
                answer.sections[index].isRejected == !peer.sections.contains { $0.index == index }
            })
        var meanings: [UInt8: Codec] = [:]
        var ids: [UInt8: HeaderExtensionKind] = [:]
        for section in peer.sections {
            let format = section.format
            #expect(meanings.updateValue(format.codec, forKey: format.payloadType) ?? format.codec == format.codec)
            #expect(section.kind == format.codec.kind)
            #expect(format.feedback.contains(.transportWide) == (section.id(of: .transportSequence) != nil))
            #expect(!format.feedback.isSuperset(of: [.transportWide, .receiverEstimate]))
            #expect(section.layers.isEmpty == (section.id(of: .streamID) == nil) && section.layers.count != 1)
            #expect(section.remoteSources.allSatisfy { $0.ssrc != 0 && $0.rtx != 0 })
            for item in section.extensions {
                #expect(ids.updateValue(item.kind, forKey: item.id) ?? item.kind == item.kind && item.id != 15)
            }
        }
    }
}
