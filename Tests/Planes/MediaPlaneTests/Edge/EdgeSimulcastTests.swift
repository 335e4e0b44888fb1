import Bridge
import BridgeModel
import EdgeTesting
import MediaPlane
import RTP
import SDP
import Testing

/// Simulcast through the engine on loopback: a publisher of two encodings, told apart by SSRC.
@Suite(.serialized) final class EdgeSimulcastTests {
    private let stage: EdgeStage
    private let publisher: EdgeGuest
    private var small = VP8Source(ssrc: 0x51, side: 240)
    private var large = VP8Source(ssrc: 0x52, side: 480)

    init() async throws {
        stage = try EdgeStage.spreading()
        var video = EdgeSections.video(.vp8, .recvonly)
        video.remoteSources = [MediaSource(ssrc: 0x51), MediaSource(ssrc: 0x52)]
        publisher = try stage.open(.publish(EdgeStage.stream), sections: [video])
        try publisher.client.connect()
        stage.engine.publish(publisher.id)
        _ = await stage.engine.statistics(of: publisher.id)
    }

    /// A frame of both: one packet of the small encoding, three of the large one.
    private func sendFrame(keyframe: Set<UInt32> = []) throws {
        try small.sendFrame(by: publisher.client, keyframe: keyframe.contains(0x51), packets: 1)
        try large.sendFrame(by: publisher.client, keyframe: keyframe.contains(0x52), packets: 3)
    }

    /// SSRCs that the publisher was asked for keyframes of.
    private func asked() -> Set<UInt32> {
        publisher.client.receive(wait: 0)
        var found: Set<UInt32> = []
        for compound in publisher.client.controls {
            compound.withUnsafeBytes { bytes in
                for packet in RTCPCompound(bytes) {
                    if case .feedback(.pictureLossIndication(let media))? = RTCPMessage(packet) { found.insert(media) }
                }
            }
        }
        return found
    }

    /// Sends frames until `isDone`, which looks at what came.
    private func send(_ what: String, keyframe: Set<UInt32> = [], until isDone: () -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while !isDone() {
            guard ContinuousClock.now < deadline else {
                Issue.record("\(what) did not come")
                return
            }
            try sendFrame(keyframe: keyframe)
            publisher.client.receive(wait: 20)
        }
    }

    @Test func aTrackIsCountedOnceWithItsEncodings() async throws {
        for _ in 0..<5 { try sendFrame(keyframe: [0x51, 0x52]) }
        let isIn = await waitForPackets(20, in: stage.hub)
        #expect(isIn)
        let statistics = try #require(await stage.hub.statistics(of: EdgeStage.stream))
        #expect(statistics.tracks.count == 1)
        #expect(statistics.tracks[0].packets == 20 && statistics.tracks[0].keyframes == 10)
        #expect(statistics.tracks[0].encodings.map(\.rid) == ["0", "1"])
    }

    /// A recorder that is behind takes in the rest of a stream that is over.
    @Test func aStreamThatIsOverIsReadToItsEnd() async throws {
        let sink = try ChildSocket()
        stage.hub.subscribe(PipelineID("recorder"), to: EdgeStage.stream, tracks: [0], sinks: [sink.hubEnd], timing: .live)
        for _ in 0..<200 { try sendFrame(keyframe: [0x51, 0x52]) }
        let isIn = await waitForPackets(800, in: stage.hub)
        #expect(isIn)
        stage.hub.unpublish(EdgeStage.stream, source: .peer(publisher.id))
        #expect(await stage.hub.statistics(of: EdgeStage.stream)?.tracks.isEmpty ?? true)
        // Where it begins depends on how much of it the hub finds at once: a live recorder gets the newest keyframe and what follows it.
        var received: [Received] = []
        while let next = sink.receive(), next.datagram.kind != .end { received.append(next) }
        #expect(received.last?.payload.last == 200, "the last frame, \(received.count) packets in all")
        let sequences = received.compactMap(\.header).map(\.sequence)
        #expect(zip(sequences, sequences.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
    }

    @Test(arguments: [false, true])
    func aChoiceAsksTheRightEncodingForAKeyframeAndIsSent(onOtherWorker: Bool) async throws {
        try sendFrame(keyframe: [0x51, 0x52])
        // It takes the place on the stream's home worker.
        let first = onOtherWorker ? try stage.viewer() : nil
        let viewer = try stage.viewer()
        #expect((viewer.worker != publisher.worker) == onOtherWorker)
        stage.engine.limit(viewer.id, to: LayerBounds(encodings: 0...0), ofTrack: 0)
        try viewer.client.connect()
        try send("the small encoding's keyframe request") { asked().contains(0x51) }
        // A packet of 1,000 bytes with the marker is a whole frame of the small encoding.
        func isSmall(_ headers: ArraySlice<RTPHeader>) -> Bool { !headers.isEmpty && headers.allSatisfy(\.marker) }
        try send("the small encoding", keyframe: [0x51]) {
            viewer.client.receive(wait: 0)
            return isSmall(viewer.client.headers.suffix(4))
        }
        stage.engine.limit(viewer.id, to: LayerBounds(encodings: 1...1), ofTrack: 0)
        try send("the large encoding", keyframe: [0x51, 0x52]) {
            viewer.client.receive(wait: 0)
            return viewer.client.headers.suffix(6).contains { !$0.marker }
        }
        let headers = viewer.client.headers.filter { $0.ssrc == EdgeSections.viewerSSRC }
        #expect(zip(headers, headers.dropFirst()).allSatisfy { $1.sequence == $0.sequence &+ 1 })
        withExtendedLifetime(first) {}
    }

    @Test func aRecorderGetsTheNextBestWhenTheLargeEncodingStops() async throws {
        try sendFrame(keyframe: [0x51, 0x52])
        let isIn = await waitForPackets(4, in: stage.hub)
        #expect(isIn)
        let sink = try ChildSocket()
        stage.hub.subscribe(
            PipelineID("recorder"), to: EdgeStage.stream, tracks: [0], sinks: [sink.hubEnd],
            timing: .recorded(since: MonotonicTime(nanoseconds: 0)))
        try sendFrame()
        #expect(sink.receive(count: 6).compactMap(\.header).count == 6, "two frames of three packets")
        var received: [Received] = []
        let deadline = ContinuousClock.now + .seconds(10)
        while received.count < 3, ContinuousClock.now < deadline {
            try small.sendFrame(by: publisher.client, keyframe: asked().contains(0x51), packets: 1)
            if let next = sink.receive(within: .milliseconds(20)) { received.append(next) }
        }
        #expect(received.compactMap(\.header).map(\.marker) == [true, true, true])
        #expect(asked().contains(0x51), "it was asked for a keyframe")
        let sequences = received.compactMap(\.header).map(\.sequence)
        #expect(zip(sequences, sequences.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
        #expect(!received.contains { $0.datagram.flags.contains(.discontinuity) })
    }
}
