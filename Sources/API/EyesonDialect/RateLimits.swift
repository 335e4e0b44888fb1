package import BridgeModel

/// A token bucket in virtual time.
package struct TokenBucket: Sendable, Equatable {
    /// Tokens when full.
    private let capacity: Int64
    /// How long one token takes to come back.
    private let interval: Duration
    /// The moment at which the bucket is, or will be, full again.
    private var fullAt: MonotonicTime

    /// A full bucket of `capacity` tokens, refilled at `rate` tokens per `period`.
    package init(capacity: Int, rate: Int, per period: Duration = .seconds(1), now: MonotonicTime) {
        self.capacity = Int64(capacity)
        interval = period / rate
        fullAt = now
    }

    /// How long until a token is there; zero when there is one.
    package func wait(at now: MonotonicTime) -> Duration {
        let missing = max(.zero, fullAt.duration(since: now))
        return max(.zero, missing - interval * Int(capacity - 1))
    }

    /// Takes a token if there is one; true when it did.
    package mutating func take(at now: MonotonicTime) -> Bool {
        guard wait(at: now) == .zero else { return false }
        fullAt = max(fullAt, now).advanced(by: interval)
        return true
    }

    /// True when nothing is missing: such a bucket is as good as none.
    package func isFull(at now: MonotonicTime) -> Bool { fullAt <= now }
}

/// One bucket per name, a bounded number of them.
package struct RateTable: Sendable {
    private let capacity: Int
    private let rate: Int
    private let period: Duration
    private let limit: Int
    private var buckets: [String: TokenBucket] = [:]

    package init(capacity: Int, rate: Int, per period: Duration, limit: Int = 10_000) {
        self.capacity = capacity
        self.rate = rate
        self.period = period
        self.limit = limit
    }

    /// How long until `name` may go on; zero when it may.
    package func wait(_ name: String, at now: MonotonicTime) -> Duration {
        buckets[name]?.wait(at: now) ?? .zero
    }

    /// Takes a token of `name`; the wait when there is none.
    package mutating func take(_ name: String, at now: MonotonicTime) -> Duration {
        var bucket = buckets[name] ?? TokenBucket(capacity: capacity, rate: rate, per: period, now: now)
        guard bucket.take(at: now) else { return bucket.wait(at: now) }
        if buckets[name] == nil { makeRoom(at: now) }
        buckets[name] = bucket
        return .zero
    }

    /// Forgets buckets that are full; if there are none, all: a flood of names must not grow the table, and forgetting is the lesser harm.
    private mutating func makeRoom(at now: MonotonicTime) {
        guard buckets.count >= limit else { return }
        buckets = buckets.filter { !$0.value.isFull(at: now) }
        if buckets.count >= limit { buckets.removeAll() }
    }
}

/// The limits of contract section 10 on REST calls.
actor RateLimits {
    /// 10 wrong keys a minute per address.
    private var wrongKeys = RateTable(capacity: 10, rate: 10, per: .seconds(60))
    /// 20 calls a second per key, burst 40. Counted per account, so that its two keys share one rate and no key is kept.
    private var authentications = RateTable(capacity: 40, rate: 20, per: .seconds(1))
    /// The same for session calls, per client.
    private var sessions = RateTable(capacity: 40, rate: 20, per: .seconds(1))

    /// The wait of an address that has sent too many wrong keys.
    func waitAfterWrongKeys(from address: String, at now: MonotonicTime) -> Duration { wrongKeys.wait(address, at: now) }

    func countWrongKey(from address: String, at now: MonotonicTime) { _ = wrongKeys.take(address, at: now) }

    /// The wait before this account may mint another token; zero counts the call.
    func takeAuthentication(of account: AccountID, at now: MonotonicTime) -> Duration { authentications.take(account.rawValue, at: now) }

    /// The wait before this client may ask for another session; zero counts the call.
    func takeSession(of grant: Grant, at now: MonotonicTime) -> Duration {
        sessions.take("\(grant.account.rawValue)/\(grant.client.rawValue)", at: now)
    }
}
