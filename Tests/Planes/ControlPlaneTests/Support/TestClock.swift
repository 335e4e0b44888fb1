import Bridge
import BridgeModel
import BridgeTesting
import Synchronization
import Testing

/// A clock that stands until the test moves it.
final class TestClock: Sendable {
    /// Where wall time begins.
    static let epoch = WallTime(milliseconds: 1_700_000_000_000)

    private struct Sleeper {
        let id: Int
        let until: MonotonicTime
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var passed = Duration.zero
        var wallAhead = Duration.zero
        var sleepers: [Sleeper] = []
        var cancelled: Set<Int> = []
        var lastID = 0
    }

    private static let origin = MonotonicTime(nanoseconds: 1_000_000_000_000)
    private let state = Mutex(State())

    var now: MonotonicTime { Self.origin.advanced(by: state.withLock { $0.passed }) }
    var wall: WallTime { Self.epoch.advanced(by: state.withLock { $0.passed + $0.wallAhead }) }

    /// The clock as planes take it.
    var clock: BridgeClock {
        BridgeClock(now: { self.now }, wall: { self.wall }, sleep: { try await self.sleep(until: $0) })
    }

    /// Moves the time on and wakes whoever waited for it.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.passed += duration
            let now = Self.origin.advanced(by: state.passed)
            let due = state.sleepers.filter { $0.until <= now }
            state.sleepers.removeAll { $0.until <= now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Sets the wall clock, as an operator does or a time server.
    func setWall(ahead: Duration) { state.withLock { $0.wallAhead = ahead } }

    /// Lets time pass in small steps until `condition` holds; false when it does not while other tasks have had ten seconds to work.
    func pass(until condition: () async -> Bool) async -> Bool {
        await eventually {
            if await condition() { return true }
            advance(by: .milliseconds(100))
            return false
        }
    }

    /// Returns when somebody waits for the moment that is this far away.
    func sleeper(for duration: Duration) async {
        let until = now.advanced(by: duration)
        #expect(await eventually { state.withLock { $0.sleepers.contains { $0.until == until } } }, "nobody waits for \(duration)")
    }

    private func sleep(until: MonotonicTime) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { register(Sleeper(id: id, until: until, continuation: $0)) }
        } onCancel: {
            cancel(id)
        }
    }

    private func register(_ sleeper: Sleeper) {
        let result: Result<Void, any Error>? = state.withLock { state in
            if state.cancelled.remove(sleeper.id) != nil { return .failure(CancellationError()) }
            if sleeper.until <= Self.origin.advanced(by: state.passed) { return .success(()) }
            state.sleepers.append(sleeper)
            return nil
        }
        if let result { sleeper.continuation.resume(with: result) }
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
