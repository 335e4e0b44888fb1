/// When a handshake flight is sent again (RFC 6347 section 4.2.4.1). Time is the caller's.
struct RetransmissionTimer {
    /// Shorter than the second of RFC 6347, as its section 4.2.4.1 lets time-sensitive applications choose: a lost packet must not cost a joiner
    /// a second.
    static let firstInterval = Duration.milliseconds(100)
    static let longestInterval = Duration.milliseconds(3200)
    /// The last repetition is 25 s after the first sending.
    static let repetitions = 12
    /// A flight is not sent again sooner than this on a peer's prompting, which may come in many datagrams.
    private static let quietTime = Duration.milliseconds(20)
    /// Nor more often than this: whoever prompts is not proved to be the peer, and the flight is longer than what prompts it.
    static let promptedRepetitions = 24

    /// nil while no flight waits for an answer.
    private(set) var deadline: Duration?
    private var interval = Self.firstInterval
    private var count = 0
    private var promptedCount = 0
    private var lastSent = Duration.zero

    /// A new flight was sent.
    mutating func start(now: Duration) {
        interval = Self.firstInterval
        count = 0
        promptedCount = 0
        arm(now: now)
    }

    /// Whether the flight has to be sent again now. nil: it was sent often enough.
    mutating func isDue(now: Duration) -> Bool? {
        guard let deadline, now >= deadline else { return false }
        guard count < Self.repetitions else { return nil }
        count += 1
        interval = min(interval * 2, Self.longestInterval)
        arm(now: now)
        return true
    }

    /// Whether the flight may be sent again because the peer repeated its own.
    mutating func mayRepeat(now: Duration) -> Bool {
        guard deadline != nil, now - lastSent >= Self.quietTime, promptedCount < Self.promptedRepetitions else { return false }
        promptedCount += 1
        arm(now: now)
        return true
    }

    private mutating func arm(now: Duration) {
        lastSent = now
        deadline = now + interval
    }
}
