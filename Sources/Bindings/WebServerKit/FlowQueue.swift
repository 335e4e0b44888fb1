import DequeModule
import Synchronization

/// A queue from one producer that cannot wait to one consumer that can, with a notice when the producer should pause.
///
/// `push` never suspends: it says whether the consumer has fallen behind by more than `highWater`, and `onDrained` is called, on the consumer's
/// thread, once the cost waiting has fallen to half of that. The bound is kept by the producer, who stops reading its socket in between.
final class FlowQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: Deque<(element: Element, cost: Int)> = []
        var cost = 0
        var isPaused = false
        var isFinished = false
        var waiter: CheckedContinuation<Element?, Never>?
    }

    private let state = Mutex(State())
    private let highWater: Int
    private let onDrained: @Sendable () -> Void

    init(highWater: Int, onDrained: @escaping @Sendable () -> Void) {
        self.highWater = highWater
        self.onDrained = onDrained
    }

    /// Hands an element over; true when the producer should pause until `onDrained`.
    func push(_ element: Element, cost: Int) -> Bool {
        let (waiter, isPaused) = state.withLock { state -> (CheckedContinuation<Element?, Never>?, Bool) in
            guard !state.isFinished else { return (nil, false) }
            if let waiter = state.waiter {
                state.waiter = nil
                return (waiter, false)
            }
            state.elements.append((element, cost))
            state.cost += cost
            if state.cost > highWater { state.isPaused = true }
            return (nil, state.isPaused)
        }
        waiter?.resume(returning: element)
        return isPaused
    }

    /// Lets the consumer have what is queued, then nil. Later elements are dropped.
    func finish() {
        let waiter = state.withLock { state -> CheckedContinuation<Element?, Never>? in
            state.isFinished = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }

    /// The next element, or nil at the end, when the consumer's task is cancelled, or when another task is already waiting.
    func next() async -> Element? {
        if let ready = takeReady() { return ready.element }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in wait(with: continuation) }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Element?, Never>? in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(returning: nil)
        }
    }

    private func wait(with continuation: CheckedContinuation<Element?, Never>) {
        // Cancellation is looked at inside the lock: what comes later finds the waiter there.
        let answer = state.withLock { state -> Answer in
            if Task.isCancelled || state.waiter != nil { return .nothing }
            guard state.elements.isEmpty, !state.isFinished else { return .ready }
            state.waiter = continuation
            return .later
        }
        switch answer {
        case .later: break
        case .ready: continuation.resume(returning: takeReady()?.element)
        case .nothing: continuation.resume(returning: nil)
        }
    }

    private enum Answer {
        case later
        case ready
        case nothing
    }

    private func takeReady() -> (element: Element, cost: Int)? {
        let (first, hasDrained) = state.withLock { state -> ((element: Element, cost: Int)?, Bool) in
            guard let first = state.elements.popFirst() else { return (nil, false) }
            state.cost -= first.cost
            guard state.isPaused, state.cost <= highWater / 2 else { return (first, false) }
            state.isPaused = false
            return (first, true)
        }
        if hasDrained { onDrained() }
        return first
    }
}
