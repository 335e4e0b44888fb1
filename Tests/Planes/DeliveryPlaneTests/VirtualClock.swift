import BridgeModel
import DeliveryPlane
import Synchronization

/// A wall clock that stands until it is moved.
final class VirtualClock: OutboxClock {
    private struct State {
        var now = Rows.start
        /// How far it was set back.
        var setBack: Duration = .zero
        var nextID = 0
        var sleepers: [Int: (until: WallTime, continuation: CheckedContinuation<Void, any Error>)] = [:]
    }

    private let state = Mutex(State())
    private let asked = AsyncStream<WallTime>.makeStream()

    var now: WallTime { state.withLock { $0.now } }
    var steady: MonotonicTime {
        state.withLock { MonotonicTime(nanoseconds: UInt64($0.now.nanoseconds)).advanced(by: $0.setBack) }
    }

    /// Somebody sets the clock: sleepers look again.
    func setBack(by duration: Duration) {
        let woken = state.withLock { state in
            state.now = state.now.advanced(by: .zero - duration)
            state.setBack += duration
            defer { state.sleepers = [:] }
            return state.sleepers.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    /// The moments that somebody began to sleep until, in order.
    var sleeps: AsyncStream<WallTime> { asked.stream }

    func advance(to moment: WallTime) {
        let woken = state.withLock { state in
            state.now = max(state.now, moment)
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    func sleep(until moment: WallTime) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isOver = state.withLock { state in
                    guard state.now < moment, !Task.isCancelled else { return true }
                    state.sleepers[id] = (moment, continuation)
                    return false
                }
                if !isOver { asked.continuation.yield(moment) }
                if isOver { continuation.resume(with: Task.isCancelled ? .failure(CancellationError()) : .success(())) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }
}
