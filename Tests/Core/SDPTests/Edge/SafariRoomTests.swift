import BridgeModel
import Testing

import SDP

/// What Safari's side of a room is: its offer of microphone, camera and screen, and its answer to what the others send.
@Suite struct SafariRoomTests {
    private typealias N = Negotiations

    /// A room's: no codecs that few browsers play, and of each participant a camera and a screen.
    private static let policy: NegotiationPolicy = {
        var policy = NegotiationPolicy()
        policy.videoSections = 2
        policy.codecs.removeAll { policy.lastResorts.contains($0) }
        return policy
    }()

    @Test(arguments: [("safari-18-room-publish", ["h", "m", "l"]), ("safari-17-room-publish", [])])
    func microphoneCameraAndScreenAreTaken(_ name: String, _ layers: [String]) throws {
        let negotiated = try N.publish(Fixture[name].text, policy: Self.policy)
        let sections = negotiated.peer.sections
        #expect(sections.map(\.mid) == ["0", "1", "2"] && sections.allSatisfy { $0.direction == .recvonly })
        #expect(sections.map(\.format.codec) == [.opus, .h264, .h264])
        #expect(negotiated.peer.publishedTracks.map(\.mid) == ["0", "1", "2"])
        // Of H.264 the form that everybody plays, though Safari prefers High.
        for video in sections.dropFirst() {
            #expect(video.format.payloadType == 98 && video.format.rtxPayloadType == 99)
            #expect(video.format.parameters["profile-level-id"] == "42e01f" && video.format.parameters["packetization-mode"] == "1")
            #expect(video.format.feedback.isSuperset(of: [.nack, .pictureLoss, .transportWide]) && video.id(of: .mid) == 4)
        }
        let camera = try #require(negotiated.peer.section(mid: "1"))
        #expect(camera.layers.map(\.rid) == layers)
        #expect(camera.remoteSources.isEmpty == !layers.isEmpty && (camera.id(of: .streamID) == 10) == !layers.isEmpty)
        // The screen has a source before it has a picture.
        let screen = try #require(negotiated.peer.section(mid: "2")?.remoteSources.first)
        #expect(screen.rtx != nil)
    }

    @Test(arguments: ["safari-18-room-publish", "safari-17-room-publish"]) func theAnswerNamesOneFormatAndTheLayers(_ name: String) throws {
        let answer = try N.publish(Fixture[name].text, policy: Self.policy).answer(N.transport)
        #expect(answer.bundle == ["0", "1", "2"] && answer.sections.allSatisfy { !$0.isRejected })
        #expect(answer.sections.map(\.formats) == [["111"], ["98", "99"], ["98", "99"]])
        #expect(answer.sections.map { answer.direction(of: $0) } == [.recvonly, .recvonly, .recvonly])
        let hasLayers = name.contains("18")
        #expect(answer.values("simulcast", section: 1) == (hasLayers ? ["recv h;m;l"] : []))
        #expect(answer.values("rid", section: 1) == (hasLayers ? ["h recv", "m recv", "l recv"] : []))
        #expect(answer.values("simulcast", section: 2).isEmpty)
    }

    /// A microphone, cameras of Safari's own kind, of VP8 and of High profile.
    private static func roomOffer() throws -> BridgeOffer {
        let high = N.video(
            .h264, parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640028",
            profile: .h264(profile: 0x64, constraints: 0, level: 40))
        var offer = BridgeOffer(policy: policy)
        for (index, track) in [N.audio(), N.h264, N.video(.vp8), high].enumerated() {
            let source = MediaSource(ssrc: 100 + UInt32(index), rtx: index > 0 ? 200 + UInt32(index) : nil, cname: "p\(index)")
            try offer.send(track, source: source)
        }
        return offer
    }

    @Test func itsAnswerSettlesWhatItPlays() throws {
        let peer = try Self.roomOffer().accept(Fixture["safari-18-room-answer"].text)
        #expect(peer.dtlsRole == .passive && peer.remote.setup == .active)
        #expect(peer.sections.map(\.mid) == ["0", "1", "2"] && peer.sections.allSatisfy { $0.direction == .sendonly })
        #expect(peer.sections.map(\.format.codec) == [.opus, .h264, .vp8])
        let cameras = peer.sections.dropFirst()
        // Retransmissions go by their own sources, packets are numbered for the estimate, and nothing else is asked for.
        #expect(
            cameras.map(\.localSource) == [MediaSource(ssrc: 101, rtx: 201, cname: "p1"), MediaSource(ssrc: 102, rtx: 202, cname: "p2")])
        for camera in cameras {
            #expect(camera.format.feedback == [.nack, .pictureLoss, .fullIntraRequest, .transportWide] && camera.usesReducedSizeRTCP)
            #expect(camera.id(of: .mid) != nil && camera.id(of: .transportSequence) != nil && camera.layers.isEmpty)
        }
    }

    /// The next description repeats what was refused as such, and goes on for the others.
    @Test func whatItRefusedStaysSo() throws {
        var offer = try Self.roomOffer()
        offer.refuse(mid: "3")
        let mid = try offer.send(N.audio(), source: MediaSource(ssrc: 300, cname: "p4"))
        let text = offer.offer(N.transport)
        #expect(
            mid == "4" && text.bundle == ["0", "1", "2", "4"] && text.sections.map(\.isRejected) == [false, false, false, true, false])
    }
}
