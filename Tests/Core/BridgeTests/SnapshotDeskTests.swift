import Bridge
import BridgeModel
import Testing

private let (gate, yard, hall) = (StreamID("gate"), StreamID("yard"), StreamID("hall"))
private let (jpeg, png) = (PictureSpec(.jpeg), PictureSpec(.png))

private func at(_ milliseconds: Int) -> MonotonicTime { MonotonicTime(nanoseconds: UInt64(milliseconds) * 1_000_000) }

private func picture(_ mark: UInt8 = 1) -> Picture {
    Picture(format: .jpeg, bytes: [mark], takenAt: WallTime(milliseconds: 1), width: 4, height: 2)
}

@Suite struct SnapshotDeskTests {
    private static func desk(decoders: Int = 2) -> SnapshotDesk { SnapshotDesk(limits: .init(decoders: decoders)) }

    /// A desk whose decoder of `gate` has started and is idle.
    private static func started(decoders: Int = 2) -> SnapshotDesk {
        var desk = desk(decoders: decoders)
        _ = desk.asked(1, of: gate, jpeg, now: at(0))
        _ = desk.started(gate)
        _ = desk.taken(picture(), number: 1, of: gate, now: at(50))
        return desk
    }

    @Test func theFirstRequestStartsADecoderAndIsOrderedWhenItHas() {
        var desk = Self.desk()
        #expect(desk.asked(1, of: gate, jpeg, now: at(0)) == [.launch(gate)])
        #expect(desk.asked(2, of: gate, png, now: at(1)) == [])
        #expect(desk.started(gate) == [.order(gate, number: 1, jpeg), .order(gate, number: 2, png)])
        #expect(desk.taken(picture(), number: 1, of: gate, now: at(90)) == [.answer([1], picture())])
        #expect(desk.taken(picture(), number: 1, of: gate, now: at(91)) == [])
    }

    @Test func whoAsksForTheSameSharesIt() {
        var desk = Self.started()
        #expect(desk.asked(2, of: gate, jpeg, now: at(151)) == [.order(gate, number: 2, jpeg)])
        #expect(desk.asked(3, of: gate, jpeg, now: at(152)) == [])
        #expect(desk.taken(picture(2), number: 2, of: gate, now: at(160)) == [.answer([2, 3], picture(2))])
    }

    @Test(arguments: [(140, true), (150, true), (151, false)])
    func aPictureServesForAMoment(now: Int, isServed: Bool) {
        var desk = Self.started()
        let effects = desk.asked(2, of: gate, jpeg, now: at(now))
        #expect(effects == (isServed ? [.answer([2], picture())] : [.order(gate, number: 2, jpeg)]))
        #expect(desk.asked(3, of: gate, png, now: at(now)) == [.order(gate, number: isServed ? 2 : 3, png)])
    }

    @Test func aDecoderThatNobodyAsksForIsDismissed() {
        var desk = Self.started()
        #expect(desk.deadline == at(10_000))
        #expect(desk.expire(now: at(9999)) == [])
        #expect(desk.expire(now: at(10_000)) == [.dismiss(gate)])
        #expect(desk.deadline == nil)
        #expect(desk.asked(2, of: gate, jpeg, now: at(10_001)) == [.launch(gate)])
    }

    @Test func aRequestIsNotKeptWaitingForEver() throws {
        var desk = Self.desk()
        _ = desk.asked(1, of: gate, jpeg, now: at(0))
        #expect(desk.deadline == at(5000))
        guard case .refuse([1], let error)? = desk.expire(now: at(5000)).first else {
            Issue.record("nobody was refused")
            return
        }
        #expect(error.code == .noMedia)
        #expect(desk.taken(picture(), number: 1, of: gate, now: at(5001)) == [])
    }

    @Test func theDecoderThatRestsLongestMakesRoom() {
        var desk = Self.started(decoders: 1)
        #expect(desk.asked(2, of: yard, jpeg, now: at(60)) == [.dismiss(gate), .launch(yard)])
        guard case .refuse([3], let error)? = desk.asked(3, of: hall, jpeg, now: at(61)).first else {
            Issue.record("a decoder at work was dismissed")
            return
        }
        #expect(error.code == .limitReached)
        #expect(desk.started(gate) == [.dismiss(gate)])
    }

    @Test func aCrowdIsBounded() {
        var desk = Self.desk()
        let refused = (1...100).filter { ticket in
            desk.asked(SnapshotDesk.Ticket(ticket), of: gate, jpeg, now: at(0)).contains { effect in
                if case .refuse = effect { true } else { false }
            }
        }
        #expect(refused == Array(65...100))
    }

    @Test func aDecoderThatEndsRefusesAllWhoWait() {
        var desk = Self.desk()
        _ = desk.asked(1, of: gate, jpeg, now: at(0))
        _ = desk.asked(2, of: gate, png, now: at(0))
        let error = BridgeError(.pipelineCrashed, "gone")
        #expect(desk.ended(gate, error) == [.refuse([1, 2], error)])
        #expect(desk.ended(gate, error) == [])
        #expect(desk.asked(3, of: gate, jpeg, now: at(1)) == [.launch(gate)])
    }

    @Test func anOrderThatFailsLeavesTheOthers() {
        var desk = Self.desk()
        _ = desk.asked(1, of: gate, jpeg, now: at(0))
        _ = desk.asked(2, of: gate, png, now: at(0))
        _ = desk.started(gate)
        let error = BridgeError(.storageFull, "full")
        #expect(desk.failed(error, number: 1, of: gate) == [.refuse([1], error)])
        #expect(desk.taken(picture(), number: 2, of: gate, now: at(9)) == [.answer([2], picture())])
    }

    @Test(
        arguments: [
            (nil, 640, 360, 640, 360), (320, 640, 360, 320, 180), (1000, 640, 360, 640, 360), (101, 640, 360, 100, 56),
            (16, 640, 36, 16, 16), (640, 640, 361, 640, 361),
        ] as [(Int?, Int, Int, Int, Int)])
    func aPictureKeepsItsShape(wanted: Int?, width: Int, height: Int, newWidth: Int, newHeight: Int) {
        let size = PictureSpec(.webp, width: wanted).size(of: (width, height))
        #expect(size == (newWidth, newHeight))
    }
}
