import Bridge
import BridgeModel
import LinuxIO
import MediaPlane
import Testing

@Suite struct HubLifeTests {
    /// In a process of its own, where nothing else opens descriptors.
    @Test func aHundredStreamsLeaveNoDescriptorBehind() async {
        await #expect(processExitsWith: .success) {
            // The first round warms up what the runtime keeps open for itself.
            var counts: [Int] = []
            for round in 0..<3 {
                try await runHub(streams: 100, round: round)
                counts.append(openDescriptorCount())
            }
            try #require(counts[1] > 0 && counts[1] == counts[2], "\(counts)")
        }
    }

    @Test func afterShutdownDescriptorsAreClosedAndQuestionsAnswered() async throws {
        let hub = try Hub()
        let early = try Publisher()
        early.publish(on: hub, as: StreamID("early"))
        hub.shutdown()
        #expect(early.video.isClosedByHub() && early.audio.isClosedByHub())
        let late = try Publisher()
        late.publish(on: hub, as: StreamID("late"))
        #expect(late.video.isClosedByHub() && late.audio.isClosedByHub())
        let sink = try ChildSocket()
        hub.subscribe(PipelineID("viewer"), to: StreamID("late"), tracks: [0], sinks: [sink.hubEnd], timing: .live)
        #expect(sink.isClosedByHub())
        #expect(await hub.statistics(of: StreamID("late")) == nil)
        #expect(await hub.totals() == HubTotals())
        hub.shutdown()
    }
}

/// The life of one hub.
private func runHub(streams: Int, round: Int) async throws {
    let hub = try Hub(options: HubOptions(workers: 2))
    defer { hub.shutdown() }
    try runStreams(streams, round: round, on: hub)
    let totals = await hub.totals()
    try #require(totals.streams == 0 && totals.subscribers == 0)
}

/// Publishes streams with one viewer each and takes them down again, half of the viewers first.
private func runStreams(_ count: Int, round: Int, on hub: Hub) throws {
    for number in 0..<count {
        let stream = StreamID("stream-\(round)-\(number)")
        let viewer = PipelineID("viewer-\(number)")
        let publisher = try Publisher()
        let sink = try ChildSocket()
        publisher.publish(on: hub, as: stream)
        publisher.sendFrame(keyframe: true)
        hub.subscribe(viewer, to: stream, tracks: [0], sinks: [sink.hubEnd], timing: .live)
        try #require(sink.receive()?.datagram.kind == .rtp)
        if number.isMultiple(of: 2) { hub.unsubscribe(viewer) }
        hub.unpublish(stream, source: .child(publisher.sources[0]))
        try #require([publisher.video, publisher.audio, sink].allSatisfy { $0.isClosedByHub() })
    }
}
