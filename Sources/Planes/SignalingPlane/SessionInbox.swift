/// Carries what the media side reports from any thread into a session, in order.
///
/// Bounded: an engine reports a few dozen events in a session's life, so a full inbox means a fault, and the session ends with it.
final class SessionInbox<Input: Sendable>: Sendable {
    let inputs: AsyncStream<Input>
    private let continuation: AsyncStream<Input>.Continuation

    init() {
        (inputs, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1024))
    }

    /// Thread-safe; never waits.
    var report: @Sendable (Input) -> Void {
        { [continuation] input in
            if case .dropped = continuation.yield(input) { continuation.finish() }
        }
    }

    /// Nothing more is taken.
    func finish() { continuation.finish() }
}
