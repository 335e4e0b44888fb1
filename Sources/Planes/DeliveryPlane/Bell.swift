internal import BridgeModel
internal import Synchronization

/// Wakes one waiting task. A ring without a waiter is kept for the next wait; several count as one.
final class Bell: Sendable {
    private enum State {
        case silent, rung
        case waiting(CheckedContinuation<Bool, Never>)
    }

    private let state = Mutex(State.silent)

    func ring() {
        finishWait(with: true)
    }

    /// True after a ring, at once when it rang before; false when the task is cancelled. One task at a time may wait.
    func wait() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result = state.withLock { state -> Bool? in
                    if Task.isCancelled { return false }
                    if case .rung = state {
                        state = .silent
                        return true
                    }
                    state = .waiting(continuation)
                    return nil
                }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            finishWait(with: false)
        }
    }

    /// As `wait`, until that moment at most; nil waits for as long as it takes. True after a ring.
    @discardableResult
    func wait(until moment: WallTime?, _ clock: any OutboxClock) async -> Bool {
        guard let moment else { return await wait() }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.wait() }
            group.addTask {
                try? await clock.sleep(until: moment)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
    }

    /// Resumes the waiter; without one, a ring is kept and a cancellation is forgotten.
    private func finishWait(with result: Bool) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard case .waiting(let continuation) = state else {
                if result { state = .rung }
                return nil
            }
            state = .silent
            return continuation
        }
        waiter?.resume(returning: result)
    }
}
