import BridgeTesting
import Synchronization
import Testing

@testable import ControlPlane

@Suite struct FinisherPlacesTests {
    /// Works that last until they are told to end.
    private final class Works: Sendable {
        private let state = Mutex((begun: [Int](), ends: [Int: CheckedContinuation<Void, Never>]()))

        var begun: [Int] { state.withLock { $0.begun } }

        func work(_ number: Int) async {
            await withCheckedContinuation { continuation in
                state.withLock {
                    $0.begun.append(number)
                    $0.ends[number] = continuation
                }
            }
        }

        func end(_ number: Int) { state.withLock { $0.ends.removeValue(forKey: number) }?.resume() }
    }

    @Test func whoFindsNoPlaceWaitsForOneInOrder() async {
        let places = FinisherPlaces(2)
        let works = Works()
        await withTaskGroup(of: Void.self) { group in
            for number in 1...4 {
                group.addTask { await places.withPlace { await works.work(number) } }
                let expected = min(number, 2)
                #expect(await eventually { await places.waitingCount == number - expected && works.begun.count == expected })
            }
            works.end(2)
            #expect(await eventually { works.begun == [1, 2, 3] })
            works.end(1)
            #expect(await eventually { works.begun == [1, 2, 3, 4] })
            works.end(3)
            works.end(4)
        }
    }

    @Test func thereIsAlwaysAPlace() async {
        let works = Works()
        let places = FinisherPlaces(0)
        async let done: Void = places.withPlace { await works.work(1) }
        #expect(await eventually { works.begun == [1] })
        works.end(1)
        await done
    }
}
