import Bridge
import BridgeModel
import Forwarding
import LinuxIO
import MediaPlane
import RTP
import Testing

@Suite struct HubTests {
    private let stream = StreamID("camera-1")
    private let viewer = PipelineID("viewer-1")

    /// A hub with a publisher, shut down at the end.
    private func withHub(_ options: HubOptions = HubOptions(), _ body: (Hub, Publisher) async throws -> Void) async throws {
        let hub = try Hub(options: options)
        defer { hub.shutdown() }
        let publisher = try Publisher()
        publisher.publish(on: hub, as: stream)
        try await body(hub, publisher)
    }

    private func join(_ hub: Hub, _ id: PipelineID, timing: SubscriptionTiming = .live, bufferBytes: Int32 = 512 * 1024) throws
        -> ChildSocket
    {
        let sink = try ChildSocket(bufferBytes: bufferBytes)
        hub.subscribe(id, to: stream, tracks: [0], sinks: [sink.hubEnd], timing: timing)
        return sink
    }

    @Test func aJoinerInTheMiddleOfAGOPStartsAtItsKeyframe() async throws {
        try await withHub { hub, publisher in
            publisher.sendFrame(keyframe: false)
            publisher.sendFrame(keyframe: true, packets: 3, mark: 1)
            publisher.sendFrame(keyframe: false, mark: 2)
            #expect(await waitForPackets(5, in: hub))
            let sink = try join(hub, viewer)
            let cached = sink.receive(count: 4)
            publisher.sendFrame(keyframe: false, mark: 3)
            let live = sink.receive(count: 1)
            #expect(cached.map(\.payload.last) == [1, 1, 1, 2])
            #expect(cached.allSatisfy { $0.datagram.kind == .rtp && $0.datagram.flags == .cached })
            #expect(live.map(\.payload.last) == [3])
            #expect(live.map(\.datagram.flags) == [[]])
            let sequences = (cached + live).compactMap(\.header?.sequence)
            #expect(sequences == [1001, 1002, 1003, 1004, 1005])
            #expect((cached + live).map(\.datagram.sequence) == [0, 1, 2, 3, 4])
        }
    }

    @Test func aRecorderGetsTrueTimestampsAndAViewerPressedOnes() async throws {
        try await withHub { hub, publisher in
            publisher.sendFrame(keyframe: true)
            publisher.sendFrame(keyframe: false)
            #expect(await waitForPackets(2, in: hub))
            let live = try join(hub, viewer).receive(count: 2).compactMap(\.header?.timestamp)
            let recorded = try join(hub, PipelineID("recorder"), timing: .recorded(since: MonotonicTime(nanoseconds: 0))).receive(count: 2)
                .compactMap(\.header?.timestamp)
            #expect(recorded == [93_000, 96_000])
            #expect(live == [96_000 - 3000 / 32, 96_000])
        }
    }

    @Test func aRecorderThatReachesBackBeginsWithTheKeyframeBefore() async throws {
        try await withHub { hub, publisher in
            hub.keepPreRoll(.seconds(10), of: stream)
            publisher.sendFrame(keyframe: true, mark: 1)
            publisher.sendFrame(keyframe: false, mark: 2)
            publisher.sendFrame(keyframe: true, mark: 3)
            publisher.sendFrame(keyframe: false, mark: 4)
            #expect(await waitForPackets(4, in: hub))
            // All lies before it.
            let since = MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds)
            let back = try join(hub, viewer, timing: .recorded(since: since, reachesBack: true)).receive(count: 2)
            #expect(back.map(\.payload.last) == [3, 4])
            let all = try join(hub, PipelineID("all"), timing: .recorded(since: MonotonicTime(nanoseconds: 0), reachesBack: true))
            #expect(all.receive(count: 4).map(\.payload.last) == [1, 2, 3, 4])
        }
    }

    @Test func aPreRollKeepsKeyframesComing() async throws {
        try await withHub { hub, publisher in
            publisher.sendFrame(keyframe: false)
            #expect(await waitForPackets(1, in: hub))
            #expect(await hub.totals().keyframeRequestsOut == 0)
            hub.keepPreRoll(.seconds(2), of: stream)
            // The second a second later than the keyframe, without a viewer.
            #expect(await wait(for: hub) { $0.keyframeRequestsOut >= 1 })
            publisher.sendFrame(keyframe: true)
            #expect(await waitForPackets(2, in: hub))
            let before = await hub.totals().keyframeRequestsOut
            #expect(await wait(for: hub) { $0.keyframeRequestsOut > before })
        }
    }

    @Test func aThousandKeyframeRequestsAreOne() async throws {
        // An interval that the test does not reach.
        try await withHub(HubOptions(keyframeInterval: .seconds(600))) { hub, publisher in
            publisher.sendFrame(keyframe: true)
            let sink = try join(hub, viewer)
            _ = sink.receive(count: 1)
            let before = await hub.totals().keyframeRequestsIn
            for _ in 0..<1000 {
                while !sink.send(.keyframeRequest, track: 0) { try await Task.sleep(for: .milliseconds(1)) }
            }
            #expect(await wait(for: hub) { $0.keyframeRequestsIn >= before + 1000 })
            let requests = publisher.video.receiveWaiting()
            #expect(requests.map(\.datagram.kind) == [.keyframeRequest])
        }
    }

    @Test func aKeyframeIsAskedForUntilItComes() async throws {
        try await withHub(HubOptions(keyframeInterval: .milliseconds(20))) { hub, publisher in
            let sink = try join(hub, viewer)
            let requests = publisher.video.receive(count: 3)
            #expect(requests.map(\.datagram.kind) == [.keyframeRequest, .keyframeRequest, .keyframeRequest])
            publisher.sendFrame(keyframe: true)
            #expect(sink.receive(count: 1).count == 1)
            _ = publisher.video.receiveWaiting()
            #expect(publisher.video.receive(within: .milliseconds(100)) == nil, "nobody waits any more")
        }
    }

    @Test func aSlowViewerLosesWholeFramesAndGoesOnAtAKeyframe() async throws {
        var options = HubOptions()
        options.egress.maximumLag = .milliseconds(1)
        try await withHub(options) { hub, publisher in
            let sink = try ChildSocket(bufferBytes: 4096)
            hub.subscribe(viewer, to: stream, tracks: [0], sinks: [sink.hubEnd], timing: .live)
            let first = publisher.video.receive()
            publisher.sendFrame(keyframe: true)
            for _ in 0..<50 { publisher.sendFrame(keyframe: false, packets: 2, size: 1000, mark: 7) }
            #expect(await waitForPackets(101, in: hub))
            // What waits becomes too late: nobody reads for longer than the lag that is allowed.
            try await Task.sleep(for: options.egress.maximumLag * 20)
            let early = sink.receiveWaiting()
            #expect(await wait(for: hub) { $0.packetsDropped > 0 })
            #expect(first?.datagram.kind == .keyframeRequest)
            #expect(await wait(for: hub) { $0.keyframeRequestsIn == 2 })
            publisher.sendFrame(keyframe: true, mark: 9)
            var late: [Received] = []
            while late.last?.payload.last != 9, let next = sink.receive() { late.append(next) }
            let all = early + late
            #expect(all.count < 102)
            #expect(all.last?.datagram.flags == .discontinuity)
            let sequences = all.compactMap(\.header?.sequence)
            #expect(zip(sequences, sequences.dropFirst()).allSatisfy { $1 == $0 &+ 1 }, "the viewer sees no gap")
            let totals = await hub.totals()
            #expect(totals.packetsOut + totals.packetsDropped == totals.packetsIn)
        }
    }

    @Test func aSlowRecorderLosesNothing() async throws {
        try await withHub { hub, publisher in
            let sink = try ChildSocket(bufferBytes: 4096)
            hub.subscribe(viewer, to: stream, tracks: [0], sinks: [sink.hubEnd], timing: .recorded(since: MonotonicTime(nanoseconds: 0)))
            publisher.sendFrame(keyframe: true)
            for _ in 0..<50 { publisher.sendFrame(keyframe: false, packets: 2, size: 1000) }
            #expect(await waitForPackets(101, in: hub))
            let received = sink.receive(count: 101)
            #expect(received.compactMap(\.header?.sequence) == Array(1000...1100))
            #expect(await hub.totals().packetsDropped == 0)
        }
    }

    @Test func aReplacedSourceContinuesTheStream() async throws {
        try await withHub { hub, publisher in
            publisher.sendFrame(keyframe: true)
            let sink = try join(hub, viewer)
            let before = sink.receive(count: 1)
            let next = try Publisher(ssrc: 0xB0, sequence: 7, timestamp: 5)
            next.publish(on: hub, as: stream)
            #expect(next.video.receive()?.datagram.kind == .keyframeRequest, "its viewers wait")
            #expect(publisher.video.isClosedByHub())
            hub.unpublish(stream, source: .child(publisher.sources[0]))
            next.sendFrame(keyframe: false, mark: 1)
            next.sendFrame(keyframe: true, mark: 2)
            let after = sink.receive(count: 1)
            #expect(after.map(\.payload.last) == [2])
            #expect(after.map(\.datagram.flags) == [.discontinuity])
            #expect((before + after).compactMap(\.header?.sequence) == [1000, 1001])
            #expect((before + after).compactMap(\.header?.ssrc) == [0xA0, 0xA0])
            let statistics = await hub.statistics(of: stream)
            #expect(statistics?.tracks[0].packets == 3)
        }
    }

    @Test func anUnpublishedStreamEndsItsSinksAfterTheirPackets() async throws {
        try await withHub { hub, publisher in
            let video = try ChildSocket()
            let audio = try ChildSocket()
            hub.subscribe(viewer, to: stream, tracks: [0, 1], sinks: [video.hubEnd, audio.hubEnd], timing: .live)
            _ = await hub.totals()
            publisher.sendFrame(keyframe: true)
            publisher.sendAudio()
            #expect(await waitForPackets(2, in: hub))
            hub.unpublish(stream, source: .child(publisher.sources[0]))
            #expect(video.receive(count: 2).map(\.datagram.kind) == [.rtp, .end])
            #expect(audio.receive(count: 2).map(\.datagram.kind) == [.rtp, .end])
            #expect(video.isClosedByHub())
            #expect(await hub.statistics(of: stream) == nil)
            let totals = await hub.totals()
            #expect(totals.streams == 0 && totals.subscribers == 0)
        }
    }

    @Test func aSinkOfAStreamThatDoesNotExistIsEndedAtOnce() async throws {
        let hub = try Hub()
        defer { hub.shutdown() }
        let sink = try join(hub, viewer)
        #expect(sink.receive()?.datagram.kind == .end)
        #expect(sink.isClosedByHub())
    }

    @Test func aSinkOfATrackThatDoesNotExistIsEndedAtOnce() async throws {
        try await withHub { hub, _ in
            let sink = try ChildSocket()
            hub.subscribe(viewer, to: stream, tracks: [9], sinks: [sink.hubEnd], timing: .live)
            #expect(sink.receive()?.datagram.kind == .end)
        }
    }

    @Test func aTrackWhoseCodecChangedEndsItsSinks() async throws {
        try await withHub { hub, publisher in
            publisher.sendFrame(keyframe: true)
            let sink = try join(hub, viewer)
            _ = sink.receive(count: 1)
            let next = try ChildSocket()
            hub.publish(
                stream, tracks: [TrackDescription(index: 0, codec: .h264, payloadType: 102, mid: "0")], sources: [next.hubEnd])
            #expect(sink.receive()?.datagram.kind == .end)
        }
    }

    @Test func aSinkThatClosesItsEndIsRemoved() async throws {
        try await withHub { hub, publisher in
            let sink = try join(hub, viewer)
            #expect(await wait(for: hub) { $0.subscribers == 1 })
            sink.close()
            publisher.sendFrame(keyframe: true)
            #expect(await wait(for: hub) { $0.subscribers == 0 })
        }
    }

    @Test func unsubscribingClosesTheSockets() async throws {
        try await withHub { hub, _ in
            let sink = try join(hub, viewer)
            hub.unsubscribe(viewer)
            #expect(sink.isClosedByHub())
            #expect(await hub.totals().subscribers == 0)
        }
    }

    @Test func senderReportsReachTheSinkOnItsOwnTimeline() async throws {
        try await withHub { hub, publisher in
            publisher.sendFrame(keyframe: true)
            publisher.sendReport(ntp: 77)
            #expect(await waitForPackets(1, in: hub))
            let sink = try join(hub, viewer)
            let received = sink.receive(count: 2)
            #expect(received.map(\.datagram.kind) == [.rtp, .senderReport])
            let report = received.last.flatMap { $0.content.withUnsafeBytes { SenderReportView(inCompound: $0) } }
            #expect(report == SenderReportView(ssrc: 0xA0, ntp: 77, rtp: 93_000))
        }
    }

    static let malformed: [(String, [UInt8])] = [
        ("one byte", [1]),
        ("a header of another version", [9] + [UInt8](repeating: 0, count: 15)),
        ("an unknown kind", [1, 200] + [UInt8](repeating: 0, count: 14)),
        ("a header without a packet", [1, 0] + [UInt8](repeating: 0, count: 14)),
        ("another track", [1, 0, 1, 0] + [UInt8](repeating: 0, count: 12) + [0x80, 96] + [UInt8](repeating: 0, count: 10)),
        ("a packet of another version", [1, 0] + [UInt8](repeating: 0, count: 14) + [0x00, 96] + [UInt8](repeating: 0, count: 10)),
        ("another payload type", [1, 0] + [UInt8](repeating: 0, count: 14) + [0x80, 97] + [UInt8](repeating: 0, count: 10)),
        ("a broken report", [1, 1] + [UInt8](repeating: 0, count: 14) + [0x80, 200, 0, 9]),
        ("a request in the wrong direction", [1, 2] + [UInt8](repeating: 0, count: 14)),
        ("an end in the wrong direction", [1, 3] + [UInt8](repeating: 0, count: 14)),
        ("more than fits", [1, 0] + [UInt8](repeating: 0, count: 14) + [0x80, 96] + [UInt8](repeating: 0, count: 4000)),
    ]

    @Test(arguments: malformed) func malformedDatagramsAreIgnoredAndCounted(what: String, bytes: [UInt8]) async throws {
        try await withHub { hub, publisher in
            publisher.video.send(bytes)
            #expect(await wait(for: hub) { $0.malformed == 1 }, "\(what)")
            publisher.sendFrame(keyframe: true)
            #expect(await waitForPackets(1, in: hub), "the source goes on")
        }
    }

    @Test func malformedDatagramsOfASinkAreIgnoredAndCounted() async throws {
        try await withHub { hub, publisher in
            let sink = try join(hub, viewer)
            sink.send([0xFF])
            sink.send(.rtp, track: 0)
            sink.send(.keyframeRequest, track: 1)
            #expect(await wait(for: hub) { $0.malformed == 3 })
            publisher.sendFrame(keyframe: true)
            #expect(sink.receive()?.datagram.kind == .rtp)
        }
    }

    @Test func countersTellWhatCameIn() async throws {
        try await withHub { hub, publisher in
            publisher.sendFrame(keyframe: true, packets: 2)
            publisher.sendAudio()
            #expect(await waitForPackets(3, in: hub))
            let statistics = try #require(await hub.statistics(of: stream))
            #expect(statistics.tracks.map(\.packets) == [2, 1])
            #expect(statistics.tracks.map(\.keyframes) == [1, 0])
            #expect(statistics.tracks.map(\.lost) == [0, 0])
            #expect(statistics.tracks.allSatisfy { $0.lastPacketAt != nil })
            #expect(statistics.subscribers == 0)
        }
    }
}
