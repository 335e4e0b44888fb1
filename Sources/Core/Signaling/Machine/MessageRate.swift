package import BridgeModel

/// A socket's message budget: a token bucket for the rate, and a count over a window for floods (streamrec contract, section 10).
package struct MessageRate: Sendable {
    /// What becomes of a message.
    package enum Verdict: Sendable, Equatable {
        case admitted
        /// Dropped, with an error frame.
        case refused
        /// Twice the rate was kept up for the whole window: the socket is closed.
        case flood
    }

    private let limits: SocketLimits
    private var tokens: Double
    private var refilledAt: MonotonicTime
    private var windowStart: MonotonicTime
    private var inWindow = 0

    package init(limits: SocketLimits, now: MonotonicTime) {
        self.limits = limits
        tokens = Double(limits.messageBurst)
        refilledAt = now
        windowStart = now
    }

    /// Counts one message that arrived `now`.
    package mutating func admit(now: MonotonicTime) -> Verdict {
        guard !isFlood(now: now) else { return .flood }
        let elapsed = Double(now.duration(since: refilledAt).wholeNanoseconds) / 1e9
        tokens = min(Double(limits.messageBurst), tokens + max(0, elapsed) * Double(limits.messagesPerSecond))
        refilledAt = now
        guard tokens >= 1 else { return .refused }
        tokens -= 1
        return .admitted
    }

    private mutating func isFlood(now: MonotonicTime) -> Bool {
        if now.duration(since: windowStart) >= limits.floodWindow {
            windowStart = now
            inWindow = 0
        }
        inWindow += 1
        let allowed = 2 * limits.messagesPerSecond * Int(limits.floodWindow.wholeMilliseconds) / 1000
        return inWindow >= max(allowed, limits.messageBurst + 1)
    }
}

/// Counts events in a sliding window: the bad messages of a socket.
package struct SlidingCount: Sendable {
    private let limit: Int
    private let window: Duration
    private var times: [MonotonicTime] = []

    /// - Parameter limit: The count that is too many; at most this many times are kept.
    package init(limit: Int, window: Duration) {
        self.limit = limit
        self.window = window
    }

    /// Adds one event; true when it is the `limit`th within the window.
    package mutating func add(now: MonotonicTime) -> Bool {
        times.removeAll { now.duration(since: $0) >= window }
        times.append(now)
        guard times.count >= limit else { return false }
        times.removeFirst(times.count - limit + 1)
        return true
    }
}
