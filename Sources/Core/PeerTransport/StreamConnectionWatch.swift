package import BridgeModel

/// How long an accepted TCP connection may live before it belongs to a peer, and how long it may say nothing afterwards: nobody keeps a descriptor of
/// ours without a password. Passive ICE-TCP (RFC 6544) only: we accept and never connect.
package struct StreamConnectionWatch: Sendable, Equatable {
    /// The limits.
    package struct Limits: Sendable, Equatable {
        /// From the accept to the first verified check.
        package var introduction: Duration = .seconds(10)
        /// Bytes that are read before the first verified check: some checks' worth.
        package var introductionBytes = 4096
        /// Between two reads afterwards. A peer that is alive sends a check at least each 6 s (RFC 7675 section 5.1).
        package var idle: Duration = .seconds(30)

        package init() {}
    }

    private let limits: Limits
    private var isIntroduced = false
    private var strangeBytes = 0
    private var since: MonotonicTime

    /// A connection that was accepted now.
    package init(limits: Limits = Limits(), now: MonotonicTime) {
        self.limits = limits
        since = now
    }

    /// When the connection is to be closed unless something comes before.
    package var deadline: MonotonicTime { since.advanced(by: isIntroduced ? limits.idle : limits.introduction) }

    /// True when the connection is to be closed.
    package func isOverdue(now: MonotonicTime) -> Bool { now >= deadline }

    /// So many bytes were read. False when the connection is to be closed: too many of a stranger.
    package mutating func received(_ count: Int, now: MonotonicTime) -> Bool {
        guard !isIntroduced else {
            since = now
            return true
        }
        strangeBytes = min(limits.introductionBytes + 1, strangeBytes + min(max(0, count), limits.introductionBytes + 1))
        return strangeBytes <= limits.introductionBytes
    }

    /// A path was opened on this connection.
    package mutating func introduced(now: MonotonicTime) {
        isIntroduced = true
        since = now
    }

    /// False: of this connection only STUN may be read, one frame at a time.
    package var mayCarryMedia: Bool { isIntroduced }
}
