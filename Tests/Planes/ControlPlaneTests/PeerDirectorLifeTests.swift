import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Glibc
import SDP
import Testing

/// Viewers, and how peers end.
@Suite struct PeerDirectorLifeTests {
    private let clock = TestClock()
    private let launcher = FakeLauncher()
    private let hub = FakeHub()
    private let streams: StreamRegister
    private let director: PeerDirector
    private let events = Journal<PeerEvent>()
    private let publisher = Sample.context("s1")
    private let viewer = Sample.context("s2", client: "viewer", stream: "camera", .watch)

    init() {
        streams = StreamRegister(hub: hub, clock: clock.clock)
        director = PeerDirector(
            launcher: launcher, hub: hub, streams: streams, identity: Sample.identity, ice: IceSettings(), clock: clock.clock,
            logger: Sample.logger)
    }

    private func open(_ context: SessionContext, _ offer: String) async throws(BridgeError) -> PeerID {
        let events = events
        return try await director.open(context, offer: ReceivedOffer(offer)) { events.note($0) }
    }

    private func refusal(_ offer: String) async -> BridgeError.Code? {
        do throws(BridgeError) {
            _ = try await open(viewer, offer)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func thereIsNothingToWatchWithoutAStream() async {
        #expect(await refusal(SampleOffer.view) == .notFound)
    }

    @Test func aViewerIsSubscribedWhenItIsConnected() async throws {
        _ = await streams.publish(Sample.stream(), sources: [])
        let id = try await open(viewer, SampleOffer.view)
        let pipeline = try #require(await launcher.pipeline())
        guard case .view(let plan) = pipeline.plan.work else {
            Issue.record("\(pipeline.plan)")
            return
        }
        #expect(plan.tracks.map(\.source) == [Sample.vp8, Sample.opus] && plan.tracks.map(\.payloadType) == [96, 111])
        #expect(hub.calls.count == 1)
        pipeline.say(.connected, .keyframeNeeded(track: 0))
        let name = PipelineID(id.rawValue)
        #expect(await eventually { hub.calls.count == 3 })
        #expect(
            hub.calls.dropFirst() == [
                .subscribe(name, to: StreamID("camera"), tracks: [0, 1], sinks: pipeline.media, .live),
                .requestKeyframe(StreamID("camera"), track: 0),
            ])
        pipeline.end()
        #expect(await eventually { hub.calls.last == .unsubscribe(name) })
    }

    @Test func aStreamWhoseSourceIsAwayForAMomentMayBeWatched() async throws {
        let stream = Sample.stream()
        _ = await streams.publish(stream, sources: [])
        await streams.sourceEnded(stream.peer, of: stream.id)
        #expect(await refusal(SampleOffer.view) == nil)
    }

    @Test func aViewerWithoutTheStreamsCodecGetsWhatItCanPlay() async throws {
        _ = await streams.publish(Sample.stream(tracks: [Sample.vp8]), sources: [])
        #expect(await refusal(SampleOffer.viewOfH264) == .unacceptableOffer)
        _ = await streams.publish(Sample.stream(), sources: [])
        _ = try await open(viewer, SampleOffer.viewOfH264)
        #expect(try #require(await launcher.pipeline()).plan.tracks == [Sample.opus])
    }

    @Test func aPeerThatIsClosedBeforeItsLaunchEndsWithoutAReason() async throws {
        launcher.gate.close()
        let id = try await open(publisher, SampleOffer.publish)
        let closing = Task { await director.close(id) }
        #expect(await eventually { launcher.gate.waitingCount == 1 })
        launcher.gate.open()
        let pipeline = try #require(await launcher.pipeline())
        #expect(await eventually { pipeline.isStopped })
        pipeline.say(.connected)
        pipeline.end()
        await closing.value
        #expect(events.all == [.ended(nil)])
        #expect(hub.calls.isEmpty)
        await director.close(id)
    }

    @Test func closingWaitsForTheEndOfTheStream() async throws {
        let id = try await open(publisher, SampleOffer.publish)
        let pipeline = try #require(await launcher.pipeline())
        pipeline.say(.connected)
        #expect(await eventually { await streams.live.count == 1 })
        let closing = Task { await director.close(id) }
        #expect(await eventually { pipeline.isStopped })
        #expect(await streams.live.count == 1)
        pipeline.end()
        await closing.value
        #expect(await streams.live.isEmpty)
        #expect(events.all == [.connected, .ended(nil)])
    }

    @Test func aChildThatCannotBeStartedEndsThePeerWithItsReason() async throws {
        let refusal = BridgeError(.pipelineUnavailable, "viaduct-pipeline is missing")
        launcher.refuse(refusal)
        _ = try await open(publisher, SampleOffer.publish)
        #expect(await eventually { events.all == [.ended(refusal)] })
        #expect(await director.count == 0)
    }

    @Test func theSocketsOfAPeerThatNeverConnectedAreClosed() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        defer { close(reading) }
        launcher.give([MediaDescriptor(writing)])
        _ = try await open(publisher, SampleOffer.publish)
        try #require(await launcher.pipeline()).end(.failed(BridgeError(.connectionTimeout, "no answer")))
        #expect(await eventually { events.all.count == 1 })
        var byte: UInt8 = 0
        // The end of the file: nobody holds the other end any more.
        #expect(read(reading, &byte, 1) == 0)
    }

    @Test func theNewestPeerSaysWhatASessionPublishes() async throws {
        _ = try await open(publisher, SampleOffer.publish)
        let audioOnly = SampleOffer.publish.replacing("m=video 9", with: "m=video 0")
        let newer = try await open(publisher, audioOnly)
        #expect(await director.tracks(of: publisher.session)?.map(\.codec) == [.opus])
        #expect(await director.count == 2)
        let pipeline = try #require(await launcher.pipeline(2))
        #expect(launcher.pipelines.contains { $0.id == PipelineID(newer.rawValue) } && !pipeline.isStopped)
        #expect(await director.tracks(of: SessionID("another")) == nil)
    }
}
