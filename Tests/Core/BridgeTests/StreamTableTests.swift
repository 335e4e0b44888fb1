import Bridge
import BridgeModel
import Testing

@Suite struct StreamTableTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)
    private func at(_ seconds: Int) -> MonotonicTime { start.advanced(by: .seconds(seconds)) }

    private func stream(_ peer: String, codec: Codec = .vp8, source: Int32 = 3) -> LiveStream {
        LiveStream(
            context: SessionContext(
                session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID("c"), direction: .publish),
            tracks: [TrackDescription(index: 0, codec: codec, payloadType: 96, mid: "0")],
            peer: PeerID(peer), source: .child(MediaDescriptor(source)), since: WallTime(milliseconds: 0))
    }

    @Test func aPublisherThatComesBackContinuesItsStream() {
        var table = StreamTable(grace: .seconds(10))
        #expect(table.published(stream("p1")) == [.announce(.started(stream("p1")))])
        #expect(table.sourceEnded(PeerID("p1"), of: StreamID("c"), forGood: false, now: at(0)) == [.announce(.lost(StreamID("c")))])
        #expect(table.live.isEmpty)
        #expect(table.stream(StreamID("c")) != nil)
        #expect(table.deadline == at(10))
        #expect(table.published(stream("p2", source: 4)) == [.announce(.returned(stream("p2", source: 4)))])
        #expect(table.deadline == nil)
        #expect(table.expire(now: at(100)) == [])
    }

    @Test func graceEnds() {
        var table = StreamTable(grace: .seconds(10))
        _ = table.published(stream("p1"))
        _ = table.sourceEnded(PeerID("p1"), of: StreamID("c"), forGood: false, now: at(0))
        #expect(table.expire(now: at(9)) == [])
        #expect(
            table.expire(now: at(10)) == [.unpublish(StreamID("c"), source: .child(MediaDescriptor(3))), .announce(.ended(StreamID("c")))])
        #expect(table.stream(StreamID("c")) == nil)
    }

    @Test func anOwnerThatSaysGoodbyeIsNotWaitedFor() {
        var table = StreamTable(grace: .seconds(10))
        _ = table.published(stream("p1"))
        #expect(
            table.sourceEnded(PeerID("p1"), of: StreamID("c"), forGood: true, now: at(0))
                == [.unpublish(StreamID("c"), source: .child(MediaDescriptor(3))), .announce(.ended(StreamID("c")))])
    }

    @Test func aSupersededSourceTakesNothingWithIt() {
        var table = StreamTable(grace: .seconds(10))
        _ = table.published(stream("p1"))
        _ = table.published(stream("p2", source: 4))
        #expect(table.sourceEnded(PeerID("p1"), of: StreamID("c"), forGood: true, now: at(0)) == [])
        #expect(table.live.map(\.peer) == [PeerID("p2")])
    }

    @Test func otherCodecsAreAnotherStream() {
        var table = StreamTable(grace: .seconds(10))
        _ = table.published(stream("p1"))
        #expect(
            table.published(stream("p2", codec: .h264))
                == [.announce(.ended(StreamID("c"))), .announce(.started(stream("p2", codec: .h264)))])
    }

    @Test func aSourceThatIsLostTwiceIsNotWaitedForLonger() {
        var table = StreamTable(grace: .seconds(10))
        _ = table.published(stream("p1"))
        _ = table.sourceEnded(PeerID("p1"), of: StreamID("c"), forGood: false, now: at(0))
        #expect(table.sourceEnded(PeerID("p1"), of: StreamID("c"), forGood: false, now: at(5)) == [])
        #expect(table.deadline == at(10))
    }

    @Test func aGoodbyeEndsTheWait() {
        var table = StreamTable(grace: .seconds(10))
        _ = table.published(stream("p1"))
        _ = table.sourceEnded(PeerID("p1"), of: StreamID("c"), forGood: false, now: at(0))
        #expect(
            table.sourceEnded(PeerID("p1"), of: StreamID("c"), forGood: true, now: at(5))
                == [.unpublish(StreamID("c"), source: .child(MediaDescriptor(3))), .announce(.ended(StreamID("c")))])
        #expect(table.deadline == nil)
    }

    @Test func streamsWaitIndependently() {
        var table = StreamTable(grace: .seconds(10))
        for (name, second) in [("b", 0), ("a", 0), ("later", 3)] {
            var stream = stream("p-\(name)")
            stream.context.stream = StreamID(name)
            _ = table.published(stream)
            _ = table.sourceEnded(PeerID("p-\(name)"), of: StreamID(name), forGood: false, now: at(second))
        }
        #expect(table.deadline == at(10))
        let ended = table.expire(now: at(12)).compactMap { effect -> StreamID? in
            guard case .announce(.ended(let id)) = effect else { return nil }
            return id
        }
        #expect(ended == [StreamID("a"), StreamID("b")])
        #expect(table.deadline == at(13))
    }

    @Test func anUnknownStreamHasNoSourceToLose() {
        var table = StreamTable(grace: .seconds(10))
        #expect(table.sourceEnded(PeerID("p1"), of: StreamID("c"), forGood: true, now: at(0)) == [])
        #expect(table.stream(StreamID("c")) == nil && table.deadline == nil && table.expire(now: at(99)) == [])
    }

    @Test func aChangedNumberOfTracksIsAnotherStream() {
        var table = StreamTable(grace: .seconds(10))
        _ = table.published(stream("p1"))
        var more = stream("p2")
        more.tracks.append(TrackDescription(index: 1, codec: .opus, payloadType: 111, mid: "1"))
        #expect(table.published(more) == [.announce(.ended(StreamID("c"))), .announce(.started(more))])
    }
}
