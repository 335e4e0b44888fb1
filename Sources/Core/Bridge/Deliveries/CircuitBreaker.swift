package import BridgeModel

/// Spares a receiver that fails again and again: no webhook is tried until a pause is over, then a single one asks whether it is back. What
/// waits meanwhile loses no attempt of its schedule. Pure.
package struct CircuitBreaker: Sendable, Equatable {
    /// When it opens, and for how long.
    package struct Policy: Sendable, Equatable {
        /// Failures in a row that open it.
        package var failures: Int
        /// The first pause; each failed question doubles it.
        package var pause: Duration
        /// The longest pause.
        package var longestPause: Duration

        /// At least one failure, whatever is asked.
        package init(failures: Int = 10, pause: Duration = .seconds(5), longestPause: Duration = .seconds(300)) {
            self.failures = max(1, failures)
            self.pause = pause
            self.longestPause = max(pause, longestPause)
        }
    }

    /// What it lets through.
    package enum Phase: String, Sendable, CaseIterable {
        /// Everything.
        case closed
        /// Nothing, until `reopens`.
        case open
        /// The one that asks.
        case halfOpen = "half_open"
    }

    private let policy: Policy
    private var failures = 0
    private var pause: Duration
    /// End of the pause; nil while closed.
    private var until: WallTime?
    private var isAsking = false

    package init(_ policy: Policy = Policy()) {
        self.policy = policy
        pause = policy.pause
    }

    /// What it lets through now.
    package func phase(now: WallTime) -> Phase {
        guard let until else { return .closed }
        // A pause that ends later than it is long was begun by a clock that has been set back.
        return isAsking || now >= until || until > now.advanced(by: pause) ? .halfOpen : .open
    }

    /// Whether an attempt may begin; of a half-open breaker only the first may, until its result is known.
    package func admits(now: WallTime) -> Bool {
        switch phase(now: now) {
        case .closed: true
        case .open: false
        case .halfOpen: !isAsking
        }
    }

    /// When it will let one through; nil while that does not depend on time.
    package var reopens: WallTime? { isAsking ? nil : until }

    /// True when it has nothing to remember.
    package var isFresh: Bool { failures == 0 && until == nil }

    /// An attempt begins.
    package mutating func begin(now: WallTime) {
        if phase(now: now) == .halfOpen { isAsking = true }
    }

    /// An attempt was broken off before its result: it told nothing.
    package mutating func abandon() { isAsking = false }

    /// An attempt ended. Results of attempts that began before it opened count as well: success closes it, a failure changes nothing.
    package mutating func end(_ health: AttemptHealth, now: WallTime) {
        switch health {
        case .answered:
            self = CircuitBreaker(policy)
        case .failing where isAsking:
            isAsking = false
            pause = min(pause * 2, policy.longestPause)
            until = now.advanced(by: pause)
        case .failing:
            failures += 1
            guard failures >= policy.failures, until == nil else { return }
            until = now.advanced(by: pause)
        }
    }
}

/// What an attempt says about its receiver, whatever it says about the webhook.
package enum AttemptHealth: Sendable, Equatable {
    /// It answered, be it with a refusal of this one webhook.
    case answered
    /// It did not answer, was overloaded, or had a fault of its own.
    case failing
}

extension AttemptOutcome {
    /// 429 and 5xx are the receiver's troubles; other statuses are answers.
    package var health: AttemptHealth {
        switch self {
        case .stored: .answered
        case .failed: .failing
        case .replied(let status, _), .refused(let status, _): status == 429 || (500...599).contains(status) ? .failing : .answered
        }
    }
}
