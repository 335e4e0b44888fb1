package import BridgeModel

/// Coalesces keyframe requests of one video track: however many sinks ask, the source is asked at most once in `interval`, and again every `interval`
/// until a keyframe is seen.
package struct KeyframeGate: Sendable {
    private enum State {
        /// Nobody waits.
        case idle
        /// Somebody waits; the source is to be asked when the interval has passed.
        case waiting
    }

    private let interval: Duration
    private var state = State.idle
    private var askedAt: MonotonicTime?

    package init(interval: Duration = .milliseconds(500)) { self.interval = interval }

    /// When `poll` is to be called next; nil while nobody waits.
    package var deadline: MonotonicTime? {
        guard case .waiting = state else { return nil }
        return askedAt?.advanced(by: interval)
    }

    /// A sink needs a keyframe. True when the source is to be asked now.
    package mutating func request(now: MonotonicTime) -> Bool {
        state = .waiting
        return poll(now: now)
    }

    /// True when the source is to be asked now, for the first time or again.
    package mutating func poll(now: MonotonicTime) -> Bool {
        guard case .waiting = state else { return false }
        if let askedAt, now.duration(since: askedAt) < interval { return false }
        askedAt = now
        return true
    }

    /// A keyframe came: whoever waited is served.
    package mutating func keyframeSeen() { state = .idle }

    /// Nobody is left who could wait.
    package mutating func cancel() { state = .idle }
}
