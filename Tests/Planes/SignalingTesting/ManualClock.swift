import BridgeModel
package import SignalingPlane
import Synchronization

/// A clock that stands still until the test moves it.
package final class ManualClock: Sendable {
    private struct Sleeper {
        let id: Int
        let until: MonotonicTime
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        var sleepers: [Sleeper] = []
        var cancelled: Set<Int> = []
        var lastID = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// The clock as the plane takes it.
    package var clock: RTMClock {
        RTMClock(now: { self.state.withLock { $0.now } }, sleep: { try await self.sleep(until: $0) })
    }

    /// Moves the time on and wakes whoever waited for it.
    package func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.until <= state.now }
            state.sleepers.removeAll { $0.until <= state.now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    private func sleep(until: MonotonicTime) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                register(Sleeper(id: id, until: until, continuation: continuation))
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func register(_ sleeper: Sleeper) {
        let isCancelled: Bool? = state.withLock { state in
            if state.cancelled.remove(sleeper.id) != nil { return true }
            if sleeper.until <= state.now { return false }
            state.sleepers.append(sleeper)
            return nil
        }
        switch isCancelled {
        case true?: sleeper.continuation.resume(throwing: CancellationError())
        case false?: sleeper.continuation.resume()
        case nil: return
        }
    }

    private func cancel(_ id: Int) {
        let sleeper: Sleeper? = state.withLock { state in
            guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return nil
            }
            return state.sleepers.remove(at: index)
        }
        sleeper?.continuation.resume(throwing: CancellationError())
    }
}
