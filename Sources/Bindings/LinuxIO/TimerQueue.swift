internal import Glibc
internal import Synchronization

/// Sleeps on CLOCK_MONOTONIC, thousands at once, that one thread of its own wakes.
///
/// A sleep that is cancelled is forgotten at once. `Task.sleep` keeps its timer and a task until the deadline has passed, cancelled or not: half a
/// kilobyte for each deadline that a session ever had, the farthest of them hours away.
package final class TimerQueue: Sendable {
    private let sleepers: Sleepers
    private let thread: JoinableThread

    /// Starts the thread, which ends with the queue. `name`: of the thread, cut to 15 bytes.
    package init(name: String) throws(SystemError) {
        let sleepers = try Sleepers()
        self.sleepers = sleepers
        thread = try JoinableThread(name: name) { sleepers.run() }
    }

    deinit {
        // Nobody sleeps any more: a sleeper holds the queue.
        sleepers.stop()
        thread.join()
    }

    /// How many sleep now.
    package var count: Int { sleepers.count }

    /// Returns at `deadline`, nanoseconds of CLOCK_MONOTONIC, or as little later as the threads allow; at once when it has passed. Throws when the
    /// task is cancelled, be it before or meanwhile.
    package func sleep(until deadline: UInt64) async throws(CancellationError) {
        let number = sleepers.nextNumber()
        let isReached = await withTaskCancellationHandler {
            await withCheckedContinuation { sleepers.add($0, number: number, until: deadline) }
        } onCancel: { [sleepers] in
            sleepers.cancel(number)
        }
        guard isReached else { throw CancellationError() }
    }
}

/// What the sleeping tasks and the thread share.
private final class Sleepers: Sendable {
    /// True: the deadline was reached.
    typealias Continuation = CheckedContinuation<Bool, Never>

    private struct State {
        var table = TimerTable<Continuation>()
        var isStopping = false
    }

    private let state = Mutex(State())
    private let lastNumber = Atomic<UInt64>(0)
    private let wake: EventFD

    init() throws(SystemError) { wake = try EventFD() }

    var count: Int { state.withLock { $0.table.count } }

    func nextNumber() -> UInt64 { lastNumber.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Called by the task that sleeps.
    func add(_ continuation: Continuation, number: UInt64, until deadline: UInt64) {
        let isFirst = state.withLock { state in
            let isFirst = state.table.next.map { deadline < $0 } ?? true
            state.table.insert(continuation, number: number, until: deadline)
            return isFirst
        }
        if isFirst { wake.signal() }
        // `cancel` may have come before there was anything to cancel.
        if Task.isCancelled { cancel(number) }
    }

    func cancel(_ number: UInt64) {
        state.withLock { $0.table.remove(number) }?.resume(returning: false)
    }

    func stop() {
        state.withLock { $0.isStopping = true }
        wake.signal()
    }

    /// The thread.
    func run() {
        while true {
            let now = SystemClocks.monotonicNanoseconds
            let (due, next, isStopping) = state.withLock { ($0.table.removeDue(at: now), $0.table.next, $0.isStopping) }
            for continuation in due { continuation.resume(returning: true) }
            guard !isStopping else { return }
            // Rounded up, so that the deadline has passed when the wait is over.
            wait(milliseconds: next.map { Int32(clamping: ($0 - now) / 1_000_000 + 1) })
        }
    }

    /// Nil: until somebody comes with an earlier deadline, which ends every wait.
    private func wait(milliseconds: Int32?) {
        var waits = pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&waits, 1, milliseconds ?? -1)
        wake.drain()
    }
}
