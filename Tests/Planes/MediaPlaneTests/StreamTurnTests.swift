import BridgeModel
import Forwarding
import Testing

@testable import MediaPlane

/// Which tracks are served at the end of a worker's turn.
@Suite struct StreamTurnTests {
    private static let start = MonotonicTime(nanoseconds: 1_000_000_000)
    private static let hold = Duration.milliseconds(4)

    private func at(_ milliseconds: Int) -> MonotonicTime { Self.start.advanced(by: .milliseconds(milliseconds)) }

    @Test func aFrameIsWaitedForAndOthersAreNot() {
        var turn = StreamTurn()
        turn.note(0, endsFrame: true)
        turn.note(2, endsFrame: false)
        #expect(Array(turn.take(holding: Self.hold, now: at(0))) == [0])
        #expect(turn.heldUntil == at(4))
        #expect(turn.take(holding: Self.hold, now: at(1)).isEmpty)
        turn.note(2, endsFrame: true)
        #expect(Array(turn.take(holding: Self.hold, now: at(2))) == [2])
        #expect(turn.heldUntil == nil && turn.news.isEmpty)
    }

    @Test func nothingIsHeldForLonger() {
        var turn = StreamTurn()
        turn.note(1, endsFrame: false)
        #expect(turn.take(holding: Self.hold, now: at(0)).isEmpty)
        turn.note(1, endsFrame: false)
        #expect(turn.take(holding: Self.hold, now: at(3)).isEmpty)
        #expect(Array(turn.take(holding: Self.hold, now: at(4))) == [1])
        #expect(turn.heldUntil == nil)
    }

    @Test func fewViewersWaitForNothing() {
        var turn = StreamTurn()
        turn.note(1, endsFrame: false)
        #expect(Array(turn.take(holding: nil, now: at(0))) == [1])
        #expect(turn.heldUntil == nil)
    }

    @Test func aTrackThatNoSetHoldsIsNewsForAll() {
        var turn = StreamTurn()
        turn.note(200, endsFrame: true)
        #expect(turn.take(holding: nil, now: at(0)) == .all)
    }
}
