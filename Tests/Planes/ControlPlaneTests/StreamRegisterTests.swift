import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

@Suite struct StreamRegisterTests {
    private let clock = TestClock()
    private let hub = FakeHub()
    private let register: StreamRegister
    private let id = StreamID("camera")
    private let sockets = [MediaDescriptor(1_000_000), MediaDescriptor(1_000_001)]

    init() { register = StreamRegister(hub: hub, clock: clock.clock, grace: .seconds(10)) }

    /// Ends the changes and returns what they were.
    private func changes() async -> [StreamTable.Change] {
        await register.shutDown()
        var all: [StreamTable.Change] = []
        for await change in register.changes { all.append(change) }
        return all
    }

    @Test func aPublishedStreamIsHandedToTheHubAndAnnounced() async {
        let stream = Sample.stream()
        #expect(await register.publish(stream, sources: sockets))
        #expect(hub.calls == [.publish(id, tracks: stream.tracks, sources: sockets)])
        #expect(await register.live == [stream])
        #expect(await changes() == [.started(stream)])
    }

    @Test func aSessionHasAStreamWhileItsSourceIsThere() async {
        let stream = Sample.stream()
        _ = await register.publish(stream, sources: sockets)
        #expect(await register.liveStream(of: stream.context) == stream)
        #expect(await register.liveStream(of: Sample.context("s2")) == nil)
        await register.sourceEnded(stream.peer, of: id)
        #expect(await register.liveStream(of: stream.context) == nil)
    }

    @Test func aNameBelongsToTheAccountThatPublishesIt() async {
        let stream = Sample.stream()
        #expect(await register.publish(stream, sources: sockets))
        #expect(await !register.publish(Sample.stream(Sample.context("s2", account: "other"), peer: "p2"), sources: []))
        #expect(hub.calls.count == 1)
        #expect(await register.stream(id) == stream)
        #expect(await changes() == [.started(stream)])
    }

    @Test func aStreamOutlivesItsSourceForTheGraceTime() async {
        let stream = Sample.stream()
        _ = await register.publish(stream, sources: sockets)
        await register.sourceEnded(stream.peer, of: id)
        #expect(await register.live.isEmpty)
        #expect(await register.stream(id) == stream)
        await clock.sleeper(for: .seconds(10))
        clock.advance(by: .milliseconds(9999))
        #expect(await register.stream(id) == stream)
        clock.advance(by: .milliseconds(1))
        #expect(await eventually { await register.stream(id) == nil })
        #expect(hub.calls.last == .unpublish(id, source: stream.source))
        #expect(await changes() == [.started(stream), .lost(id), .ended(id)])
    }

    @Test func aSourceThatReturnsInTimeContinuesTheStream() async {
        let first = Sample.stream()
        let second = Sample.stream(peer: "p2", source: 1_000_010)
        _ = await register.publish(first, sources: sockets)
        await register.sourceEnded(first.peer, of: id)
        await clock.sleeper(for: .seconds(10))
        clock.advance(by: .seconds(9))
        _ = await register.publish(second, sources: [MediaDescriptor(1_000_010), MediaDescriptor(1_000_011)])
        clock.advance(by: .seconds(60))
        await Task.yield()
        #expect(await register.live == [second])
        #expect(!hub.calls.contains(.unpublish(id, source: first.source)))
        #expect(await changes() == [.started(first), .lost(id), .returned(second)])
    }

    @Test func otherCodecsEndTheStreamForItsFollowers() async {
        let first = Sample.stream()
        let second = Sample.stream(tracks: [Sample.h264, Sample.opus], peer: "p2", source: 1_000_010)
        _ = await register.publish(first, sources: sockets)
        _ = await register.publish(second, sources: sockets)
        #expect(
            hub.calls == [
                .publish(id, tracks: first.tracks, sources: sockets), .unpublish(id, source: first.source),
                .publish(id, tracks: second.tracks, sources: sockets),
            ])
        #expect(await changes() == [.started(first), .ended(id), .started(second)])
    }

    @Test func theEndOfItsSessionEndsAStreamAtOnceWhenNobodyComesBack() async {
        let stream = Sample.stream()
        _ = await register.publish(stream, sources: sockets)
        await register.sessionEnded(Sample.context("another"), forGood: true)
        #expect(await register.live == [stream])
        await register.sessionEnded(stream.context, forGood: true)
        #expect(await register.stream(id) == nil)
        #expect(await changes() == [.started(stream), .ended(id)])
    }

    @Test func aSessionThatMayComeBackLeavesItsStreamItsGraceTime() async {
        let stream = Sample.stream()
        _ = await register.publish(stream, sources: sockets)
        await register.sessionEnded(stream.context, forGood: false)
        #expect(await register.stream(id) == stream)
        await clock.sleeper(for: .seconds(10))
        clock.advance(by: .seconds(10))
        #expect(await eventually { await register.stream(id) == nil })
    }

    @Test func theListShowsLiveStreamsInOrderWithTheHubsCounters() async {
        let catalog = LiveStreamCatalog(streams: register, hub: hub) { $0 == StreamID("a") ? 2 : 0 }
        for name in ["b", "a", "gone"] {
            _ = await register.publish(Sample.stream(Sample.context("s-\(name)", client: name), peer: "p-\(name)"), sources: [])
        }
        await register.sourceEnded(PeerID("p-gone"), of: StreamID("gone"))
        #expect(await catalog.streams().map(\.id) == [StreamID("a"), StreamID("b")])
        #expect(await catalog.stream(StreamID("gone")) == nil)
        let shown = await catalog.stream(StreamID("a"))
        #expect(shown?.account == AccountID("acme") && shown?.since == TestClock.epoch && shown?.tracks == [Sample.vp8, Sample.opus])
        #expect(shown?.viewers == 2)
        #expect(shown?.statistics == StreamStatistics(tracks: [TrackStatistics(packets: 7)], subscribers: 1))
    }
}
