import BridgeModel
import Testing

import SDP

@Suite struct PublishNegotiationTests {
    private func section(_ text: String, _ index: Int = 0, policy: NegotiationPolicy = NegotiationPolicy()) throws -> NegotiatedSection {
        let sections = try Negotiations.publish(text, policy: policy).peer.sections
        return try #require(sections.first { $0.index == index })
    }

    /// Invariants of what any publisher gets.
    @Test(arguments: Fixture.edge.filter { !$0.name.hasSuffix("-view") }) func answersReceiveOneCodecASection(_ fixture: Fixture) throws {
        let negotiated = try Negotiations.publish(fixture.text)
        let offer = try SessionDescription.parse(fixture.text)
        let answer = negotiated.answer(Negotiations.transport)
        #expect(try SessionDescription.parse(answer.print()) == answer)
        #expect(answer.sections.count == offer.sections.count)
        for (offered, answered) in zip(offer.sections, answer.sections) {
            #expect(answered.media == offered.media && answered.transport == offered.transport && answered.mid == offered.mid)
            guard !answered.isRejected else { continue }
            #expect(answered.formats.allSatisfy(offered.formats.contains))
            #expect(answered.payloadFormats.compactMap(\.codec).count == 1)
            #expect(!answer.direction(of: answered).sends)
            #expect(Set(answered.extensionMaps).isSubset(of: offered.extensionMaps))
        }
        #expect(answer.values("candidate", section: negotiated.peer.sections[0].index).count == 3)
        #expect(negotiated.peer.publishedTracks.map(\.index) == (0..<negotiated.peer.publishedTracks.count).map { UInt8($0) })
    }

    @Test func aSectionOutsideTheBundleIsRefusedAndTheRestServed() throws {
        let text = Fixture["chromium-156-publish"].text.replacing("BUNDLE 0 1 2", with: "BUNDLE 1")
        let negotiated = try Negotiations.publish(text)
        #expect(negotiated.peer.sections.map(\.mid) == ["1"])
        let answer = negotiated.answer(Negotiations.transport)
        #expect(answer.bundle == ["1"])
        #expect(answer.sections.map(\.isRejected) == [true, false, true])
        #expect(answer.values("candidate", section: 0).isEmpty && answer.values("candidate", section: 1).count == 3)
    }

    @Test func aSectionWithoutRTCPMuxIsRefusedAndTheRestServed() throws {
        let text = Fixture["chromium-156-publish"].replacing("a=rtcp-mux", with: nil, count: 1)
        #expect(try Negotiations.publish(text).peer.sections.map(\.mid) == ["1"])
    }

    @Test func aSectionWithoutMidIsRefusedInABundle() throws {
        let negotiated = try Negotiations.publish(Fixture["chromium-156-publish"].replacing("a=mid:0", with: nil))
        #expect(negotiated.peer.sections.map(\.mid) == ["1"])
        #expect(negotiated.answer(Negotiations.transport).sections[0].attributes == [SDPAttribute("inactive")])
    }

    @Test func withoutABundleTheFirstSectionIsServedAlone() throws {
        let negotiated = try Negotiations.publish(Fixture["camera-unbundled-whip"].text)
        #expect(negotiated.peer.sections.map(\.mid) == ["0"])
        let answer = negotiated.answer(Negotiations.transport)
        #expect(answer.bundle == nil)
        #expect(answer.sections.map(\.port) == [9, 0])
        #expect(answer.sections.allSatisfy { $0.mid == nil })
    }

    @Test func theAnswersGroupKeepsTheOffersOrderAndItsTagHasTheCandidates() throws {
        let text = Fixture["ffmpeg-8-whip"].text.replacing("BUNDLE 0 1", with: "BUNDLE 1 0")
        let answer = try Negotiations.publish(text).answer(Negotiations.transport)
        #expect(answer.bundle == ["1", "0"])
        #expect(answer.values("candidate", section: 0).isEmpty)
        #expect(answer.values("candidate", section: 1).count == 3)
        #expect(answer.sections[1].has("end-of-candidates"))
    }

    @Test func aDataChannelMayHaveTaggedTheOffersBundle() throws {
        let text = Fixture["chromium-156-publish"].text.replacing("BUNDLE 0 1 2", with: "BUNDLE 2 1 0")
        let negotiated = try Negotiations.publish(text)
        #expect(negotiated.peer.remote.ufrag == "FrSs")
        let answer = negotiated.answer(Negotiations.transport)
        #expect(answer.bundle == ["1", "0"])
        #expect((0..<3).map { answer.values("candidate", section: $0).count } == [0, 3, 0])
    }

    @Test(arguments: [("actpass", DTLSSetup.passive), ("active", .passive), ("passive", .active)]) func theRolesOfDTLSFit(
        _ offered: String, _ ours: DTLSSetup
    ) throws {
        let text = Fixture["obs-31-whip"].replacing("a=setup", with: "a=setup:\(offered)")
        let negotiated = try Negotiations.publish(text)
        #expect(negotiated.peer.dtlsRole == ours)
        #expect(negotiated.answer(Negotiations.transport).values("setup", section: 0) == ["\(ours)"])
    }

    @Test func thePolicyMayBeginTheHandshake() throws {
        var policy = NegotiationPolicy()
        policy.dtlsRole = .active
        #expect(try Negotiations.publish(Fixture["obs-31-whip"].text, policy: policy).peer.dtlsRole == .active)
        #expect(try Negotiations.publish(Fixture["ffmpeg-8-whip"].text, policy: policy).peer.dtlsRole == .active)
        #expect(try Negotiations.publish(Fixture["larix-like-whip"].text, policy: policy).peer.dtlsRole == .passive)
    }

    @Test func theOffersOrderDecidesUnlessThePolicyDoes() throws {
        let text = Fixture["chromium-156-publish"].text
        #expect(try section(text, 1).format.codec == .vp8)
        var policy = NegotiationPolicy()
        policy.preference = .bridge
        policy.codecs = [.av1, .h264, .opus]
        #expect(try section(text, 1, policy: policy).format.codec == .av1)
        policy.codecs = [.h264, .av1, .opus]
        let h264 = try section(text, 1, policy: policy).format
        #expect(h264.codec == .h264)
        #expect(h264.parameters["profile-level-id"].flatMap { H264Profile(profileLevelID: $0) } == .constrainedBaseline)
        #expect(h264.parameters["packetization-mode"] == "1")
        policy.codecs = [.opus]
        #expect(try Negotiations.publish(text, policy: policy).peer.sections.map(\.mid) == ["0"])
    }

    @Test func h265IsTakenOnlyWhereThereIsNothingElse() throws {
        let text = Fixture["larix-like-whip"].text
        #expect(try section(text).format.codec == .h264)
        #expect(try section(text.replacing("SAVPF 100 101 102 103", with: "SAVPF 100 101")).format.codec == .h265)
        var policy = NegotiationPolicy()
        policy.lastResorts = []
        #expect(try section(text, policy: policy).format.codec == .h265)
    }

    private static let aac =
        "streamtype=5;profile-level-id=2;mode=AAC-hbr;config=121056e500;sizelength=13;indexlength=3;indexdeltalength=3"

    /// A camera's offer whose sound is AAC alone.
    private func offer(aac parameters: String, rate: String = "44100/2") -> String {
        Fixture["ffmpeg-8-whip"].text.replacing("opus/48000/2", with: "MPEG4-GENERIC/\(rate)\r\na=fmtp:111 \(parameters)")
    }

    @Test func aacIsTakenAsItIsDescribed() throws {
        let negotiated = try Negotiations.publish(offer(aac: Self.aac))
        let track = try #require(negotiated.peer.publishedTracks.first)
        #expect(track.codec == .aac && track.clockRate == 44_100 && track.channels == 2)
        #expect(track.formatParameters == Self.aac)
        let answer = negotiated.answer(Negotiations.transport)
        #expect(answer.values("rtpmap", section: 0) == ["111 mpeg4-generic/44100/2"])
        #expect(answer.values("fmtp", section: 0) == ["111 " + Self.aac])
    }

    @Test func aacIsTakenOnlyWhereThereIsNothingElse() throws {
        let text = offer(aac: Self.aac).replacing("SAVPF 111\r\n", with: "SAVPF 111 112\r\n")
            .replacing("a=rtpmap:111", with: "a=rtpmap:112 opus/48000/2\r\na=rtpmap:111")
        #expect(try section(text).format.codec == .opus)
    }

    @Test(
        arguments: [
            "", "mode=AAC-hbr", aac.replacing("AAC-hbr", with: "AAC-lbr"), aac.replacing("config=121056e500", with: "config=12"),
            aac.replacing("config=121056e500", with: "config=F8E63000"), aac.replacing("config=121056e500;", with: ""),
            aac.replacing("sizelength=13", with: "sizelength=6"), aac.replacing(";indexlength=3", with: ""),
            aac + ";maxDisplacement=4", aac + ";CTSDeltaLength=8",
        ])
    func aacOfAnotherFormIsRefusedAndTheVideoIsNot(parameters: String) throws {
        let negotiated = try Negotiations.publish(offer(aac: parameters))
        #expect(negotiated.peer.publishedTracks.map(\.codec) == [.h264])
    }

    @Test(arguments: ["7000/2", "192000/2", "0/2"]) func aacOfAnImpossibleClockIsRefused(rate: String) throws {
        #expect(try Negotiations.publish(offer(aac: Self.aac, rate: rate)).peer.publishedTracks.map(\.codec) == [.h264])
    }

    @Test func transportWideFeedbackNeedsItsExtensionAndREMBIsForThoseWithout() throws {
        let base = Fixture["chromium-156-publish"]
        let full = try section(base.text, 1)
        #expect(full.format.feedback == [.nack, .pictureLoss, .fullIntraRequest, .transportWide])
        #expect(full.id(of: .transportSequence) == 3 && full.id(of: .absoluteSendTime) == nil)
        let unnumbered = try section(base.replacing("a=extmap:3", with: nil), 1)
        #expect(unnumbered.format.feedback == [.nack, .pictureLoss, .fullIntraRequest, .receiverEstimate])
        #expect(unnumbered.id(of: .absoluteSendTime) == 2 && unnumbered.id(of: .transportSequence) == nil)
        let silent = try section(base.replacing("a=rtcp-fb:96 transport-cc", with: nil), 1)
        #expect(silent.format.feedback.contains(.receiverEstimate) && silent.id(of: .transportSequence) == nil)
    }

    @Test func feedbackForAllFormatsCounts() throws {
        #expect(try section(Fixture["camera-unbundled-whip"].text).format.feedback == [.pictureLoss, .fullIntraRequest])
    }

    @Test func retransmissionNeedsNack() throws {
        let base = Fixture["chromium-156-publish"]
        #expect(try section(base.text, 1).format.rtxPayloadType == 97)
        #expect(try section(base.text.replacing("a=rtcp-fb:96 nack\r\n", with: ""), 1).format.rtxPayloadType == nil)
        #expect(try section(base.text.replacing("apt=96", with: "apt=95"), 1).format.rtxPayloadType == nil)
    }

    @Test func redundancyIsTakenOnlyByPolicy() throws {
        var policy = NegotiationPolicy()
        #expect(try section(Fixture["chromium-156-publish"].text, 1, policy: policy).format.redundancy == nil)
        policy.allowsRedundancy = true
        let negotiated = try Negotiations.publish(Fixture["chromium-156-publish"].text, policy: policy)
        #expect(negotiated.peer.sections[1].format.redundancy == .init(red: 118, redRTX: 119, ulpfec: 120))
        #expect(negotiated.peer.sections[0].format.redundancy == .init(red: 63))
        let answer = negotiated.answer(Negotiations.transport)
        #expect(answer.sections[0].formats == ["111", "63"] && answer.sections[1].formats == ["96", "97", "118", "119", "120"])
        #expect(answer.values("fmtp", section: 0).contains("63 111/111") && answer.values("fmtp", section: 1).contains("119 apt=118"))
        #expect(answer.values("rtpmap", section: 1).suffix(3) == ["118 red/90000", "119 rtx/90000", "120 ulpfec/90000"])
    }

    @Test func opusIsStereoWhereThePublisherIs() throws {
        #expect(try section(Fixture["obs-31-whip"].text).format.parameters.text == "minptime=10;useinbandfec=1;stereo=1")
        #expect(try section(Fixture["chromium-156-publish-livekit"].text).format.parameters.text == "minptime=10;useinbandfec=1")
    }

    @Test func parametersOfThePublishersOwnStreamAreNotRepeated() throws {
        let parameters = try section(Fixture["gstreamer-whipsink"].text).format.parameters
        #expect(parameters.text == "packetization-mode=1;profile-level-id=42c01f")
    }

    @Test func surplusSectionsAreRefused() throws {
        var policy = NegotiationPolicy()
        policy.audioSections = 0
        #expect(try Negotiations.publish(Fixture["obs-31-whip"].text, policy: policy).peer.sections.map(\.kind) == [.video])
        policy.videoSections = 0
        #expect(throws: SDPError.nothingToReceive) { try Negotiations.publish(Fixture["obs-31-whip"].text, policy: policy) }
    }

    @Test func onePayloadTypeForTwoFormatsRefusesTheLaterSection() throws {
        let text = Fixture["ffmpeg-8-whip"].text.replacing("106", with: "111")
        #expect(try Negotiations.publish(text).peer.sections.map(\.mid) == ["0"])
        var policy = NegotiationPolicy()
        policy.audioSections = 0
        #expect(try Negotiations.publish(text, policy: policy).peer.sections.map(\.mid) == ["1"])
    }

    @Test func oneNumberForTwoExtensionsDropsTheLater() throws {
        let base = Fixture["chromium-156-publish"]
        let text = base.text.replacing("a=extmap:13 urn:3gpp:video-orientation", with: "a=extmap:1 urn:3gpp:video-orientation")
        let sections = try Negotiations.publish(text).peer.sections
        #expect(sections[0].id(of: .audioLevel) == 1)
        #expect(sections[1].id(of: .videoOrientation) == nil)
    }

    @Test func theSourcesOfAPlainSectionAreKnown() throws {
        let video = try section(Fixture["chromium-156-publish"].text, 1)
        #expect(video.remoteSources == [MediaSource(ssrc: 3_815_398_720, rtx: 1_697_539_147, cname: "HzkJr8p5f2OZeBdl")])
        #expect(video.layers.isEmpty && video.id(of: .streamID) == nil)
        #expect(video.streamIdentity?.stream == "c2ee4981-6b83-4a38-a257-58bf9f0c308d")
    }

    @Test func flexFECIsToldApart() throws {
        let text = Fixture["ffmpeg-8-whip"].text.replacing(
            "a=ssrc-group:FID 1735120392 1735120393", with: "a=ssrc-group:FEC-FR 1735120392 77\r\na=ssrc:77 cname:x")
        #expect(try section(text, 1).remoteSources == [MediaSource(ssrc: 1_735_120_392, fec: 77, cname: "FFmpeg")])
    }

    @Test func ofAPlanBSectionTheFirstTrackIsTaken() throws {
        let text = Fixture["chrome-48-planb-publish"].text
        #expect(try section(text, 0).remoteSources.map(\.ssrc) == [1001])
        #expect(try section(text, 1).remoteSources.map(\.ssrc) == [2001, 2002, 2003])
        #expect(try section(text, 1).remoteSources.map(\.rtx) == [2101, 2102, 2103])
        var policy = NegotiationPolicy()
        policy.allowsSimulcast = false
        #expect(try section(text, 1, policy: policy).remoteSources.map(\.ssrc) == [2001])
    }
}

extension MediaSection {
    /// `a=extmap` values without their directions.
    fileprivate var extensionMaps: [String] {
        attributes.filter { $0.name == "extmap" }.compactMap(\.value).map {
            $0.replacing("/sendonly", with: "").replacing("/recvonly", with: "")
        }
    }
}
