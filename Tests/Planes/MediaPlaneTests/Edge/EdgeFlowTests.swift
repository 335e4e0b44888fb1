import Bridge
import BridgeModel
import EdgeTesting
import LinuxIO
import MediaPlane
import RTP
import SecureTransport
import Testing

/// Media through the engine on loopback, with ICE, DTLS and SRTP on both sides.
@Suite(.serialized, .timeLimit(.minutes(1))) struct EdgeFlowTests {
    private let wholeFrame = 3

    @Test func whatAPublisherSendsAViewerGets() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewer = try stage.viewer()
        try viewer.client.connect()
        try viewer.client.pump("the cached keyframe") { viewer.client.packets.count >= 5 }
        for _ in 0..<10 { try source.sendFrame(by: publisher.client) }
        try viewer.client.pump("live packets") { viewer.client.packets.count >= 35 }
        let headers = viewer.client.headers
        #expect(headers.allSatisfy { $0.ssrc == EdgeSections.viewerSSRC && $0.payloadType == 96 })
        #expect(zip(headers, headers.dropFirst()).allSatisfy { $1.sequence == $0.sequence &+ 1 })
        // The payload is the publisher's, byte for byte.
        #expect(
            viewer.client.packets.map { $0.last } == [UInt8](repeating: 1, count: 5) + (2...11).flatMap { [UInt8](repeating: $0, count: 3) }
        )
    }

    @Test func aViewerNeitherGetsPaddingNorWaitsForIt() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewer = try stage.viewer()
        try viewer.client.connect()
        try viewer.client.pump("the cached keyframe") { viewer.client.packets.count >= 5 }
        for _ in 0..<3 {
            try source.sendFrame(by: publisher.client)
            for _ in 0..<4 { try publisher.client.send(rtp: source.nextPadding()) }
        }
        try source.sendFrame(by: publisher.client)
        try viewer.client.pump("every frame") { viewer.client.packets.count >= 17 }
        let headers = viewer.client.headers
        #expect(zip(headers, headers.dropFirst()).allSatisfy { $1.sequence == $0.sequence &+ 1 }, "\(headers.map(\.sequence))")
        #expect(viewer.client.packets.map { $0.last } == [1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5])
    }

    /// A browser sends its first keyframe while the bridge still asks whether the stream may be published.
    @Test func whatAPublisherSendsBeforeItIsLetInComesFirst() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try stage.publisher()
        try publisher.client.connect()
        let before = await stage.engine.totals().datagramsIn
        try source.sendFrame(by: publisher.client, keyframe: true)
        try source.sendFrame(by: publisher.client)
        let deadline = ContinuousClock.now + .seconds(5)
        while await stage.engine.totals().datagramsIn < before + 6, .now < deadline { try await Task.sleep(for: .milliseconds(5)) }
        #expect(await stage.hub.totals().streams == 0)
        stage.engine.publish(publisher.id)
        #expect(await waitForPackets(6, in: stage.hub))
        let viewer = try stage.viewer()
        try viewer.client.connect()
        try source.sendFrame(by: publisher.client)
        try viewer.client.pump("all three frames") { viewer.client.packets.count >= 9 }
        #expect(await stage.hub.statistics(of: EdgeStage.stream)?.tracks.first?.keyframes == 1)
    }

    /// A second keyframe costs a browser that has just begun the frames of about half a second.
    @Test(arguments: [true, false])
    func aKeyframeIsAskedForOnlyWhenNoneCameBeforeThePublisherWasLetIn(keyframe: Bool) async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try stage.publisher()
        try publisher.client.connect()
        let before = await stage.engine.totals().datagramsIn
        try source.sendFrame(by: publisher.client, keyframe: keyframe)
        let deadline = ContinuousClock.now + .seconds(5)
        while await stage.engine.totals().datagramsIn < before + 3, .now < deadline { try await Task.sleep(for: .milliseconds(5)) }
        stage.engine.publish(publisher.id)
        #expect(await waitForPackets(3, in: stage.hub))
        let asked = await stage.hub.totals().keyframeRequestsOut
        #expect(asked == (keyframe ? 0 : 1), "\(asked) requests")
    }

    @Test func whatFindsNoRoomBeforeAPublisherIsLetInIsCounted() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try stage.publisher()
        try publisher.client.connect()
        var size = 0
        var sent = 0
        while sent * size <= 512 * 1024 {
            // Few at a time, so that none is lost in front of the bridge.
            let before = await stage.engine.totals().datagramsIn
            let packets = source.nextFrame(keyframe: sent == 0, packets: 30)
            for packet in packets { try publisher.client.send(rtp: packet) }
            size = packets[0].count
            sent += packets.count
            let deadline = ContinuousClock.now + .seconds(5)
            while await stage.engine.totals().datagramsIn < before + 30, .now < deadline { try await Task.sleep(for: .milliseconds(2)) }
        }
        let kept = 512 * 1024 / size
        stage.engine.publish(publisher.id)
        #expect(await waitForPackets(UInt64(kept), in: stage.hub))
        stage.engine.close(publisher.id)
        let told = await publisher.allEvents().filter { $0 == .earlyMediaDropped(packets: sent - kept) }
        #expect(sent > kept && told.count == 1, "\(sent) sent, \(kept) kept")
    }

    @Test func childrenAndPeersShareAStream() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let sink = try ChildSocket()
        stage.hub.subscribe(PipelineID("recorder"), to: EdgeStage.stream, tracks: [0], sinks: [sink.hubEnd], timing: .live)
        let viewer = try stage.viewer()
        try viewer.client.connect()
        try source.sendFrame(by: publisher.client)
        #expect(sink.receive(count: 8).compactMap(\.header).count == 8)
        try viewer.client.pump("the same packets") { viewer.client.packets.count >= 8 }
        let statistics = try #require(await stage.hub.statistics(of: EdgeStage.stream))
        #expect(statistics.subscribers == 2)
        #expect(statistics.tracks.first?.packets == 8 && statistics.tracks.first?.keyframes == 1)
    }

    @Test func aViewerOfAChildsStreamGetsIt() throws {
        let stage = try EdgeStage()
        let child = try Publisher()
        child.publish(on: stage.hub, as: EdgeStage.stream)
        child.sendFrame(keyframe: true, packets: 4, size: 900)
        let viewer = try stage.viewer()
        try viewer.client.connect()
        try viewer.client.pump("the child's keyframe") { viewer.client.packets.count >= 4 }
        #expect(viewer.client.headers.last?.marker == true)
        for number in 1...10 {
            child.sendFrame(keyframe: false, packets: 2)
            try viewer.client.pump("live packets") { viewer.client.packets.count >= 4 + 2 * number }
        }
    }

    @Test func aLostPacketIsAskedForAndComesAsRetransmission() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewer = try stage.viewer()
        try viewer.client.connect()
        try viewer.client.pump("the keyframe") { viewer.client.packets.count >= 5 }
        let lost = viewer.client.headers[2]
        try viewer.client.send(rtcp: Feedback.nack(lost.sequence, of: EdgeSections.viewerSSRC))
        try viewer.client.pump("the retransmission") { viewer.client.headers.contains { $0.ssrc == EdgeSections.viewerRTX } }
        let retransmission = try #require(viewer.client.headers.firstIndex { $0.ssrc == EdgeSections.viewerRTX })
        // RFC 4588 section 4: the original sequence number stands before the payload.
        let bytes = viewer.client.packets[retransmission]
        #expect(bytes[1] & 0x7F == 97)
        #expect(Array(bytes[12..<14]) == [UInt8(lost.sequence >> 8), UInt8(lost.sequence & 0xFF)])
        #expect(Array(bytes[14...]) == Array(viewer.client.packets[2][12...]))
        withExtendedLifetime(publisher) {}
    }

    @Test func thePublisherIsAskedForWhatTheNetworkLost() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        _ = source.nextFrame(keyframe: false)
        try source.sendFrame(by: publisher.client)
        try publisher.client.pump("a NACK") {
            publisher.client.receivedControl(of: RTCPPacketView.PacketType.transportFeedback, format: 1) > 0
        }
    }

    @Test func aViewersKeyframeRequestReachesThePublisherOnce() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewers = try (0..<5).map { _ in try stage.viewer() }
        for viewer in viewers {
            try viewer.client.connect()
            try viewer.client.pump("the keyframe") { viewer.client.packets.count >= 5 }
        }
        func requests() -> Int { publisher.client.receivedControl(of: RTCPPacketView.PacketType.payloadFeedback, format: 1) }
        let before = requests()
        for viewer in viewers { try viewer.client.send(rtcp: Feedback.pictureLoss(of: EdgeSections.viewerSSRC)) }
        try publisher.client.pump("a PLI") { requests() > before }
        for viewer in viewers {
            var asked: UInt64 = 0
            let deadline = ContinuousClock.now + .seconds(5)
            while asked == 0, ContinuousClock.now < deadline {
                asked = await stage.engine.statistics(of: viewer.id)?.keyframeRequests ?? 0
            }
            #expect(asked == 1)
        }
        publisher.client.receive(wait: 0)
        #expect(requests() == before + 1)
    }

    /// The kernel gives a flow to any worker's socket: of twelve viewers some reach another worker than their stream's.
    @Test func peersAreServedWhicheverWorkersSocketTheyReach() async throws {
        let stage = try EdgeStage(workers: 3)
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewers = try (0..<12).map { _ in try stage.viewer() }
        for viewer in viewers {
            try viewer.client.connect()
            try viewer.client.pump("the keyframe") { viewer.client.packets.count >= 5 }
        }
        try source.sendFrame(by: publisher.client)
        for viewer in viewers {
            try viewer.client.pump("live packets") { viewer.client.packets.count >= 8 }
            try viewer.client.send(rtcp: Feedback.nack(viewer.client.headers[0].sequence, of: EdgeSections.viewerSSRC))
            try viewer.client.pump("the retransmission") { viewer.client.headers.contains { $0.ssrc == EdgeSections.viewerRTX } }
        }
        #expect(await stage.engine.totals().peers == 13)
        for viewer in viewers { stage.engine.close(viewer.id) }
        for viewer in viewers { #expect(await viewer.allEvents().last == .ended(nil)) }
        #expect(await stage.engine.totals().peers == 1)
    }

    @Test func aFrameReachesManyViewersWholeAndWithFewCalls() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewers = try (0..<20).map { _ in try stage.viewer() }
        for viewer in viewers {
            try viewer.client.connect()
            try viewer.client.pump("the keyframe") { viewer.client.packets.count >= 5 }
        }
        let before = await stage.engine.totals()
        for _ in 0..<10 {
            // Packet by packet, as a pacing publisher sends.
            for packet in source.nextFrame(keyframe: false, packets: 4) { try publisher.client.send(rtp: packet) }
        }
        for viewer in viewers { try viewer.client.pump("ten frames") { viewer.client.packets.count >= 45 } }
        let after = await stage.engine.totals()
        #expect(after.datagramsOut - before.datagramsOut >= 800)
        // A call for each packet and viewer would be 800.
        #expect(after.sends - before.sends < 200)
    }

    @Test func reportsReachBothSides() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        var report = [UInt8](repeating: 0, count: SenderReportView.size)
        report.withUnsafeMutableBytes { SenderReportView(ssrc: source.ssrc, ntp: 7 << 32, rtp: 3000).write(to: $0) }
        try publisher.client.send(rtcp: report)
        let viewer = try stage.viewer()
        try viewer.client.connect()
        try viewer.client.pump("a sender report") { viewer.client.receivedControl(of: RTCPPacketView.PacketType.senderReport) > 0 }
        try publisher.client.pump("a receiver report") {
            publisher.client.receivedControl(of: RTCPPacketView.PacketType.receiverReport) > 0
        }
    }

    @Test func mediaFlowsOverALossyHandshake() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewer = try stage.viewer()
        var seen = 0
        viewer.client.loses = { kind in
            guard kind == .dtls else { return false }
            seen += 1
            return seen % 2 == 1
        }
        try viewer.client.connect()
        viewer.client.loses = { _ in false }
        // What was sent before the last flight came again could not be read.
        try source.sendFrame(by: publisher.client, keyframe: true)
        try viewer.client.pump("media") { viewer.client.packets.count >= 3 }
        #expect(seen > 1)
    }

    @Test func aPublisherThatComesBackContinuesItsStream() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewer = try stage.viewer()
        try viewer.client.connect()
        try viewer.client.pump("the keyframe") { viewer.client.packets.count >= 5 }
        publisher.client.close()
        #expect(await publisher.allEvents().last == .ended(BridgeError(.connectionLost, "the peer's transport ended")))
        var second = VP8Source(ssrc: 0xBEEF)
        let successor = try await stage.publish(&second)
        try viewer.client.pump("the successor's keyframe") { viewer.client.packets.count >= 10 }
        let headers = viewer.client.headers
        #expect(Set(headers.map(\.ssrc)) == [EdgeSections.viewerSSRC])
        #expect(zip(headers, headers.dropFirst()).allSatisfy { $1.sequence == $0.sequence &+ 1 })
        withExtendedLifetime(successor) {}
    }
}
