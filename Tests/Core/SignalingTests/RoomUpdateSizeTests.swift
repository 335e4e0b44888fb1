import Bridge
import BridgeModel
import SDP
import Signaling
import Testing

/// What a participant is sent of the others is one whole description each time: how long the frame is that tells of a joiner, and how it grows.
@Suite struct RoomUpdateSizeTests {
    /// What one more track may add to the frame: a section of some thirty short lines, of which each is told with its end in four bytes, and its name.
    private static let bytesOfTrack = 1500
    /// What a browser's answer has beside what it repeats: host candidates of its own, its names for codecs.
    private static let browsersShare = 1.25
    /// As many tracks as one description has room for.
    private static let most = SessionDescription.Limits.sections
    private static let socketLimit = HTTPSettings().webSocketMessageBytes

    private static let policy: NegotiationPolicy = {
        var policy = NegotiationPolicy()
        policy.videoSections = 2
        policy.codecs.removeAll { policy.lastResorts.contains($0) }
        return policy
    }()

    /// As the edge has it on a machine with two families of addresses.
    private static let transport = LocalTransport(
        ufrag: "w1x9Kq3z", password: Redacted("bridgePasswordOf24Chars0"),
        fingerprints: [Fingerprint(algorithm: "sha-256", value: "CD" + String(repeating: ":CD", count: 31))],
        candidates: [
            LocalCandidate(address: "192.168.100.100", port: 58189),
            LocalCandidate(address: "2001:db8:1234:5678:9abc:def0:1234:5678", port: 58189),
            LocalCandidate(address: "192.168.100.100", port: 58189, transport: .tcpPassive),
        ], session: (id: 9_007_199_254_740_991, version: 1000))

    /// The tracks of people who each send a microphone and a camera, by H.264: no section of a room is longer.
    private static func source(_ number: Int) -> SubscriberSections.Source {
        let isVideo = !number.isMultiple(of: 2)
        let description =
            isVideo
            ? TrackDescription(
                index: 1, codec: .h264, payloadType: 102,
                formatParameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", mid: "1")
            : TrackDescription(
                index: 0, codec: .opus, payloadType: 111, channels: 2, formatParameters: "minptime=10;useinbandfec=1", mid: "0")
        let identity = StreamIdentity(stream: "p\(1000 + number / 2)", track: "t\(1000 + number)")
        return SubscriberSections.Source(OfferedTrack(description, identity: identity), of: StreamID("room-peer"))
    }

    private struct Subscriber {
        var sections = SubscriberSections(policy: RoomUpdateSizeTests.policy)
        private var random = SystemRandomNumberGenerator()
        private(set) var sdp = ""
        private(set) var frame = 0
        private var last = 0

        /// A further track is offered, and answered by a browser that goes along; false when there is no room for it.
        mutating func add() throws -> Bool {
            sections.add(RoomTrackID("t\(1000 + last)"), from: RoomUpdateSizeTests.source(last))
            last += 1
            return try offer()
        }

        mutating func remove(_ number: Int) throws {
            _ = sections.remove(RoomTrackID("t\(1000 + number)"))
            _ = try offer()
        }

        private mutating func offer() throws -> Bool {
            guard let offer = sections.offer(using: &random) else { return false }
            sdp = offer.offer(RoomUpdateSizeTests.transport).print()
            frame = RoomMessage.offer(sdp, tracks: sections.tracks).text.utf8.count
            _ = try sections.accept(RoomUpdateSizeTests.answer(to: sdp))
            return true
        }
    }

    /// Of a browser that goes along.
    private static func answer(to offer: String) -> String {
        let lines = offer.split(separator: "\r\n").filter { $0 != "a=ice-lite" }.map { line in
            switch line {
            case "a=sendonly": "a=recvonly"
            case "a=setup:actpass": "a=setup:active"
            default: line.hasPrefix("a=ice-ufrag:") ? "a=ice-ufrag:peer" : String(line)
            }
        }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    @Test func eachTrackAddsItsSectionAndNoMore() throws {
        var subscriber = Subscriber()
        var former = 0
        for number in 1...Self.most {
            #expect(try subscriber.add())
            #expect(subscriber.frame - former <= Self.bytesOfTrack, "track \(number): \(subscriber.frame - former) bytes more")
            former = subscriber.frame
        }
        #expect(try !subscriber.add(), "there is no room for another one")
    }

    /// The longest update, and the answer to it, which comes by the same socket.
    @Test func aFullDescriptionFitsTheSocketAndItsReader() throws {
        var subscriber = Subscriber()
        for _ in 0..<Self.most { _ = try subscriber.add() }
        #expect(subscriber.frame <= Self.most * Self.bytesOfTrack && subscriber.frame < Self.socketLimit)
        let answered = Double(subscriber.sdp.utf8.count) * Self.browsersShare
        #expect(answered < Double(SessionDescription.Limits.bytes), "\(subscriber.sdp.utf8.count) bytes are offered")
    }

    /// Hours of coming and going: sections of those who left are taken by those who come.
    @Test func whoComesTakesTheRoomOfWhoLeft() throws {
        var subscriber = Subscriber()
        for _ in 0..<8 { _ = try subscriber.add() }
        let (sections, frame) = (subscriber.sections.tracks.count, subscriber.frame)
        for number in 0..<100 {
            try subscriber.remove(number)
            #expect(try subscriber.add())
        }
        #expect(subscriber.sections.tracks.count == sections)
        // One more of either kind at most: a section is free for another track when the peer has agreed to that.
        #expect(subscriber.frame <= frame + 2 * Self.bytesOfTrack, "\(frame) bytes became \(subscriber.frame)")
    }
}
