import Synchronization

/// Lets other tasks run until `condition` holds; false when it does not within a minute, which only a broken bridge needs.
package func eventually(_ condition: () async -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(1))
    }
    return false
}

/// What happened, in order.
package final class Journal<Entry: Sendable>: Sendable {
    private let entries = Mutex<[Entry]>([])

    package init() {}

    /// All that was noted.
    package var all: [Entry] { entries.withLock { $0 } }

    /// Notes one thing more.
    package func note(_ entry: Entry) { entries.withLock { $0.append(entry) } }
}

/// Holds callers up while it is closed.
package final class Gate: Sendable {
    private struct State {
        var isOpen = true
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// An open gate.
    package init() {}

    /// Callers that are held up now.
    package var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Holds up whoever comes from now on.
    package func close() { state.withLock { $0.isOpen = false } }

    /// Lets everybody through.
    package func open() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.isOpen = true
            return state.waiting
        }
        for caller in waiting { caller.resume() }
    }

    /// Returns when the gate is open.
    package func pass() async {
        await withCheckedContinuation { caller in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(caller) }
                return state.isOpen
            }
            if isOpen { caller.resume() }
        }
    }
}
