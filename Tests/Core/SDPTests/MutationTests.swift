import BridgeModel
import Testing

import SDP

/// SplitMix64: the same changes in every run.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

@Suite struct MutationTests {
    private static let splices = [
        "\r\n", "\n", " ", ":", "/", "=", "a=", "m=", "-", "+", "0", "65536", "4294967296", "\u{0}", "é", "\u{301}", "a=mid:0\r\n", "\r",
    ]

    /// Deletes, repeats, replaces or inserts at a few random places.
    private static func mutate(_ text: String, _ random: inout SeededGenerator) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let start = Int.random(in: 0..<bytes.count, using: &random)
            let end = min(bytes.count, start + Int.random(in: 0...40, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.removeSubrange(start..<end)
            case 1: bytes.insert(contentsOf: Array(bytes[start..<end]), at: Int.random(in: 0...bytes.count, using: &random))
            case 2: bytes[start] = UInt8.random(in: 0...255, using: &random)
            default: bytes.insert(contentsOf: Array((splices.randomElement(using: &random) ?? "").utf8), at: start)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: Array(Fixture.all.enumerated().map { ($0, $1) })) func mutatedOffersNeverTrapAndWhatPassesIsClean(
        _ seed: Int, _ fixture: Fixture
    ) throws {
        var random = SeededGenerator(state: UInt64(seed) &* 7919 &+ 1)
        let tracks = [
            TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "v"),
            TrackDescription(index: 1, codec: .opus, payloadType: 111, mid: "a"),
        ]
        for _ in 0..<50 {
            let text = Self.mutate(fixture.text, &random)
            if let parsed = try? SessionDescription.parse(text) {
                let printed = parsed.print()
                #expect(try SessionDescription.parse(printed).print() == printed)
            }
            let accepted = [
                try? OfferGate.acceptPublish(text, policy: GatePolicy()),
                try? OfferGate.acceptView(text, tracks: tracks, policy: GatePolicy()),
            ]
            for offer in accepted.compactMap({ $0 }) { try Self.check(offer) }
        }
    }

    private static func check(_ accepted: AcceptedOffer) throws {
        #expect(accepted.engineOffer.utf8.allSatisfy { $0 < 0x7F })
        #expect(try SessionDescription.parse(accepted.engineOffer).print() == accepted.engineOffer)
        let setup = accepted.offeredSetup == .active ? "passive" : "active"
        let engine = try ObligingEngine.answer(to: accepted.engineOffer, setup: setup)
        let answer = try SessionDescription.parse(try accepted.finishAnswer(engineAnswer: engine))
        #expect(answer.sections.count == accepted.sections.count)
    }

    @Test(arguments: Fixture.all) func mutatedAnswersNeverTrap(_ fixture: Fixture) throws {
        let policy = GatePolicy(videoSections: 1)
        guard let accepted = try? OfferGate.acceptPublish(fixture.text, policy: policy) else { return }
        let engine = try ObligingEngine.answer(to: accepted.engineOffer, setup: accepted.offeredSetup == .active ? "passive" : "active")
        var random = SeededGenerator(state: 99)
        for _ in 0..<40 {
            let text = Self.mutate(engine, &random)
            if let answer = try? accepted.finishAnswer(engineAnswer: text) { _ = try SessionDescription.parse(answer) }
            if let answer = try? AnswerGate.accept(text, offer: accepted.engineOffer) { _ = try SessionDescription.parse(answer.sdp) }
        }
    }

    @Test func everyPrefixOfAnOfferIsReadOrRefused() {
        let bytes = Array(Fixture["obs-31-whip"].text.utf8)
        for length in 0..<bytes.count {
            let text = String(decoding: bytes[..<length], as: UTF8.self)
            _ = try? OfferGate.acceptPublish(text, policy: GatePolicy())
        }
    }
}
