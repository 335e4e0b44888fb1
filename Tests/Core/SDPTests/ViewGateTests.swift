import BridgeModel
import Testing

import SDP

@Suite struct ViewGateTests {
    private static let opus = TrackDescription(index: 0, codec: .opus, payloadType: 111, channels: 2, mid: "a")
    private static let vp8 = TrackDescription(index: 1, codec: .vp8, payloadType: 96, mid: "v")
    private static func h264(_ profile: String, mode: String = "1", index: UInt8 = 1) -> TrackDescription {
        TrackDescription(
            index: index, codec: .h264, payloadType: 102, formatParameters: "packetization-mode=\(mode);profile-level-id=\(profile)",
            mid: "v")
    }

    private func accept(_ name: String, _ tracks: [TrackDescription]) throws -> AcceptedOffer {
        try OfferGate.acceptView(Fixture[name].text, tracks: tracks, policy: GatePolicy())
    }

    @Test(arguments: Fixture.viewers) func everyViewerGetsItsOwnPayloadTypes(_ fixture: Fixture) throws {
        let accepted = try OfferGate.acceptView(fixture.text, tracks: [Self.opus, Self.vp8], policy: GatePolicy())
        let offer = try SessionDescription.parse(fixture.text)
        #expect(Set(accepted.viewTracks.map(\.sourceIndex)) == [0, 1])
        for track in accepted.viewTracks {
            let section = try #require(offer.sections.first { $0.mid == track.mid })
            let format = try #require(section.payloadFormats.first { $0.payloadType == track.payloadType })
            #expect(format.codec == (track.sourceIndex == 0 ? .opus : .vp8))
        }
        let engine = try SessionDescription.parse(accepted.engineOffer)
        #expect(engine.sections.allSatisfy { engine.direction(of: $0) == .recvonly })
        #expect(engine.sections.allSatisfy { !$0.has("extmap") && !$0.has("ssrc") })
        #expect(accepted.publishTracks.isEmpty)
    }

    @Test(
        arguments: [
            ("42e01f", "1", "42e01f"), ("42001f", "1", "42e01f"), ("42c01f", "1", "42e01f"), ("640c1f", "1", "640c1f"),
            ("4d001f", "1", nil),
            ("64001f", "1", nil), ("ff001f", "1", nil),
        ] as [(String, String, String?)])
    func safariPlaysTheH264ThatItsProfilesCover(_ profile: String, _ mode: String, _ expected: String?) throws {
        let track = Self.h264(profile, mode: mode)
        guard let expected else {
            #expect(throws: SDPError.nothingToSend) { try accept("safari-16-ios-view", [track]) }
            return
        }
        let accepted = try accept("safari-16-ios-view", [track])
        guard case .accepted(let section) = accepted.sections[0] else {
            Issue.record("the video section is \(accepted.sections[0])")
            return
        }
        #expect(section.format.parameters["profile-level-id"] == expected)
    }

    @Test func packetizationModeOneIsPreferredAndNeededForItsStreams() throws {
        let text = Fixture["safari-16-ios-view"].text.replacing("packetization-mode=1", with: "packetization-mode=0")
        #expect(throws: SDPError.nothingToSend) {
            try OfferGate.acceptView(text, tracks: [Self.h264("42e01f")], policy: GatePolicy())
        }
        let single = try OfferGate.acceptView(text, tracks: [Self.h264("42e01f", mode: "0")], policy: GatePolicy())
        #expect(single.viewTracks.map(\.payloadType) == [98])
        #expect(try accept("safari-16-ios-view", [Self.h264("42e01f", mode: "0")]).viewTracks.map(\.payloadType) == [98])
    }

    @Test func surplusSectionsAreInactive() throws {
        let accepted = try accept("chromium-156-view", [Self.vp8])
        #expect(accepted.sections.map(\.isAccepted) == [true, false])
        guard case .inactive(let format) = accepted.sections[1] else {
            Issue.record("the audio section is \(accepted.sections[1])")
            return
        }
        #expect(format.codec == .opus)
    }

    @Test func surplusTracksAreLeftOutFirstStreamFirst() throws {
        var second = Self.vp8
        second.index = 2
        let accepted = try accept("chromium-156-view", [Self.vp8, second])
        #expect(accepted.viewTracks.map(\.sourceIndex) == [1])
    }

    @Test func aTrackThatASectionCannotPlayLeavesItToTheNext() throws {
        let h265 = TrackDescription(index: 5, codec: .h265, payloadType: 100, mid: "x")
        #expect(try accept("firefox-153-view", [h265, Self.vp8]).viewTracks.map(\.sourceIndex) == [1])
        #expect(throws: SDPError.nothingToSend) { try accept("firefox-153-view", [h265]) }
        #expect(throws: SDPError.nothingToSend) { try accept("firefox-153-view", []) }
    }

    @Test func aViewerThatOnlySendsGetsNothing() {
        #expect(throws: SDPError.nothingToSend) { try accept("obs-31-whip", [Self.opus, Self.h264("42e01f")]) }
    }

    @Test func vp9ProfilesMustBeEqual() throws {
        let plain = TrackDescription(index: 0, codec: .vp9, payloadType: 98, mid: "v")
        let deep = TrackDescription(index: 0, codec: .vp9, payloadType: 98, formatParameters: "profile-id=2", mid: "v")
        let odd = TrackDescription(index: 0, codec: .vp9, payloadType: 98, formatParameters: "profile-id=7", mid: "v")
        let first = try accept("chromium-156-view", [plain]).viewTracks.map(\.payloadType)
        let second = try accept("chromium-156-view", [deep]).viewTracks.map(\.payloadType)
        #expect(first != second)
        #expect(throws: SDPError.nothingToSend) { try accept("chromium-156-view", [odd]) }
    }
}
