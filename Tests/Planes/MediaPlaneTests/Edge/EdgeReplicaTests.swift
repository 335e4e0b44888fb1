import Bridge
import BridgeModel
import EdgeTesting
import MediaPlane
import RTP
import Testing

/// One stream whose viewers sit on two workers, through the engine on loopback.
@Suite(.serialized) struct EdgeReplicaTests {
    /// So many connected viewers that have the cached keyframe, half of them on each worker.
    private func viewers(_ count: Int, on stage: EdgeStage) throws -> [EdgeGuest] {
        let viewers = try (0..<count).map { _ in try stage.viewer() }
        for viewer in viewers {
            try viewer.client.connect()
            try viewer.client.pump("the cached keyframe on worker \(viewer.worker)") { viewer.client.packets.count >= 5 }
        }
        #expect(Set(viewers.map(\.worker)) == [0, 1])
        return viewers
    }

    private func pictureLosses(at publisher: EdgeGuest) -> Int {
        publisher.client.receivedControl(of: RTCPPacketView.PacketType.payloadFeedback, format: 1)
    }

    @Test func viewersOfBothWorkersSeeTheSameFrames() async throws {
        let stage = try EdgeStage.spreading()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewers = try viewers(4, on: stage)
        for _ in 0..<20 { try source.sendFrame(by: publisher.client) }
        for viewer in viewers {
            try viewer.client.pump("live packets on worker \(viewer.worker)") { viewer.client.packets.count >= 65 }
            let headers = viewer.client.headers
            #expect(zip(headers, headers.dropFirst()).allSatisfy { $1.sequence == $0.sequence &+ 1 })
            #expect(headers.map(\.marker) == viewers[0].client.headers.map(\.marker))
            #expect(viewer.client.packets.map { $0[12...] } == viewers[0].client.packets.map { $0[12...] })
        }
        #expect(await stage.hub.statistics(of: EdgeStage.stream)?.subscribers == 4)
        let totals = await stage.hub.totals()
        #expect(totals.streams == 1 && totals.subscribers == 4 && totals.packetsIn == 65)
        #expect(await stage.engine.totals().viewers == 4)
        withExtendedLifetime((publisher, viewers)) {}
    }

    @Test func aLostPacketComesAgainFromTheViewersOwnWorker() async throws {
        let stage = try EdgeStage.spreading()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        for viewer in try viewers(2, on: stage) {
            let lost = viewer.client.headers[2].sequence
            try viewer.client.send(rtcp: Feedback.nack(lost, of: EdgeSections.viewerSSRC))
            try viewer.client.pump("the retransmission on worker \(viewer.worker)") {
                viewer.client.headers.contains { $0.ssrc == EdgeSections.viewerRTX }
            }
        }
        withExtendedLifetime(publisher) {}
    }

    @Test func aJoinerOnTheOtherWorkerGetsTheCachedPicturesAndAsksForNone() async throws {
        let stage = try EdgeStage.spreading()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        for _ in 0..<3 { try source.sendFrame(by: publisher.client) }
        let isIn = await waitForPackets(14, in: stage.hub)
        #expect(isIn)
        publisher.client.receive(wait: 0)
        let before = pictureLosses(at: publisher)
        for viewer in try viewers(2, on: stage) {
            try viewer.client.pump("all that is cached on worker \(viewer.worker)") { viewer.client.packets.count >= 14 }
            #expect(viewer.client.packets.map { $0.last } == [1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4])
        }
        publisher.client.receive(wait: 50)
        #expect(pictureLosses(at: publisher) == before)
    }

    @Test func aStormOfKeyframeRequestsOnBothWorkersPassesOneGate() async throws {
        let stage = try EdgeStage.spreading()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewers = try viewers(6, on: stage)
        publisher.client.receive(wait: 0)
        let before = pictureLosses(at: publisher)
        let began = ContinuousClock.now
        for viewer in viewers { try viewer.client.send(rtcp: Feedback.pictureLoss(of: EdgeSections.viewerSSRC)) }
        try publisher.client.pump("a PLI") { pictureLosses(at: publisher) > before }
        for viewer in viewers {
            let deadline = ContinuousClock.now + .seconds(5)
            while await stage.engine.statistics(of: viewer.id)?.keyframeRequests != 1, .now < deadline { await Task.yield() }
            #expect(await stage.engine.statistics(of: viewer.id)?.keyframeRequests == 1)
        }
        publisher.client.receive(wait: 50)
        let asked = pictureLosses(at: publisher) - before
        // One at once, and as long as no keyframe comes another one each half second.
        let allowed = 1 + Int((ContinuousClock.now - began) / Duration.milliseconds(500))
        #expect(asked <= allowed, "\(asked) requests for the wishes of six viewers")
    }

    @Test func aViewersRequestOnTheOtherWorkerReachesThePublisher() async throws {
        let stage = try EdgeStage.spreading()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewers = try viewers(2, on: stage)
        let other = try #require(viewers.first { $0.worker != publisher.worker })
        publisher.client.receive(wait: 0)
        let before = pictureLosses(at: publisher)
        try other.client.send(rtcp: Feedback.pictureLoss(of: EdgeSections.viewerSSRC))
        try publisher.client.pump("a PLI") { pictureLosses(at: publisher) > before }
    }

    @Test func theEndOfTheStreamReachesBothWorkers() async throws {
        let stage = try EdgeStage.spreading()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewers = try viewers(4, on: stage)
        stage.hub.unpublish(EdgeStage.stream, source: .peer(publisher.id))
        // Not a lost connection: whoever watches has to know the one from the other.
        for viewer in viewers { #expect(await viewer.allEvents().last == .ended(BridgeError(.notFound, "the watched stream has ended"))) }
        #expect(await stage.engine.totals().viewers == 0)
        // Whoever comes now hears that there is nothing, wherever it is.
        for _ in 0..<2 {
            let late = try stage.viewer()
            try? late.client.connect(within: .seconds(5))
            guard case .ended(let error?)? = await late.allEvents().last else {
                Issue.record("a viewer on worker \(late.worker) did not end with a reason")
                continue
            }
            #expect(error.code == .notFound)
        }
    }

    @Test func aPublisherThatComesBackContinuesOnBothWorkers() async throws {
        let stage = try EdgeStage.spreading()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewers = try viewers(2, on: stage)
        publisher.client.close()
        #expect(await publisher.allEvents().last == .ended(BridgeError(.connectionLost, "the peer's transport ended")))
        var second = VP8Source(ssrc: 0xBEEF)
        let successor = try await stage.publish(&second)
        for viewer in viewers {
            try viewer.client.pump("the successor's keyframe on worker \(viewer.worker)") { viewer.client.packets.count >= 10 }
            let headers = viewer.client.headers
            #expect(Set(headers.map(\.ssrc)) == [EdgeSections.viewerSSRC])
            #expect(zip(headers, headers.dropFirst()).allSatisfy { $1.sequence == $0.sequence &+ 1 })
        }
        withExtendedLifetime(successor) {}
    }

    @Test func senderReportsReachBothWorkers() async throws {
        let stage = try EdgeStage.spreading()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        let viewers = try viewers(2, on: stage)
        var report = [UInt8](repeating: 0, count: SenderReportView.size)
        report.withUnsafeMutableBytes { SenderReportView(ssrc: source.ssrc, ntp: 7 << 32, rtp: 3000).write(to: $0) }
        try publisher.client.send(rtcp: report)
        try source.sendFrame(by: publisher.client)
        for viewer in viewers {
            try viewer.client.pump("a sender report on worker \(viewer.worker)") {
                viewer.client.receivedControl(of: RTCPPacketView.PacketType.senderReport) > 0
            }
        }
    }

    @Test func aChildsStreamReachesViewersOfBothWorkers() throws {
        let stage = try EdgeStage.spreading()
        let child = try Publisher()
        child.publish(on: stage.hub, as: EdgeStage.stream)
        child.sendFrame(keyframe: true, packets: 5, size: 900)
        let viewers = try viewers(2, on: stage)
        for number in 1...10 {
            child.sendFrame(keyframe: false, packets: 2)
            for viewer in viewers {
                try viewer.client.pump("live packets on worker \(viewer.worker)") { viewer.client.packets.count >= 5 + 2 * number }
            }
        }
    }

    @Test func theOtherWorkersViewersMayComeOverTCPAndRestartICE() async throws {
        let stage = try EdgeStage.spreading()
        var source = VP8Source()
        let publisher = try await stage.publish(&source)
        for _ in 0..<2 {
            let viewer = try stage.viewer()
            try viewer.client.useTCP()
            try viewer.client.connect()
            try viewer.client.pump("the keyframe on worker \(viewer.worker)") { viewer.client.packets.count >= 5 }
            viewer.client.adopt(try #require(await stage.engine.restart(viewer.id)))
            try viewer.client.establishPath()
            let before = viewer.client.packets.count
            try source.sendFrame(by: publisher.client)
            try viewer.client.pump("a frame on worker \(viewer.worker)") { viewer.client.packets.count >= before + 3 }
        }
    }
}
