import BridgeModel
import Foundation
import Testing

import SDP

@Suite struct WatchNegotiationTests {
    private typealias N = Negotiations

    private func video(_ text: String, _ track: OfferedTrack) throws -> NegotiatedFormat {
        let negotiated = try Negotiations.watch(text, [track])
        return try #require(negotiated.peer.sections.first { $0.trackIndex == track.description.index }).format
    }

    /// Every viewer with every stream: refused with the codec's name, or served in full by its own numbers.
    @Test(arguments: Fixture.edge.filter { $0.name.hasSuffix("-view") }, N.streams) func viewersGetWhatTheyPlay(
        _ fixture: Fixture, _ tracks: [OfferedTrack]
    ) throws {
        let negotiated: NegotiatedOffer
        do throws(SDPError) {
            negotiated = try N.watch(fixture.text, tracks)
        } catch {
            let codecs = tracks.map(\.description.codec)
            #expect(codecs.contains { error == .cannotDecode($0) })
            return
        }
        let offer = try SessionDescription.parse(fixture.text)
        let answer = negotiated.answer(N.transport)
        #expect(try SessionDescription.parse(answer.print()) == answer)
        #expect(negotiated.peer.sections.filter { $0.direction.sends }.count == tracks.count)
        for section in negotiated.peer.sections where section.direction.sends {
            let offered = try #require(offer.sections[section.index].payloadFormats.first { $0.payloadType == section.format.payloadType })
            #expect(offered.codec == section.format.codec)
            #expect(section.format.codec == tracks.first { $0.description.index == section.trackIndex }?.description.codec)
            let source = try #require(section.localSource)
            #expect((source.rtx != nil) == (section.format.rtxPayloadType != nil))
            #expect(answer.values("ssrc", section: section.index).contains("\(source.ssrc) cname:viaduct"))
            #expect(answer.direction(of: answer.sections[section.index]) == .sendonly)
        }
        #expect(negotiated.peer.publishedTracks.isEmpty)
    }

    /// AV1's layers are for those who can put them together: by descriptors, whose structures need the two-byte form.
    @Test func spatialLayersNeedADependencyDescriptorForAV1() throws {
        let plain = Fixture["chromium-156-view"].text
        let offering = plain.replacingOccurrences(
            of: "urn:3gpp:video-orientation\r\n",
            with: "urn:3gpp:video-orientation\r\na=extmap:12 \(HeaderExtensionKind.dependencyDescriptor.uri)\r\n")
        let oneByteForm = offering.replacing("a=extmap-allow-mixed\r\n", with: "")
        func section(_ text: String, _ codec: Codec) throws -> NegotiatedSection {
            let negotiated = try N.watch(text, [N.video(codec, parameters: codec == .vp9 ? "profile-id=0" : "")])
            return try #require(negotiated.peer.sections.first { $0.direction.sends })
        }
        #expect(try section(offering, .av1).id(of: .dependencyDescriptor) == 12 && section(offering, .av1).takesSpatialLayers)
        for text in [plain, oneByteForm] {
            #expect(try section(text, .av1).id(of: .dependencyDescriptor) == nil && !section(text, .av1).takesSpatialLayers)
        }
        #expect(try section(offering, .vp9).id(of: .dependencyDescriptor) == nil && section(offering, .vp9).takesSpatialLayers)
    }

    /// Offered profile, what the SPS says, expected answer; nil: refused.
    private static let h264: [(String, [UInt8], String?)] = [
        ("42e01f", [0x42, 0xC0, 0x28], "42c028"),  // the same profile: the stream's own digits
        ("42001f", [0x42, 0xE0, 0x1E], "42e01e"),
        ("42e01f", [0x4D, 0x40, 0x1F], nil),  // main to a baseline decoder
        ("42e01f", [0x64, 0x00, 0x1F], nil),
        ("4d001f", [0x42, 0xC0, 0x28], "4d0028"),  // baseline to a main decoder: its profile, our level
        ("640c1f", [0x64, 0x0C, 0x2A], "640c2a"),
        ("640c1f", [0x64, 0x00, 0x28], "640c28"),  // high without what constrained high lacks
        ("640c1f", [0x4D, 0x00, 0x28], "640c28"),
        ("64001f", [0x4D, 0x00, 0x28], "640028"),
        ("640c1f", [0x7A, 0x00, 0x28], nil),  // 4:2:2
        ("64001f", [0xF4, 0x00, 0x28], nil),
        ("f4001f", [0x64, 0x00, 0x28], "f40028"),  // a decoder of 4:4:4 plays everything below it
        ("f4001f", [0x42, 0xE0, 0x1E], "f4001e"),
        ("f4001f", [0x7A, 0x00, 0x28], "f40028"),
        ("f4001f", [0xF4, 0x10, 0x28], "f41028"),
        ("f4001f", [0x2C, 0x00, 0x28], nil),  // CAVLC 4:4:4 Intra
        ("f4001f", [0x58, 0x00, 0x28], nil),  // Extended
    ]

    @Test(arguments: h264) func theProfileOfH264IsTheStreamsOwn(_ offered: String, _ sps: [UInt8], _ expected: String?) throws {
        let text = Fixture["mediamtx-view"].text.replacing("42e01f", with: offered)
        let track = N.video(
            .h264, parameters: "packetization-mode=1;profile-level-id=42e01f",
            profile: .h264(profile: sps[0], constraints: sps[1], level: sps[2]))
        guard let expected else {
            #expect(throws: SDPError.cannotDecode(.h264)) { try N.watch(text, [track]) }
            return
        }
        #expect(try video(text, track).parameters.text == "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=\(expected)")
    }

    @Test func withoutLevelAsymmetryTheLevelIsTheOffers() throws {
        let text = Fixture["mediamtx-view"].text.replacing("level-asymmetry-allowed=1;packetization-mode", with: "packetization-mode")
        #expect(try video(text, N.h264).parameters.text == "packetization-mode=1;profile-level-id=42e01f")
    }

    @Test func untilAnSPSIsSeenThePublishersWordCounts() throws {
        let track = N.video(.h264, parameters: "packetization-mode=1;profile-level-id=42e01f")
        #expect(try video(Fixture["chromium-156-view"].text, track).parameters["profile-level-id"] == "42e01f")
        #expect(try video(Fixture["chromium-156-view"].text, N.video(.h264)).parameters["profile-level-id"] == "420010")
    }

    @Test func theNearestFormOfACodecIsChosen() throws {
        let text = Fixture["safari-18-macos-view"].text
        #expect(try video(text, N.h264).payloadType == 98)
        let high = N.video(.h264, parameters: "packetization-mode=1", profile: .h264(profile: 0x64, constraints: 0x0C, level: 31))
        #expect(try video(text, high).payloadType == 96)
        #expect(try video(text, N.video(.vp9, profile: .vp9(profile: 2))).payloadType == 114)
        #expect(throws: SDPError.cannotDecode(.vp9)) { try N.watch(text, [N.video(.vp9, profile: .vp9(profile: 1))]) }
    }

    @Test func chromiumPlaysHighThoughItOffersOnlyMoreAndLess() throws {
        let high = N.video(.h264, parameters: "packetization-mode=1", profile: .h264(profile: 0x64, constraints: 0, level: 40))
        let format = try video(Fixture["chromium-156-rooms-view"].text, high)
        #expect(format.payloadType == 41 && format.parameters["profile-level-id"] == "f40028")
    }

    @Test func profilesOfAV1AndH265AreTheStreamsOwn() throws {
        let text = Fixture["safari-18-macos-view"].text
        let av1 = N.video(.av1, profile: .av1(profile: 0, level: 9, tier: 1))
        #expect(try video(text, av1).parameters.text == "level-idx=9;profile=0;tier=1")
        let h265 = N.video(.h265, profile: .h265(H265ProfileTierLevel(tier: 1, profile: 2, level: 153)))
        let format = try video(text, h265)
        #expect(format.payloadType == 102)
        #expect(format.parameters.text == "level-id=153;profile-id=2;tier-flag=1;tx-mode=SRST")
    }

    @Test func aProfileOfAnotherCodecIsNoMatter() throws {
        let track = N.video(.vp8, profile: .vp9(profile: 1))
        #expect(try video(Fixture["chromium-156-view"].text, track).parameters.text.isEmpty)
    }

    @Test func stereoIsToldToTheViewer() throws {
        let track = N.audio(parameters: "minptime=10;useinbandfec=1;stereo=1")
        let format = try #require(try N.watch(Fixture["mediamtx-view"].text, [track]).peer.sections.first { $0.trackIndex == 0 }).format
        #expect(format.parameters.text == "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1")
    }

    @Test func videoThatCannotBeDecodedRefusesTheViewerAudioThatCannotDoesNot() throws {
        let text = Fixture["webrtcbin-1.22-view"].text
        #expect(throws: SDPError.cannotDecode(.h264)) { try N.watch(text, [N.audio(), N.h264]) }
        let silent = try N.watch(text, [N.audio(.pcmu), N.video(.vp8)])
        #expect(silent.peer.undecodableTracks == [0])
        #expect(silent.peer.sections.map(\.direction) == [.sendonly, .inactive])
        #expect(throws: SDPError.cannotDecode(.pcmu)) { try N.watch(text, [N.audio(.pcmu)]) }
    }

    /// Browsers do not know it, and nobody gets it.
    @Test func aViewerOfAACGetsTheVideoAlone() throws {
        let aac = OfferedTrack(
            TrackDescription(
                index: 0, codec: .aac, payloadType: 97, clockRate: 44_100, channels: 2, formatParameters: "config=1210", mid: "a"))
        let negotiated = try N.watch(Fixture["safari-18-macos-view"].text, [aac, N.video(.vp8)])
        #expect(negotiated.peer.sections.compactMap(\.trackIndex) == [1])
        #expect(negotiated.peer.undecodableTracks == [0])
        #expect(throws: SDPError.cannotDecode(.aac)) { try N.watch(Fixture["safari-18-macos-view"].text, [aac]) }
    }

    @Test func aViewerWithoutAudioGetsVideoAlone() throws {
        let text = Fixture["safari-18-macos-view"].text.replacing("m=audio 9", with: "m=audio 0")
        let negotiated = try N.watch(text, [N.audio(), N.video(.vp8)])
        #expect(negotiated.peer.sections.map(\.trackIndex) == [1])
        #expect(negotiated.peer.undecodableTracks.isEmpty)
    }

    @Test func aViewerOfAudioAloneIsServedWhateverTheVideo() throws {
        let text = Fixture["safari-18-macos-view"].text.replacing("m=video 9", with: "m=video 0")
        #expect(try N.watch(text, [N.audio(), N.video(.vp9, profile: .vp9(profile: 3))]).peer.sections.map(\.kind) == [.audio])
    }

    @Test func manySectionsGetATrackEach() throws {
        let tracks = [N.audio(), N.video(.vp8, index: 1), N.video(.vp9, index: 2), N.video(.vp8, index: 3), N.video(.vp8, index: 4)]
        for name in ["chromium-156-rooms-view", "firefox-153-rooms-view"] {
            let negotiated = try N.watch(Fixture[name].text, tracks)
            #expect(negotiated.peer.sections.map(\.trackIndex) == [0, 1, 2, 3])
            let sources = negotiated.peer.sections.compactMap(\.localSource).flatMap { [$0.ssrc, $0.rtx].compactMap { $0 } }
            #expect(Set(sources).count == 7)
        }
    }

    @Test func aTrackStaysInItsSectionWhenOthersLeave() throws {
        let text = Fixture["chromium-156-rooms-view"].text
        let tracks = [N.audio(), N.video(.vp8, index: 1), N.video(.vp8, index: 2)]
        let first = try N.watch(text, tracks)
        let newcomer = N.video(.vp8, index: 3)
        var second = try PeerOffer(text).acceptWatch(
            tracks: [newcomer, tracks[0], tracks[2]], policy: NegotiationPolicy(), earlier: first.peer)
        #expect(second.peer.sections.map(\.trackIndex) == [0, 3, 2, nil])
        // The newcomer sends on with the sources of its section, which is what the viewer knows of it.
        #expect(second.peer.sections.prefix(3).map(\.localSource) == first.peer.sections.prefix(3).map(\.localSource))
        var random = Negotiations.Seeded(state: 9)
        second.peer.assignSources(cname: "viaduct", using: &random)
        #expect(second.peer.sections.prefix(3).map(\.localSource) == first.peer.sections.prefix(3).map(\.localSource))
        let third = try PeerOffer(text).acceptWatch(tracks: [tracks[2]], policy: NegotiationPolicy(), earlier: first.peer)
        #expect(third.peer.sections.map(\.trackIndex) == [nil, nil, 2, nil])
        // A section that does not receive any more holds no track back.
        let closed = text.replacing("a=mid:2\r\n", with: "a=mid:2\r\na=inactive\r\n")
        var lines = closed.components(separatedBy: "\r\n")
        let start = try #require(lines.firstIndex(of: "a=inactive"))
        lines.remove(at: try #require(lines[start...].firstIndex(of: "a=recvonly")))
        let fourth = try PeerOffer(lines.joined(separator: "\r\n")).acceptWatch(
            tracks: [tracks[2]], policy: NegotiationPolicy(), earlier: first.peer)
        #expect(fourth.peer.sections.map(\.trackIndex) == [nil, 2, nil, nil])
    }

    @Test func participantsKeepTheirNames() throws {
        var first = N.video(.vp8, index: 1)
        first.identity = StreamIdentity(stream: "alice", track: "cam")
        let negotiated = try N.watch(Fixture["chromium-156-rooms-view"].text, [N.audio(), first])
        let answer = negotiated.answer(N.transport)
        #expect(answer.values("msid", section: 0) == ["viaduct audio-0"])
        #expect(answer.values("msid", section: 1) == ["alice cam"])
        #expect(answer.values("ssrc", section: 1).contains { $0.hasSuffix(" msid:alice cam") })
    }

    @Test func aViewerIsNeverPromisedLayersOrRedundancy() throws {
        var policy = NegotiationPolicy()
        policy.allowsRedundancy = true
        let negotiated = try N.watch(Fixture["chromium-156-rooms-view"].text, [N.audio(), N.video(.vp8)], policy: policy)
        for section in negotiated.peer.sections {
            #expect(section.layers.isEmpty && section.format.redundancy == nil && section.remoteSources.isEmpty)
            #expect(section.id(of: .streamID) == nil && section.id(of: .repairedStreamID) == nil)
        }
    }

    @Test func sectionsThatOnlySendStayWithoutMedia() throws {
        #expect(throws: SDPError.nothingToSend) { try N.watch(Fixture["obs-31-whip"].text, [N.audio(), N.h264]) }
        let negotiated = try N.watch(
            Fixture["chromium-156-publish-call"].text, [N.audio(), N.video(.vp8, index: 1), N.video(.vp8, index: 2)])
        #expect(negotiated.peer.sections.map(\.direction) == [.sendonly, .sendonly, .sendonly])
    }

    @Test func aStreamWithoutTracksHasNothingToSend() {
        #expect(throws: SDPError.nothingToSend) { try N.watch(Fixture["chromium-156-view"].text, []) }
    }

    @Test func sourcesAreDistinctAndNoneOfThePeers() throws {
        struct Stuck: RandomNumberGenerator {
            var values: [UInt64]
            mutating func next() -> UInt64 { values.count > 1 ? values.removeFirst() : values[0] }
        }
        var negotiated = try Negotiations.publish(Fixture["chromium-156-publish-call"].text)
        negotiated.peer.sections[1].direction = .sendrecv
        negotiated.peer.sections[0].direction = .sendonly
        var random = Negotiations.Seeded(state: 1)
        negotiated.peer.assignSources(cname: "c", using: &random)
        let first = try #require(negotiated.peer.sections[0].localSource?.ssrc)
        // The same numbers again, now taken by the peer: others are found.
        negotiated.peer.sections[0].localSource = nil
        negotiated.peer.sections[1].localSource = nil
        negotiated.peer.sections[1].remoteSources = [MediaSource(ssrc: first)]
        random = Negotiations.Seeded(state: 1)
        negotiated.peer.assignSources(cname: "c", using: &random)
        let all = negotiated.peer.sections.compactMap(\.localSource).flatMap { [$0.ssrc, $0.rtx].compactMap { $0 } }
        #expect(!all.contains(first) && !all.contains(0) && Set(all).count == all.count && all.count == 3)
    }

    @Test func renominationIsPromisedToThoseWhoAskForIt() throws {
        let asked = try Negotiations.publish(Fixture["larix-like-whip"].text).answer(N.transport)
        #expect(asked.values("ice-options", section: 0) == ["ice2 trickle renomination"])
        let plain = try Negotiations.publish(Fixture["obs-31-whip"].text).answer(N.transport)
        #expect(plain.values("ice-options", section: 0) == ["ice2 trickle"])
    }

    @Test func aNewPasswordOrNameRestartsICE() throws {
        let base = Fixture["chromium-156-view"]
        let first = try PeerOffer(base.text).remote
        #expect(try !PeerOffer(base.text).remote.restartsICE(of: first))
        #expect(try PeerOffer(base.replacing("a=ice-ufrag", with: "a=ice-ufrag:NEWu")).remote.restartsICE(of: first))
        #expect(try PeerOffer(base.replacing("a=ice-pwd", with: "a=ice-pwd:0123456789012345678901")).remote.restartsICE(of: first))
    }

    @Test func candidatesOfOurs() {
        let udp = LocalCandidate(address: "192.0.2.1", port: 8189)
        let tcp = LocalCandidate(address: "2001:db8::1", port: 8189, transport: .tcpPassive)
        #expect(udp.print(rank: 0) == "candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host")
        #expect(tcp.print(rank: 3).hasSuffix(" 2001:db8::1 8189 typ host tcptype passive"))
        let ranks = (0..<100).map { udp.priority(rank: $0) }
        #expect(Set(ranks).count == 100 && ranks == ranks.sorted(by: >))
        #expect(udp.priority(rank: 10_000) > tcp.priority(rank: 0))
        #expect(udp.priority(rank: .max) == udp.priority(rank: 8191) && udp.priority(rank: -1) == udp.priority(rank: 0))
    }
}
