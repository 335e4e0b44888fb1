import BridgeModel
import PeerTransport
import Testing

@Suite struct StreamConnectionWatchTests {
    private func time(_ seconds: Int64) -> MonotonicTime { PeerStage.start.advanced(by: .seconds(seconds)) }

    @Test func aStrangerHasTenSecondsWhateverItSends() {
        var watch = StreamConnectionWatch(now: time(0))
        let isTaken = watch.received(100, now: time(9))
        #expect(isTaken)
        #expect(!watch.isOverdue(now: time(9)))
        #expect(watch.isOverdue(now: time(10)))
        #expect(!watch.mayCarryMedia)
    }

    @Test func aStrangerMayNotSayMuch() {
        var watch = StreamConnectionWatch(now: time(0))
        let taken = [watch.received(4096, now: time(0)), watch.received(0, now: time(0)), watch.received(1, now: time(0))]
        #expect(taken == [true, true, false])
        var other = StreamConnectionWatch(now: time(0))
        let hostile = [other.received(.min, now: time(0)), other.received(.max, now: time(0)), other.received(.max, now: time(0))]
        #expect(hostile == [true, false, false])
    }

    @Test func anIntroducedConnectionLivesWhileItSpeaks() {
        var watch = StreamConnectionWatch(now: time(0))
        watch.introduced(now: time(5))
        #expect(watch.mayCarryMedia)
        for second in stride(from: Int64(10), to: 200, by: 25) {
            #expect(!watch.isOverdue(now: time(second)))
            let isTaken = watch.received(1_000_000, now: time(second))
            #expect(isTaken)
        }
        #expect(watch.deadline == time(185 + 30))
        #expect(watch.isOverdue(now: time(215)))
    }
}
