internal import Bridge
internal import Synchronization

/// Runs `operation` until `limit` returns; then it is cancelled, and the result is `.timedOut`. Returns when both have ended.
func limited<T: Sendable>(
    by limit: @escaping @Sendable () async -> Void,
    _ operation: @escaping @Sendable () async -> Result<T, AttemptFault>
) async -> Result<T, AttemptFault> {
    await withTaskGroup(of: Result<T, AttemptFault>.self) { group in
        group.addTask { await operation() }
        group.addTask {
            await limit()
            return .failure(.timedOut)
        }
        let first = await group.next()
        group.cancelAll()
        return first ?? .failure(.timedOut)
    }
}

/// As `limited(by:)`, with a time.
func limited<T: Sendable>(
    to time: Duration, _ operation: @escaping @Sendable () async -> Result<T, AttemptFault>
) async -> Result<T, AttemptFault> {
    await limited(by: { try? await Task.sleep(for: time) }, operation)
}

/// How far a transfer has come, and when it last moved.
final class TransferProgress: Sendable {
    /// Bytes that will be sent in all.
    let total: Int64
    private let state = Mutex((sent: Int64(0), movedAt: ContinuousClock.now))
    /// Whether everything had been sent when the reply came; nil before that.
    private let atReply = Mutex<Bool?>(nil)

    init(total: Int64) { self.total = total }

    var isComplete: Bool { state.withLock { $0.sent >= total } }

    /// Whether everything had been sent when the reply came, or now where nobody noted that.
    var wasCompleteAtReply: Bool { atReply.withLock { $0 } ?? isComplete }

    /// The reply has begun to come.
    func replied() {
        let isComplete = isComplete
        atReply.withLock { $0 = isComplete }
    }

    /// A body begins to be sent, for the first time or to another address.
    func restart() { state.withLock { $0 = (0, .now) } }

    func advance(by count: Int) { state.withLock { $0 = ($0.sent + Int64(count), .now) } }

    /// Returns when nothing has moved for `limit`, or when the task is cancelled.
    func untilStalled(for limit: Duration) async {
        while !Task.isCancelled {
            let deadline = state.withLock { $0.movedAt.advanced(by: limit) }
            guard ContinuousClock.now < deadline else { return }
            try? await Task.sleep(until: deadline)
        }
    }
}
