package import BridgeModel

/// The checks of a controlling full ICE agent (RFC 8445 section 7.2) in the smallest form that serves a load generator: all candidates of the server are tried at
/// once, each check nominates, the first that is answered is the path; then consent is kept (RFC 7675). Pure.
package struct PathChecks: Sendable {
    /// A check to be sent now.
    package struct Check: Sendable, Equatable {
        /// Index of the candidate.
        package var candidate: Int
        /// Half of the transaction's number; the other half is the peer's own.
        package var transaction: UInt64
    }

    private enum State: Sendable {
        case checking
        /// The path, and when it was last answered.
        case established(Int, answeredAt: MonotonicTime)
    }

    /// Pace of the first checks (RFC 8445 section 14.2: Ta), and after two seconds without an answer.
    static let fastInterval: Duration = .milliseconds(50)
    static let slowInterval: Duration = .milliseconds(200)
    private static let impatience: Duration = .seconds(2)
    /// RFC 7675 section 5.1: a check each 5 s on average, 80 % to 120 % of it; consent ends 30 s after the last answer.
    static let consentInterval: Duration = .seconds(5)
    static let consentLimit: Duration = .seconds(30)
    /// Candidates beyond these are not tried.
    static let candidateLimit = 8
    /// Transactions that an answer may belong to.
    private static let memory = 32

    private var state = State.checking
    private let candidateCount: Int
    private var next: MonotonicTime
    private let startedAt: MonotonicTime
    private var pending: [Check] = []
    private var nextTransaction: UInt64

    /// `seed` begins the transactions' numbers.
    package init(candidateCount: Int, seed: UInt64, now: MonotonicTime) {
        self.candidateCount = min(candidateCount, Self.candidateLimit)
        nextTransaction = seed
        startedAt = now
        next = now
    }

    /// The candidate that answered; nil until one did.
    package var path: Int? {
        guard case .established(let path, _) = state else { return nil }
        return path
    }

    /// When `check` has something to send.
    package var deadline: MonotonicTime { next }

    /// The server has not answered for so long that nothing may be sent to it any more.
    package func hasLostConsent(now: MonotonicTime) -> Bool {
        guard case .established(_, let answeredAt) = state else { return false }
        return now.duration(since: answeredAt) > Self.consentLimit
    }

    /// The checks that are due.
    package mutating func check(now: MonotonicTime) -> [Check] {
        guard next <= now else { return [] }
        let candidates: Range<Int>
        switch state {
        case .checking:
            candidates = 0..<candidateCount
            next = now.advanced(by: now.duration(since: startedAt) < Self.impatience ? Self.fastInterval : Self.slowInterval)
        case .established(let path, _):
            candidates = path..<path + 1
            // The transaction's number is as good as a random one to spread a thousand peers.
            let share = Int64(truncatingIfNeeded: nextTransaction &* 0x9E37_79B9_7F4A_7C15 >> 40) % 400 - 200
            next = now.advanced(by: Self.consentInterval + Self.consentInterval * share / 1000)
        }
        let checks = candidates.map { candidate in
            nextTransaction &+= 1
            return Check(candidate: candidate, transaction: nextTransaction)
        }
        pending = Array((pending + checks).suffix(Self.memory))
        return checks
    }

    /// The server answered a check, authentically. True when that made the path.
    package mutating func answered(_ transaction: UInt64, now: MonotonicTime) -> Bool {
        guard let check = pending.first(where: { $0.transaction == transaction }) else { return false }
        switch state {
        case .checking:
            state = .established(check.candidate, answeredAt: now)
            next = now.advanced(by: Self.consentInterval)
            pending.removeAll()
            return true
        case .established(let path, _):
            if path == check.candidate { state = .established(path, answeredAt: now) }
            pending.removeAll { $0.transaction <= transaction }
            return false
        }
    }
}
