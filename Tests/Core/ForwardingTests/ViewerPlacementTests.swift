import BridgeModel
import Forwarding
import Testing

@Suite struct ViewerPlacementTests {
    private static let stream = StreamID("popular")
    private let idle = [0.0, 0.0, 0.0]

    private func placement(capacity: Int = 1000, share: Int = 3) -> ViewerPlacement {
        ViewerPlacement(workers: 3, capacity: capacity, loadLimit: 0.9, share: share)
    }

    /// The workers of so many viewers that come one after another.
    private func place(_ count: Int, _ placement: inout ViewerPlacement, home: Int = 1, loads: [Double]) -> [Int?] {
        (0..<count).map { _ in
            let worker = placement.worker(for: Self.stream, home: home, loads: loads)
            if let worker { placement.add(to: worker, watching: Self.stream) }
            return worker
        }
    }

    @Test func aWorkerIsFilledBeforeAnotherOneBegins() {
        var placement = placement()
        #expect(place(9, &placement, loads: idle) == [1, 1, 1, 0, 0, 0, 2, 2, 2])
        #expect(Set(place(3, &placement, loads: idle)) == [0, 1, 2], "when all have their share they are filled evenly")
    }

    @Test func theLeastBusyWorkerBeginsNext() {
        var placement = placement()
        #expect(place(4, &placement, loads: [0.5, 0.2, 0.4]) == [1, 1, 1, 1], "the home worker is the least busy one")
        #expect(place(1, &placement, loads: [0.5, 0.6, 0.4]) == [2])
    }

    @Test func theHomeWorkerKeepsFewViewersHoweverBusyItIs() {
        var placement = placement()
        #expect(place(3, &placement, loads: [0, 0.89, 0]) == [1, 1, 1])
    }

    @Test func whoIsSentManyStreamsGoesToTheLeastBusyWorker() {
        var placement = placement(capacity: 2)
        #expect(placement.worker(loads: [0.5, 0.2, 0.4]) == 1 && placement.worker(loads: [0.95, 0.92, 0.99]) == nil)
        var workers: [Int?] = []
        for _ in 0..<7 {
            workers.append(placement.worker(loads: idle))
            if let worker = workers.last ?? nil { placement.add(to: worker, watching: nil) }
        }
        #expect(workers == [0, 1, 2, 0, 1, 2, nil])
    }

    @Test func viewersAreRefusedOnlyWhenNoWorkerHasRoom() {
        var placement = placement()
        #expect(place(1, &placement, loads: [0.1, 0.9, 0.2]) == [0], "the home worker is at its limit")
        #expect(place(1, &placement, loads: [0.9, 0.95, 0.89]) == [2])
        #expect(place(1, &placement, loads: [0.9, 0.95, 0.9]) == [nil])
    }

    @Test func peersCountWhileTheLoadIsNotMeasured() {
        var placement = placement(share: 1)
        for _ in 0..<50 { placement.add(to: 0, watching: nil) }
        #expect(place(3, &placement, loads: idle) == [1, 2, 1], "others have 50 peers less")
    }

    @Test func aFullWorkerTakesNobody() {
        var placement = placement(capacity: 2, share: 10)
        #expect(place(7, &placement, loads: idle) == [1, 1, 0, 0, 2, 2, nil])
        #expect(!placement.hasRoom(1) && !placement.hasRoom(3) && !placement.hasRoom(-1))
        placement.remove(from: 1, watching: Self.stream)
        #expect(place(1, &placement, loads: idle) == [1])
    }

    @Test func whoHasLeftIsForgotten() {
        var placement = placement()
        _ = place(6, &placement, loads: idle)
        for worker in [0, 0, 0, 1, 1, 1] { placement.remove(from: worker, watching: Self.stream) }
        #expect(place(4, &placement, loads: idle) == [1, 1, 1, 0])
    }
}
