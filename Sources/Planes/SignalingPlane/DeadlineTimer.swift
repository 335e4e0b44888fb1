import BridgeModel

/// Wakes a session at its machine's deadline, which may move at every step; the actor that owns it is the only one that calls it.
struct DeadlineTimer {
    private let clock: RTMClock
    private var pending: (deadline: MonotonicTime, task: Task<Void, Never>)?

    init(clock: RTMClock) { self.clock = clock }

    /// Waits for this deadline from now on; nil: for none. `reached` is called with the deadline, from a task, unless another one takes its
    /// place before.
    mutating func arm(for deadline: MonotonicTime?, reached: @escaping @Sendable (MonotonicTime) async -> Void) {
        guard deadline != pending?.deadline else { return }
        pending?.task.cancel()
        pending = deadline.map { deadline in
            let task = Task { [clock] in
                guard (try? await clock.sleep(deadline)) != nil else { return }
                await reached(deadline)
            }
            return (deadline, task)
        }
    }

    /// True when the deadline that was reached is still the one that counts: it may have moved while its task was on the way. It is taken then.
    mutating func takes(_ deadline: MonotonicTime) -> Bool {
        guard pending?.deadline == deadline else { return false }
        pending = nil
        return true
    }
}
