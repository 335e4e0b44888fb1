/// How many finishers run at once. Each is a process that takes a core for a moment: when all recordings end together, all finishers at once would
/// keep the cores from everything that is live. Who comes when all places are taken waits, and is served in order.
package actor FinisherPlaces {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// How many wait.
    var waitingCount: Int { waiting.count }

    /// One place at least.
    package init(_ count: Int) { free = max(1, count) }

    /// Runs `work` in a place of its own.
    package func withPlace(_ work: @Sendable () async -> Void) async {
        await take()
        await work()
        giveBack()
    }

    private func take() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    /// The place goes on to the next, or is free.
    private func giveBack() {
        guard waiting.isEmpty else { return waiting.removeFirst().resume() }
        free += 1
    }
}
