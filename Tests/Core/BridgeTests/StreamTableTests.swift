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
            peer: PeerID(peer), source: MediaDescriptor(source), since: WallTime(milliseconds: 0))
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
            table.expire(now: at(10)) == [.unpublish(StreamID("c"), source: MediaDescriptor(3)), .announce(.ended(StreamID("c")))])
        #expect(table.stream(StreamID("c")) == nil)
    }

    @Test func anOwnerThatSaysGoodbyeIsNotWaitedFor() {
        var table = StreamTable(grace: .seconds(10))
        _ = table.published(stream("p1"))
        #expect(
            table.sourceEnded(PeerID("p1"), of: StreamID("c"), forGood: true, now: at(0))
                == [.unpublish(StreamID("c"), source: MediaDescriptor(3)), .announce(.ended(StreamID("c")))])
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
}
