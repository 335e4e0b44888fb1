import Bridge
import BridgeModel
import EdgeTesting
import MediaPlane
import RTP
import SDP
import Testing

/// A peer that is sent tracks of several streams over one transport, through the engine on loopback.
@Suite(.serialized) final class EdgeSubscriberTests {
    private let stage: EdgeStage
    private var senders: [Sender] = []

    /// A publisher of a stream of its own.
    private final class Sender {
        let guest: EdgeGuest
        let stream: StreamID
        var source: VP8Source

        init(_ guest: EdgeGuest, _ stream: StreamID, ssrc: UInt32) {
            self.guest = guest
            self.stream = stream
            source = VP8Source(ssrc: ssrc)
        }

        func sendFrame(keyframe: Bool = false) throws { try source.sendFrame(by: guest.client, keyframe: keyframe) }

        var pictureLosses: Int {
            guest.client.receive(wait: 0)
            return guest.client.receivedControl(of: RTCPPacketView.PacketType.payloadFeedback, format: 1)
        }
    }

    /// Two publishers whose streams live on different workers.
    init() async throws {
        stage = try EdgeStage(workers: 2)
        try await addSender(on: 0)
        try await addSender(on: 1)
    }

    private static let transportSequence: UInt8 = 5

    private func addSender(on worker: Int) async throws {
        let count = senders.count
        for number in 0..<64 {
            let stream = StreamID("\(number)-room-\(count)")
            let guest = try stage.open(.publish(stream), sections: [EdgeSections.video(.vp8, .recvonly)])
            guard guest.worker == worker else {
                stage.engine.close(guest.id)
                continue
            }
            try guest.client.connect()
            stage.engine.publish(guest.id)
            let sender = Sender(guest, stream, ssrc: 0xA0 + UInt32(count))
            senders.append(sender)
            try sender.sendFrame(keyframe: true)
            #expect(await sees(sender, packets: 3))
            return
        }
        throw EdgeClient.Failure.timedOut("a stream for worker \(worker)")
    }

    /// Waits until so many packets of a publisher's have reached the bridge.
    private func sees(_ sender: Sender, packets: UInt64) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if await stage.engine.statistics(of: sender.guest.id)?.packetsIn ?? 0 >= packets { return true }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return false
    }

    private func ssrc(_ number: Int) -> UInt32 { 0x1000 * UInt32(number + 1) }

    private func section(_ number: Int) -> NegotiatedSection {
        let extensions = [NegotiatedExtension(id: Self.transportSequence, kind: .transportSequence)]
        var section = EdgeSections.video(.vp8, .sendonly, extensions: extensions)
        section.mid = "\(number)"
        section.index = number
        section.localSource = MediaSource(ssrc: ssrc(number), rtx: ssrc(number) + 1, cname: "p\(number)")
        return section
    }

    private func attach(_ number: Int, to peer: EdgeGuest) {
        stage.engine.attach(EdgeSection(section(number), of: senders[number].stream), to: peer.id)
    }

    /// A connected peer with what the first publishers have sent.
    private func subscriber() throws -> EdgeGuest {
        let peer = try stage.open(.subscribe, sections: senders.indices.map(section))
        for number in senders.indices { attach(number, to: peer) }
        try peer.client.connect()
        for number in senders.indices { try wait(peer, number, for: 3, "the cached keyframe of \(number)") }
        return peer
    }

    private func headers(_ peer: EdgeGuest, _ number: Int) -> [RTPHeader] { peer.client.headers.filter { $0.ssrc == ssrc(number) } }

    private func wait(_ peer: EdgeGuest, _ number: Int, for count: Int, _ what: String) throws {
        try peer.client.pump(within: .seconds(30), what) { headers(peer, number).count >= count }
    }

    private func isWhole(_ headers: [RTPHeader]) -> Bool {
        zip(headers, headers.dropFirst()).allSatisfy { $1.sequence == $0.sequence &+ 1 }
    }

    /// Its transport-wide numbers, in order of arrival.
    private func transportNumbers(_ peer: EdgeGuest) -> [UInt16] {
        peer.client.packets.flatMap { bytes in
            bytes.withUnsafeBytes { buffer -> [UInt16] in
                guard let packet = RTPPacketView(reading: buffer) else { return [] }
                var numbers: [UInt16] = []
                for element in HeaderExtensionElements(packet) where element.identifier == Self.transportSequence {
                    numbers.append(UInt16(element.value[0]) << 8 | UInt16(element.value[1]))
                }
                return numbers
            }
        }
    }

    @Test func oneTransportCarriesStreamsOfBothWorkers() async throws {
        let peer = try subscriber()
        for _ in 0..<10 { for sender in senders { try sender.sendFrame() } }
        for number in 0..<2 {
            try wait(peer, number, for: 33, "frames of \(number)")
            #expect(isWhole(headers(peer, number)))
        }
        let numbers = transportNumbers(peer)
        #expect(numbers.count == peer.client.packets.count && zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
        #expect(await stage.engine.totals().viewers == 1)
        #expect(try await #require(stage.engine.statistics(of: peer.id)).packetsOut >= 66)
    }

    @Test func aThirdJoinsWhileTheOthersFlow() async throws {
        let peer = try subscriber()
        try await addSender(on: 0)
        for _ in 0..<5 { try senders[0].sendFrame() }
        attach(2, to: peer)
        for _ in 0..<5 { try senders[0].sendFrame() }
        try wait(peer, 2, for: 3, "the third's keyframe")
        try wait(peer, 0, for: 33, "the first's frames")
        #expect(isWhole(headers(peer, 0)) && isWhole(headers(peer, 2)))
    }

    @Test func aStreamThatEndsTakesItsOwnSectionAndNothingElse() async throws {
        for ended in 0..<2 {
            let peer = try subscriber()
            let others = 1 - ended
            stage.hub.unpublish(senders[ended].stream, source: .peer(senders[ended].guest.id))
            let before = headers(peer, others).count
            for _ in 0..<5 { try senders[others].sendFrame() }
            try wait(peer, others, for: before + 15, "what follows of \(others)")
            #expect(await stage.engine.statistics(of: peer.id) != nil, "the peer itself lives on")
            // For the next round.
            stage.engine.close(peer.id)
            #expect(await peer.allEvents().last == .ended(nil))
            stage.engine.close(senders[ended].guest.id)
            guard ended == 0 else { return }
            let former = senders[1]
            senders = []
            try await addSender(on: 0)
            senders.append(former)
        }
    }

    @Test func aTrackThatIsNotLetThroughGoesToNobodyAndComesBackWithAKeyframe() async throws {
        let peer = try subscriber()
        let sender = senders[1]
        let asked = sender.pictureLosses
        stage.engine.forward(0, of: sender.guest.id, false)
        let before = try #require(await stage.engine.statistics(of: sender.guest.id)).packetsIn
        for _ in 0..<5 { try sender.sendFrame(keyframe: true) }
        #expect(await sees(sender, packets: before + 15))
        for _ in 0..<5 { try senders[0].sendFrame() }
        try wait(peer, 0, for: 18, "the other's frames")
        #expect(headers(peer, 1).count == 3, "nothing of what came meanwhile")
        stage.engine.forward(0, of: sender.guest.id, true)
        try sender.guest.client.pump("a PLI") { sender.pictureLosses > asked }
        // A frame that nobody could decode, and then the keyframe.
        try sender.sendFrame()
        try sender.sendFrame(keyframe: true)
        try wait(peer, 1, for: 6, "the keyframe")
        #expect(isWhole(headers(peer, 1)))
        let frames = peer.client.packets.filter { $0.withUnsafeBytes { RTPPacketView(reading: $0)?.ssrc } == ssrc(1) }.map(\.last)
        #expect(frames == [1, 1, 1, 8, 8, 8])
    }

    @Test func aPausedSectionRestsAndGoesOnWithAKeyframe() async throws {
        let peer = try subscriber()
        stage.engine.bound("0", of: peer.id, by: SectionBounds(isPaused: true))
        _ = await stage.engine.statistics(of: peer.id)
        for _ in 0..<5 { for sender in senders { try sender.sendFrame() } }
        try wait(peer, 1, for: 18, "the other's frames")
        #expect(headers(peer, 0).count == 3)
        stage.engine.bound("0", of: peer.id, by: SectionBounds())
        _ = await stage.engine.statistics(of: peer.id)
        try senders[0].sendFrame(keyframe: true)
        let newest = UInt8(truncatingIfNeeded: senders[0].source.frames)
        try peer.client.pump(within: .seconds(30), "the keyframe") {
            peer.client.packets.contains { $0.last == newest && $0.withUnsafeBytes { RTPPacketView(reading: $0)?.ssrc } == ssrc(0) }
        }
        #expect(isWhole(headers(peer, 0)))
    }

    @Test func lostPacketsComeAgainInTheirOwnSection() throws {
        let peer = try subscriber()
        for number in 0..<2 {
            try peer.client.send(rtcp: Feedback.nack(headers(peer, number)[1].sequence, of: ssrc(number)))
            try peer.client.pump("the retransmission of \(number)") { peer.client.headers.contains { $0.ssrc == ssrc(number) + 1 } }
        }
    }

    @Test func aSectionMayBeLetGoAndAnotherTakesItsPlace() async throws {
        let peer = try subscriber()
        stage.engine.detach("0", from: peer.id)
        _ = await stage.engine.statistics(of: peer.id)
        for _ in 0..<5 { for sender in senders { try sender.sendFrame() } }
        try wait(peer, 1, for: 18, "the other's frames")
        #expect(headers(peer, 0).count == 3)
        var section = section(2)
        section.mid = "0"
        stage.engine.attach(EdgeSection(section, of: senders[1].stream), to: peer.id)
        try wait(peer, 2, for: 3, "the other track in its place")
    }

    /// A new peer that publishes the stream of a sender.
    private func successor(of sender: Sender) throws -> EdgeGuest {
        let guest = try stage.open(.publish(sender.stream), sections: [EdgeSections.video(.vp8, .recvonly)])
        try guest.client.connect()
        return guest
    }

    @Test func aPublisherThatComesAnewGoesOnInTheSameSections() async throws {
        let peer = try subscriber()
        stage.engine.close(senders[1].guest.id)
        #expect(await senders[1].guest.allEvents().last == .ended(nil))
        let guest = try successor(of: senders[1])
        // Muted before it is let in: nothing of what it sent early.
        stage.engine.forward(0, of: guest.id, false)
        stage.engine.publish(guest.id)
        var source = VP8Source(ssrc: 0xEE)
        for _ in 0..<3 { try source.sendFrame(by: guest.client, keyframe: true) }
        let sender = Sender(guest, senders[1].stream, ssrc: 0xEE)
        #expect(await sees(sender, packets: 9))
        for _ in 0..<5 { try senders[0].sendFrame() }
        try wait(peer, 0, for: 18, "the other's frames")
        #expect(headers(peer, 1).count == 3)
        stage.engine.forward(0, of: guest.id, true)
        _ = await stage.engine.statistics(of: guest.id)
        try source.sendFrame(by: guest.client, keyframe: true)
        try wait(peer, 1, for: 6, "the successor's keyframe")
        #expect(isWhole(headers(peer, 1)))
    }

    private static let opus = NegotiatedFormat(
        codec: .opus, payloadType: 111, channels: 2, parameters: FormatParameters(""), feedback: [])

    @Test func soundAndPictureOfOneStreamAreSectionsOfTheirOwn() async throws {
        var audio = NegotiatedSection(mid: "1", index: 1, direction: .recvonly, format: Self.opus)
        let stream = StreamID("sound and picture")
        let guest = try stage.open(.publish(stream), sections: [EdgeSections.video(.vp8, .recvonly), audio])
        try guest.client.connect()
        stage.engine.publish(guest.id)
        _ = await stage.engine.statistics(of: guest.id)
        audio.direction = .sendonly
        audio.trackIndex = 1
        audio.localSource = MediaSource(ssrc: ssrc(1), cname: "p0")
        let peer = try stage.open(.subscribe, sections: [section(0), audio])
        for section in [section(0), audio] { stage.engine.attach(EdgeSection(section, of: stream), to: peer.id) }
        try peer.client.connect()
        _ = await stage.engine.statistics(of: peer.id)
        var video = VP8Source(ssrc: 0xA)
        func send(_ numbers: Range<UInt16>) throws {
            for number in numbers {
                try video.sendFrame(by: guest.client, keyframe: number == 0)
                let header = RTPHeader(payloadType: 111, sequence: number, timestamp: UInt32(number) * 960, ssrc: 0xB)
                try guest.client.send(rtp: Publisher.packet(header, [UInt8(number)]))
            }
        }
        try send(0..<5)
        try wait(peer, 0, for: 15, "pictures")
        try wait(peer, 1, for: 5, "sounds")
        stage.engine.forward(1, of: guest.id, false)
        _ = await stage.engine.statistics(of: guest.id)
        try send(5..<10)
        try wait(peer, 0, for: 30, "pictures of one who is mute")
        #expect(headers(peer, 1).count == 5)
        stage.engine.forward(1, of: guest.id, true)
        _ = await stage.engine.statistics(of: guest.id)
        try send(10..<12)
        try wait(peer, 1, for: 7, "sounds")
        #expect(isWhole(headers(peer, 1)))
        let sounds = peer.client.packets.filter { $0.withUnsafeBytes { RTPPacketView(reading: $0)?.ssrc } == ssrc(1) }.map(\.last)
        #expect(sounds == [0, 1, 2, 3, 4, 10, 11])
    }

    @Test func loudnessIsToldToWhoAsked() async throws {
        let extensions = [NegotiatedExtension(id: 1, kind: .audioLevel)]
        var audio = NegotiatedSection(mid: "0", index: 0, direction: .recvonly, format: Self.opus)
        audio.extensions = extensions
        let guest = try stage.open(.publish(StreamID("voice")), sections: [audio])
        stage.engine.reportLevels(of: guest.id)
        try guest.client.connect()
        stage.engine.publish(guest.id)
        _ = await stage.engine.statistics(of: guest.id)
        // One-byte extensions (RFC 8285 section 4.2): voice at -30 dBov.
        var header = [UInt8](repeating: 0, count: 12)
        header.withUnsafeMutableBytes {
            RTPHeader(payloadType: 111, sequence: 1, timestamp: 960, ssrc: 0xE).write(to: $0)
        }
        header[0] |= 0x10
        try guest.client.send(rtp: header + [0xBE, 0xDE, 0, 1, 0x10, 0x80 | 30, 0, 0] + [1, 2, 3], headerSize: 20)
        for await event in guest.events {
            guard case .levels(let levels) = event else { continue }
            #expect(levels == [TrackLevel(track: 0, level: 30)])
            return
        }
        Issue.record("nothing was told")
    }
}
