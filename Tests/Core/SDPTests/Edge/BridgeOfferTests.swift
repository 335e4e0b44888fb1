import BridgeModel
import Testing

import SDP

@Suite struct BridgeOfferTests {
    private typealias N = Negotiations

    /// A peer that goes along with everything: its answer to an offer of ours.
    private static func oblige(
        _ offer: SessionDescription, setup: String = "active", _ change: (inout SessionDescription) -> Void = { _ in }
    ) -> String {
        var answer = offer
        answer.attributes.removeAll { $0.name == "ice-lite" }
        for index in answer.sections.indices where !answer.sections[index].isRejected {
            answer.sections[index].attributes = answer.sections[index].attributes.compactMap { attribute in
                switch attribute.name {
                case "ice-ufrag": SDPAttribute("ice-ufrag", "peer")
                case "ice-pwd": SDPAttribute("ice-pwd", "peerPasswordOf24Chars000")
                case "setup": SDPAttribute("setup", setup)
                case "sendonly": SDPAttribute("recvonly")
                case "recvonly": SDPAttribute("sendonly")
                case "candidate", "end-of-candidates", "ssrc", "ssrc-group", "msid": nil
                default: attribute
                }
            }
        }
        change(&answer)
        return answer.print()
    }

    private static func sending(_ tracks: [OfferedTrack] = [N.audio(), N.h264]) throws -> BridgeOffer {
        var offer = BridgeOffer(policy: NegotiationPolicy())
        for track in tracks {
            let isVideo = track.description.kind == .video
            try offer.send(track, source: MediaSource(ssrc: 100 + UInt32(track.description.index), rtx: isVideo ? 900 : nil, cname: "c"))
        }
        return offer
    }

    @Test func anOfferToSendIsWholeAndOurParserReadsIt() throws {
        let offer = try Self.sending().offer(N.transport)
        #expect(try SessionDescription.parse(offer.print()) == offer)
        #expect(offer.bundle == ["0", "1"])
        #expect(offer.attributes.contains(SDPAttribute("ice-lite")))
        #expect(offer.sections.map(\.formats) == [["96"], ["97", "98"]])
        #expect(offer.values("setup", section: 1) == ["actpass"])
        #expect(
            offer.values("fmtp", section: 1) == ["97 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42c028", "98 apt=97"])
        #expect(offer.values("ssrc-group", section: 1) == ["FID 101 900"])
        #expect(offer.values("candidate", section: 0).count == 3 && offer.values("candidate", section: 1).isEmpty)
        #expect(offer.values("extmap", section: 1).count == 5)
    }

    @Test func anAnswerThatGoesAlongSettlesEverything() throws {
        let offer = try Self.sending()
        let peer = try offer.accept(Self.oblige(offer.offer(N.transport)))
        #expect(peer.dtlsRole == .passive && peer.remote.ufrag == "peer")
        #expect(peer.sections.map(\.direction) == [.sendonly, .sendonly])
        #expect(peer.sections.map(\.trackIndex) == [0, 1])
        #expect(peer.sections[1].localSource == MediaSource(ssrc: 101, rtx: 900, cname: "c"))
        #expect(peer.sections[1].format.feedback == [.nack, .pictureLoss, .fullIntraRequest, .transportWide])
        #expect(peer.sections[1].format.rtxPayloadType == 98)
        #expect(try offer.accept(Self.oblige(offer.offer(N.transport), setup: "passive")).dtlsRole == .active)
    }

    @Test func anAnswerMayTakeThingsAway() throws {
        let offer = try Self.sending()
        let answer = Self.oblige(offer.offer(N.transport)) { answer in
            answer.sections[1].formats = ["97"]
            answer.sections[1].attributes.removeAll { $0.value?.hasSuffix("transport-cc") ?? false || $0.name == "rtcp-rsize" }
            answer.sections[1].attributes.removeAll { $0.value?.hasSuffix("video-orientation") ?? false }
        }
        let video = try #require(try offer.accept(answer).sections.last)
        #expect(video.format.rtxPayloadType == nil && video.localSource == MediaSource(ssrc: 101, cname: "c"))
        #expect(video.format.feedback == [.nack, .pictureLoss, .fullIntraRequest, .receiverEstimate])
        #expect(video.id(of: .videoOrientation) == nil && video.id(of: .transportSequence) == nil && video.id(of: .mid) != nil)
        #expect(!video.usesReducedSizeRTCP)
    }

    @Test func refusedSectionsAreLeftOutAndInactiveOnesStay() throws {
        let offer = try Self.sending()
        let refused = Self.oblige(offer.offer(N.transport)) { $0.sections[0].port = 0 }
        #expect(try offer.accept(refused).sections.map(\.mid) == ["1"])
        let inactive = Self.oblige(offer.offer(N.transport)) { answer in
            answer.sections[1].attributes = answer.sections[1].attributes.map { $0.name == "recvonly" ? SDPAttribute("inactive") : $0 }
        }
        #expect(try offer.accept(inactive).sections.map(\.direction) == [.sendonly, .inactive])
    }

    private static let contradictions: [(String, SDPError, @Sendable (inout SessionDescription) -> Void)] = [
        ("a section less", .answerMismatch(section: 1), { $0.sections.removeLast() }),
        (
            "a section more", .answerMismatch(section: 2),
            {
                $0.sections.append($0.sections[1]); $0.sections[2].attributes.removeAll { $0.name == "mid" }
            }
        ),
        (
            "another mid", .answerMismatch(section: 0),
            {
                $0.setMid("9", section: 0); $0.attributes[0] = SDPAttribute("group", "BUNDLE 9 1")
            }
        ),
        ("another kind", .answerMismatch(section: 0), { $0.sections[0].media = "video" }),
        ("another codec", .answerMismatch(section: 1), { $0.sections[1].replaceValues("H264", "VP8") }),
        ("unknown formats", .answerMismatch(section: 1), { $0.sections[1].formats = ["120"] }),
        ("it sends, though we do not receive", .answerMismatch(section: 1), { $0.sections[1].attributes.append(SDPAttribute("sendrecv")) }),
        ("outside the bundle", .unbundledSection(section: 1), { $0.attributes[0] = SDPAttribute("group", "BUNDLE 0") }),
        ("no bundle", .missingBundle, { $0.attributes.removeFirst() }),
        ("no rtcp-mux", .missingRTCPMux(section: 0), { $0.sections[0].attributes.removeAll { $0.name == "rtcp-mux" } }),
        ("no role", .invalidSetup, { $0.sections[0].replaceValues("active", "actpass") }),
        ("lite like us", .peerIsLite, { $0.attributes.append(SDPAttribute("ice-lite")) }),
        ("no fingerprint", .missingFingerprint, { $0.sections[0].attributes.removeAll { $0.name == "fingerprint" } }),
        (
            "nothing accepted", .nothingAccepted,
            {
                $0.attributes += [
                    SDPAttribute("ice-ufrag", "peer"), SDPAttribute("ice-pwd", "peerPasswordOf24Chars000"), SDPAttribute("setup", "active"),
                    SDPAttribute("fingerprint", "sha-256 CD" + String(repeating: ":CD", count: 31)),
                ]; $0.sections[0].port = 0; $0.sections[1].port = 0
            }
        ),
    ]

    @Test(arguments: contradictions.indices) func anAnswerThatContradictsIsRefused(_ row: Int) throws {
        let (_, error, change) = Self.contradictions[row]
        let offer = try Self.sending()
        let answer = Self.oblige(offer.offer(N.transport), change)
        #expect(throws: error) { try offer.accept(answer) }
    }

    @Test func anOfferToReceiveNamesEveryCodecOfThePolicy() throws {
        var offer = BridgeOffer(policy: NegotiationPolicy())
        try offer.receive(.video)
        try offer.receive(.audio)
        let text = offer.offer(N.transport)
        #expect(text.sections[0].payloadFormats.compactMap(\.codec) == [.h264, .vp8, .vp9, .av1, .h265])
        #expect(text.sections[1].payloadFormats.compactMap(\.codec) == [.opus, .pcmu, .pcma])
        let answer = Self.oblige(text) { answer in
            let vp9 = answer.sections[0].payloadFormats.first { $0.codec == .vp9 }
            answer.sections[0].formats = [vp9.map { "\($0.payloadType)" } ?? ""]
            answer.sections[0].attributes += [SDPAttribute("ssrc", "77 cname:x"), SDPAttribute("msid", "s t")]
        }
        let peer = try offer.accept(answer)
        #expect(peer.sections[0].format.codec == .vp9 && peer.sections[0].direction == .recvonly)
        #expect(peer.sections[0].remoteSources == [MediaSource(ssrc: 77, cname: "x")])
        #expect(peer.sections[0].streamIdentity == StreamIdentity(stream: "s", track: "t"))
        #expect(peer.publishedTracks.map(\.codec) == [.vp9, .opus])
        var policy = NegotiationPolicy()
        policy.codecs = [.opus]
        var none = BridgeOffer(policy: policy)
        #expect(throws: SDPError.nothingToReceive) { try none.receive(.video) }
    }

    /// As where the viewer offers: with AV1 only, and only to those who take both forms of headers.
    @Test func dependenciesAreOfferedWithAV1() throws {
        func video(_ codec: Codec, _ change: (inout SessionDescription) -> Void = { _ in }) throws -> NegotiatedSection {
            let offer = try Self.sending([N.video(codec)])
            return try #require(try offer.accept(Self.oblige(offer.offer(N.transport), change)).sections.first)
        }
        let descriptor = HeaderExtensionKind.dependencyDescriptor.uri
        let taken = try video(.av1)
        #expect(taken.id(of: .dependencyDescriptor) == 9 && taken.mixesExtensionForms && taken.takesSpatialLayers)
        #expect(try video(.vp9).id(of: .dependencyDescriptor) == nil)
        let unmixed = try video(.av1) { $0.attributes.removeAll { $0.name == "extmap-allow-mixed" } }
        #expect(unmixed.id(of: .dependencyDescriptor) == nil && !unmixed.mixesExtensionForms && !unmixed.takesSpatialLayers)
        let refused = try video(.av1) { $0.sections[0].attributes.removeAll { $0.value?.hasSuffix(descriptor) ?? false } }
        #expect(refused.id(of: .dependencyDescriptor) == nil && refused.mixesExtensionForms)
    }

    @Test func dependenciesAreNotOfferedWithoutTwoByteHeaders() throws {
        var policy = NegotiationPolicy()
        policy.allowsTwoByteExtensions = false
        var offer = BridgeOffer(policy: policy)
        try offer.send(N.video(.av1), source: MediaSource(ssrc: 1, rtx: 2))
        let text = offer.offer(N.transport)
        #expect(!text.attributes.contains(SDPAttribute("extmap-allow-mixed")))
        #expect(!text.values("extmap", section: 0).contains { $0.hasSuffix(HeaderExtensionKind.dependencyDescriptor.uri) })
        #expect(text.values("extmap", section: 0).count == 5)
    }

    /// A publisher may choose AV1, and describes its frames then; with another codec it does not.
    @Test func aPublisherIsOfferedDependenciesWithAV1() throws {
        var offer = BridgeOffer(policy: NegotiationPolicy())
        try offer.receive(.video)
        for (codec, id) in [(Codec.av1, UInt8(9)), (.vp8, nil)] {
            let answer = Self.oblige(offer.offer(N.transport)) { answer in
                let chosen = answer.sections[0].payloadFormats.first { $0.codec == codec }
                answer.sections[0].formats = [chosen.map { "\($0.payloadType)" } ?? ""]
            }
            #expect(try offer.accept(answer).sections.first?.id(of: .dependencyDescriptor) == id, "\(codec)")
        }
    }

    @Test func renegotiationKeepsEverySectionAndItsNumbers() throws {
        let first = try Negotiations.publish(Fixture["chromium-156-publish"].text)
        var offer = BridgeOffer(continuing: first, policy: NegotiationPolicy())
        let mid = try offer.send(N.video(.vp8), source: MediaSource(ssrc: 5, rtx: 6))
        let other = try offer.send(N.h264, source: MediaSource(ssrc: 7, rtx: 8))
        let text = offer.offer(N.transport)
        #expect(text.sections.map(\.mid) == ["0", "1", "2", mid, other])
        #expect(Set([mid, other]).isDisjoint(with: ["0", "1", "2"]))
        #expect(text.sections.map(\.isRejected) == [false, false, true, false, false])
        #expect(text.bundle == ["0", "1", mid, other])
        // VP8 keeps the number that the publisher gave it; H.264 gets new ones.
        #expect(text.sections[3].formats == text.sections[1].formats)
        #expect(Set(text.sections[4].formats).isDisjoint(with: text.sections[0].formats + text.sections[1].formats))
        let ids = text.sections.flatMap { $0.attributes.filter { $0.name == "extmap" }.compactMap(\.value) }
        #expect(Set(ids.map { $0.split(separator: " ")[0] }).count == Set(ids.map { $0.split(separator: " ")[1] }).count)
        #expect(try offer.accept(Self.oblige(text)).sections.map(\.index) == [0, 1, 3, 4])
    }

    @Test func aStoppedSectionKeepsItsPlace() throws {
        var offer = try Self.sending()
        #expect(offer.stop(mid: "0") && !offer.stop(mid: "7"))
        let text = offer.offer(N.transport)
        #expect(text.direction(of: text.sections[0]) == .inactive && text.bundle == ["0", "1"])
        #expect(try offer.accept(Self.oblige(text)).sections.map(\.direction) == [.inactive, .sendonly])
    }

    @Test func aStoppedSectionTakesAnotherTrackOfItsKind() throws {
        var offer = try Self.sending()
        let fresh = MediaSource(ssrc: 700, rtx: 701, cname: "d")
        #expect(try !offer.send(N.video(.vp8), source: fresh, in: "1"), "it flows")
        offer.stop(mid: "1")
        #expect(try !offer.send(N.audio(), source: fresh, in: "1") && !offer.send(N.video(.vp8), source: fresh, in: "7"))
        #expect(try offer.send(N.video(.vp8), source: fresh, in: "1"))
        let text = offer.offer(N.transport)
        #expect(text.sections.count == 2 && text.direction(of: text.sections[1]) == .sendonly)
        #expect(text.values("ssrc-group", section: 1) == ["FID 700 701"])
        let section = try #require(try offer.accept(Self.oblige(text)).section(mid: "1"))
        #expect(section.format.codec == .vp8 && section.localSource == fresh)
    }

    @Test func aRefusedSectionIsRepeatedAsSuch() throws {
        var offer = try Self.sending()
        #expect(offer.kind(ofSection: "1") == .video)
        offer.refuse(mid: "1")
        #expect(offer.kind(ofSection: "1") == nil && !offer.stop(mid: "1"))
        let other = try offer.send(N.video(.vp8), source: MediaSource(ssrc: 5, rtx: 6))
        let text = offer.offer(N.transport)
        #expect(text.sections.map(\.isRejected) == [false, true, false] && text.sections.map(\.mid) == ["0", "1", other])
        #expect(text.bundle == ["0", other] && other != "1")
        #expect(try SessionDescription.parse(text.print()) == text)
        #expect(try offer.accept(Self.oblige(text)).sections.map(\.mid) == ["0", other])
    }

    @Test func numbersAndSectionsRunOutWithAnError() throws {
        var offer = BridgeOffer(policy: NegotiationPolicy())
        for index in 0..<30 {
            try offer.send(
                N.video(.h264, parameters: "x-\(index)=1;packetization-mode=1;profile-level-id=4200\(10 + index)"),
                source: MediaSource(ssrc: 1))
        }
        #expect(throws: SDPError.tooManyFormats) {
            for _ in 0..<2 {
                try offer.send(N.video(.vp9, parameters: "profile-id=1"), source: MediaSource(ssrc: 1)); try offer.receive(.audio)
            }
        }
        var same = BridgeOffer(policy: NegotiationPolicy())
        for _ in 0..<SessionDescription.Limits.sections { try same.send(N.video(.vp8), source: MediaSource(ssrc: 1)) }
        #expect(throws: SDPError.tooManySections) { try same.receive(.audio) }
        #expect(Set(same.offer(N.transport).sections.map(\.formats)) == [["96", "97"]])
    }
}

extension SessionDescription {
    fileprivate mutating func setMid(_ mid: String, section: Int) {
        sections[section].attributes = sections[section].attributes.map { $0.name == "mid" ? SDPAttribute("mid", mid) : $0 }
    }
}

extension MediaSection {
    fileprivate mutating func replaceValues(_ old: String, _ new: String) {
        attributes = attributes.map { SDPAttribute($0.name, $0.value?.replacing(old, with: new)) }
    }
}
