import BridgeModel
import Foundation
import Testing

import SDP

@Suite struct PublishGateTests {
    private func accept(_ name: String, policy: GatePolicy = GatePolicy()) throws -> AcceptedOffer {
        try OfferGate.acceptPublish(Fixture[name].text, policy: policy)
    }

    @Test(arguments: Fixture.publishers) func theEngineSeesOneCodecASectionAndNothingElse(_ fixture: Fixture) throws {
        let accepted = try OfferGate.acceptPublish(fixture.text, policy: GatePolicy())
        let engine = try SessionDescription.parse(accepted.engineOffer)
        #expect(engine.print() == accepted.engineOffer)
        #expect(engine.bundle == accepted.publishTracks.map(\.mid))
        #expect(engine.sections.count == accepted.publishTracks.count)
        for (section, track) in zip(engine.sections, accepted.publishTracks) {
            let codecs = section.payloadFormats.compactMap(\.codec)
            #expect(codecs == [track.codec])
            #expect(section.payloadFormats.allSatisfy { $0.codec != nil || $0.retransmittedType == track.payloadType })
            #expect(engine.direction(of: section) == .sendonly)
            #expect(section.port == 9 && section.transport == "UDP/TLS/RTP/SAVPF")
            let names = Set(section.attributes.map(\.name))
            #expect(names.isSuperset(of: ["ice-ufrag", "ice-pwd", "fingerprint", "setup", "mid", "rtcp-mux"]))
            #expect(names.isDisjoint(with: ["rid", "simulcast", "msid", "imageattr", "crypto"]))
        }
        #expect(!accepted.engineOffer.contains(".local"))
        #expect(!accepted.engineOffer.lowercased().contains(" tcp "))
    }

    @Test func tracksNameTheChosenFormats() throws {
        let tracks = try accept("chromium-156-publish").publishTracks
        #expect(
            tracks == [
                TrackDescription(
                    index: 0, codec: .opus, payloadType: 111, channels: 2, formatParameters: "minptime=10;useinbandfec=1", mid: "0"),
                TrackDescription(index: 1, codec: .vp8, payloadType: 96, mid: "1"),
            ])
    }

    @Test func dataChannelsAreRejected() throws {
        let accepted = try accept("chromium-156-publish")
        #expect(accepted.sections.map(\.isAccepted) == [true, true, false])
        #expect(accepted.sections[2] == .rejected)
        #expect(!accepted.engineOffer.contains("m=application"))
    }

    @Test(arguments: [
        ("chromium-156-publish-h264", 108 as UInt8), ("safari-17-macos-publish", 98), ("safari-16-ios-publish", 98), ("obs-31-whip", 96),
    ]) func ofH264TheConstrainedBaselineFormInModeOneIsChosen(_ name: String, _ type: UInt8) throws {
        let track = try #require(try accept(name).publishTracks.first { $0.kind == .video })
        #expect(track.codec == .h264)
        let parameters = FormatParameters(track.formatParameters)
        #expect(parameters["packetization-mode"] == "1")
        #expect(H264Profile(profileLevelID: parameters["profile-level-id"] ?? "") == .constrainedBaseline)
        if name != "chromium-156-publish-h264" { #expect(track.payloadType == type) }
    }

    @Test func h265NeedsThePolicy() throws {
        let text = Fixture["safari-17-macos-publish"].text
            .replacing("SAVPF 96 97 98 99 100", with: "SAVPF 100 96 97 98 99")
        #expect(try OfferGate.acceptPublish(text, policy: GatePolicy()).publishTracks.last?.codec == .h264)
        #expect(try OfferGate.acceptPublish(text, policy: GatePolicy(allowsH265: true)).publishTracks.last?.codec == .h265)
    }

    @Test func audioGetsNoNackAndVideoKeepsItsRetransmission() throws {
        let text = Fixture["chromium-156-publish"].replacing(
            "a=rtcp-fb:111 transport-cc", with: "a=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack")
        let engine = try SessionDescription.parse(try OfferGate.acceptPublish(text, policy: GatePolicy()).engineOffer)
        #expect(engine.values("rtcp-fb", section: 0) == ["111 transport-cc"])
        #expect(engine.values("rtcp-fb", section: 1) == ["96 transport-cc", "96 ccm fir", "96 nack", "96 nack pli"])
        #expect(engine.sections[1].formats == ["96", "97"])
        #expect(engine.values("ssrc-group", section: 1) == ["FID 3815398720 1697539147"])
    }

    @Test func transportFeedbackAndItsExtensionGoTogether() throws {
        let with = try SessionDescription.parse(try accept("chromium-156-publish").engineOffer)
        #expect(
            with.values("extmap", section: 1) == ["3 \(HeaderExtension.transportSequence)", "4 \(HeaderExtension.mid)"])
        let policy = GatePolicy(allowsTransportFeedback: false)
        let without = try SessionDescription.parse(try accept("chromium-156-publish", policy: policy).engineOffer)
        #expect(without.values("extmap", section: 1) == ["4 \(HeaderExtension.mid)"])
        #expect(!without.print().contains("transport-cc"))
    }

    @Test func simulcastIsReducedToOneSource() throws {
        let accepted = try accept("chrome-74-publish")
        let engine = try SessionDescription.parse(accepted.engineOffer)
        #expect(engine.values("ssrc-group", section: 1) == ["FID 1401239034 1858021243"])
        #expect(engine.values("ssrc", section: 1).count == 2)
        #expect(try accept("chromium-156-publish-simulcast").publishTracks.count == 1)
    }

    @Test func sessionLevelTransportAttributesCount() throws {
        let engine = try SessionDescription.parse(try accept("obs-31-whip").engineOffer)
        #expect(engine.values("ice-ufrag", section: 1) == ["rFgq"])
        #expect(engine.values("setup", section: 0) == ["actpass"])
    }

    @Test func threeVideosAndOneAudioAreTakenAndTheRestIsRejected() throws {
        let video = Fixture["chromium-156-publish-simulcast"].text
        let start = try #require(video.range(of: "m=video"))
        let section = String(video[start.lowerBound...])
        var text = String(video[..<start.lowerBound]).replacing("BUNDLE 0", with: "BUNDLE v0 v1 v2 v3 a0 a1")
        for index in 0..<4 { text += section.replacing("a=mid:0", with: "a=mid:v\(index)") }
        let audio = Fixture["ffmpeg-8-whip"].text
        let range = try #require(audio.range(of: "m=audio")?.lowerBound)
        let end = try #require(audio.range(of: "m=video")?.lowerBound)
        for index in 0..<2 {
            text += String(audio[range..<end]).replacing("a=mid:0", with: "a=mid:a\(index)")
        }
        let accepted = try OfferGate.acceptPublish(text, policy: GatePolicy())
        #expect(accepted.publishTracks.map(\.mid) == ["v0", "v1", "v2", "a0"])
        #expect(accepted.publishTracks.map(\.index) == [0, 1, 2, 3])
        #expect(accepted.sections.map(\.isAccepted) == [true, true, true, false, true, false])
    }

    @Test func sectionsOutsideTheBundleAreRejected() throws {
        let text = Fixture["chromium-156-publish"].text.replacing("BUNDLE 0 1 2", with: "BUNDLE 1")
        let accepted = try OfferGate.acceptPublish(text, policy: GatePolicy())
        #expect(accepted.sections.map(\.isAccepted) == [false, true, false])
    }

    @Test func sectionsThatDoNotSendStayInactive() throws {
        let text = Fixture["obs-31-whip"].replacing("a=sendonly", with: "a=recvonly", count: 1)
        let accepted = try OfferGate.acceptPublish(text, policy: GatePolicy())
        guard case .inactive(let format) = accepted.sections[0] else {
            Issue.record("the audio section is \(accepted.sections[0])")
            return
        }
        #expect(format.codec == .opus)
        #expect(accepted.publishTracks.map(\.kind) == [.video])
    }

    @Test func fingerprintsOfEveryStrengthAreKept() throws {
        #expect(try accept("aiortc-publish").fingerprints.map(\.algorithm) == ["sha-256", "sha-384", "sha-512"])
    }
}
