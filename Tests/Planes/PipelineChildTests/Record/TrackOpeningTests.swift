import Bridge
import BridgeModel
import Testing

@testable import PipelineChild

@Suite struct TrackOpeningTests {
    private func hold(_ sequence: UInt32, in opening: inout TrackOpening, now: UInt64) -> Bool {
        let header = MediaDatagram(kind: .rtp, track: 0, sequence: sequence, time: MonotonicTime(nanoseconds: now))
        return [UInt8](repeating: 0x80, count: 12).withUnsafeBytes { opening.hold(header, $0, now: now) }
    }

    @Test func theFirstPacketsAreHeldBackAndGivenOutInTheirOrder() {
        var opening = TrackOpening()
        let began: UInt64 = 1_000_000_000
        let end = began + TrackOpening.length
        #expect(opening.end(now: end)?.isEmpty == nil)
        #expect(hold(1, in: &opening, now: began))
        #expect(hold(2, in: &opening, now: end - 1))
        #expect(opening.end(now: end - 1)?.isEmpty == nil)
        #expect(opening.end(now: end)?.map(\.header.sequence) == [1, 2])
    }

    @Test func whatComesLaterPassesAtOnce() {
        var opening = TrackOpening()
        #expect(hold(1, in: &opening, now: 0))
        #expect(opening.end(now: .max)?.count == 1)
        #expect(!hold(2, in: &opening, now: 1))
        #expect(opening.end(now: .max)?.isEmpty == nil)
    }

    @Test func anOpeningThatIsOverBeginsAnew() {
        var opening = TrackOpening()
        #expect(hold(1, in: &opening, now: 0))
        opening.reopen()
        #expect(opening.end(now: TrackOpening.length)?.map(\.header.sequence) == [1], "one that lasts goes on")
        opening.reopen()
        let again: UInt64 = 5_000_000_000
        #expect(hold(2, in: &opening, now: again))
        #expect(opening.end(now: again + TrackOpening.length - 1)?.isEmpty == nil)
        #expect(opening.end(now: again + TrackOpening.length)?.map(\.header.sequence) == [2])
    }
}
