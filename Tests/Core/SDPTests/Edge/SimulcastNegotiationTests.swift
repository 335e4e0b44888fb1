import BridgeModel
import Testing

import SDP

@Suite struct SimulcastNegotiationTests {
    private func negotiate(_ text: String, policy: NegotiationPolicy = NegotiationPolicy()) throws -> (
        NegotiatedSection, SessionDescription
    ) {
        let negotiated = try Negotiations.publish(text, policy: policy)
        let section = try #require(negotiated.peer.sections.first { $0.kind == .video })
        return (section, negotiated.answer(Negotiations.transport))
    }

    /// The simulcast lines of Chromium's offer replaced.
    private func offer(_ lines: String...) -> String {
        Fixture["chromium-156-publish-simulcast"].replacing("a=simulcast", with: nil).replacingRIDs(with: lines)
    }

    @Test(arguments: [
        ("chromium-156-publish-simulcast", ["q", "h", "f"]), ("chromium-156-publish-layers", ["l", "m", "h"]),
        ("firefox-153-publish-layers", ["l", "m", "h"]), ("obs-32-whip-simulcast", ["0", "1", "2"]),
        ("chromium-156-publish-livekit", ["q", "h", "f"]),
    ]) func layersComeInTheOffersOrder(_ name: String, _ rids: [String]) throws {
        let (section, answer) = try negotiate(Fixture[name].text)
        #expect(section.layers.map(\.rid) == rids)
        #expect(section.remoteSources.isEmpty)
        #expect(section.id(of: .streamID) != nil)
        #expect(answer.values("rid", section: section.index) == rids.map { "\($0) recv" })
        #expect(answer.values("simulcast", section: section.index) == ["recv " + rids.joined(separator: ";")])
    }

    @Test func theFormOfTheDraftIsAnsweredInKind() throws {
        let (section, answer) = try negotiate(Fixture["firefox-60-publish-layers"].text)
        #expect(section.layers.map(\.rid) == ["hi", "lo"])
        #expect(section.layers.last?.largest == PictureSize(width: 320, height: 180))
        #expect(answer.values("simulcast", section: 1) == ["recv rid=hi;lo"])
        #expect(answer.values("extmap", section: 1).contains("4/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"))
    }

    @Test func restrictionsPausesAndAlternativesAreRead() throws {
        let text = offer(
            "a=rid:1 send pt=96;max-width=1280;max-height=720;max-br=2500000", "a=rid:2 send", "a=rid:3 send", "a=simulcast:send 1,3;~2")
        let (section, _) = try negotiate(text)
        #expect(
            section.layers == [
                SimulcastLayer(rid: "1", largest: PictureSize(width: 1280, height: 720), maximumBitrate: 2_500_000),
                SimulcastLayer(rid: "2", isPaused: true),
            ])
    }

    @Test func aLayerForAnotherFormatIsLeftOut() throws {
        let (section, _) = try negotiate(
            offer("a=rid:1 send pt=96", "a=rid:2 send pt=102,104", "a=rid:3 send pt=104,96", "a=simulcast:send 1;2;3"))
        #expect(section.layers.map(\.rid) == ["1", "3"])
    }

    @Test func thePolicyLimitsLayers() throws {
        var policy = NegotiationPolicy()
        policy.simulcastLayers = 2
        let (section, answer) = try negotiate(Fixture["chromium-156-publish-simulcast"].text, policy: policy)
        #expect(section.layers.map(\.rid) == ["q", "h"])
        #expect(answer.values("rid", section: 0) == ["q recv", "h recv"])
    }

    private static let without: [(String, [String])] = [
        ("no rid", ["a=simulcast:send 1;2"]), ("one rid", ["a=rid:1 send", "a=simulcast:send 1"]),
        ("rids without simulcast", ["a=rid:1 send", "a=rid:2 send"]),
        ("rids to receive", ["a=rid:1 recv", "a=rid:2 recv", "a=simulcast:recv 1;2"]),
        ("rids that are no rids", ["a=rid:1! send", "a=rid:\(String(repeating: "x", count: 17)) send", "a=simulcast:send 1!;2"]),
        ("the same rid twice", ["a=rid:1 send", "a=rid:1 send", "a=simulcast:send 1;1"]),
        ("nothing to send", ["a=rid:1 send", "a=simulcast:send"]),
        ("a broken payload type", ["a=rid:1 send pt=x", "a=rid:2 send", "a=simulcast:send 1;2"]),
        ("an empty list", ["a=rid:1 send", "a=simulcast:send ;,;~"]),
    ]

    @Test(arguments: without) func whatIsNoSimulcastIsAPlainSection(_ what: String, _ lines: [String]) throws {
        let text = Fixture["chromium-156-publish-simulcast"].replacing("a=simulcast", with: nil).replacingRIDs(with: lines)
        let (section, answer) = try negotiate(text)
        #expect(section.layers.isEmpty && section.id(of: .streamID) == nil && section.id(of: .repairedStreamID) == nil)
        #expect(answer.values("rid", section: 0).isEmpty && answer.values("simulcast", section: 0).isEmpty)
    }

    @Test func withoutItsExtensionOrByPolicyThereIsNone() throws {
        #expect(try negotiate(Fixture["chromium-156-publish-simulcast"].replacing("a=extmap:10", with: nil)).0.layers.isEmpty)
        var policy = NegotiationPolicy()
        policy.allowsSimulcast = false
        #expect(try negotiate(Fixture["chromium-156-publish-simulcast"].text, policy: policy).0.layers.isEmpty)
    }
}

extension String {
    /// Without `a=rid` lines, with others appended.
    fileprivate func replacingRIDs(with lines: [String]) -> String {
        let kept = split(separator: "\r\n").filter { !$0.hasPrefix("a=rid:") }.map { String($0) }
        return (kept + lines).joined(separator: "\r\n") + "\r\n"
    }
}
