internal import BridgeModel

/// Notices that nothing came from a peer for so long that its consent to be sent to has gone (RFC 7675 section 5.1): a living peer answers the
/// agent's checks every few seconds, whatever else it sends. Pure.
struct PeerSilence {
    /// How long consent lasts.
    static let limit: Duration = .seconds(30)
    /// How often `hasEnded` is to be asked; the verdict comes so much earlier that it never comes late.
    static let interval: Duration = .milliseconds(500)

    /// How long a peer's rhythm is listened to before its silence says anything.
    private static let acquaintance: Duration = .seconds(10)
    /// No silence shorter than this means anything: networks and machines stand still for a second or two.
    private static let shortestDoubt: Duration = .seconds(3)
    /// So many times the longest pause that a peer has ever made.
    private static let doubtFactor = 3

    private let limit: Duration
    private let beganAt: MonotonicTime
    private var longestPause = Duration.zero
    private var isDoubted = false
    private var newest: Int64
    private var heardAt: MonotonicTime

    /// The peer was heard of just now.
    init(newest: Int64, now: MonotonicTime, limit: Duration = PeerSilence.limit) {
        self.limit = limit
        self.newest = newest
        heardAt = now
        beganAt = now
    }

    /// Whether it has been silent for longer than it ever was, by far: the path is broken, or the peer stands still. Ask after `hasConsentEnded`.
    func isDoubtful(now: MonotonicTime) -> Bool {
        now.duration(since: beganAt) >= Self.acquaintance
            && now.duration(since: heardAt) > max(Self.shortestDoubt, longestPause * Self.doubtFactor)
    }

    /// `isDoubtful` where it is another than at the time before; nil where it is the same.
    mutating func doubtNews(now: MonotonicTime) -> Bool? {
        let isDoubtful = isDoubtful(now: now)
        guard isDoubtful != isDoubted else { return nil }
        isDoubted = isDoubtful
        return isDoubtful
    }

    /// Takes what marks the newest datagram: only that it changes counts, not the clock that it was made from. True once consent has gone.
    mutating func hasConsentEnded(newest: Int64, now: MonotonicTime) -> Bool {
        if newest != self.newest {
            self.newest = newest
            longestPause = max(longestPause, now.duration(since: heardAt))
            heardAt = now
        }
        return now.duration(since: heardAt) > limit - Self.interval * 2
    }
}
