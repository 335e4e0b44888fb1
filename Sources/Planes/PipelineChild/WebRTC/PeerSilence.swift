internal import BridgeModel

/// Notices that nothing came from a peer for so long that its consent to be sent to has gone (RFC 7675 section 5.1): a living peer answers the
/// agent's checks every few seconds, whatever else it sends. Pure.
struct PeerSilence {
    /// How long consent lasts.
    static let limit: Duration = .seconds(30)
    /// How often `hasEnded` is to be asked; the verdict comes so much earlier that it never comes late.
    static let interval: Duration = .milliseconds(500)

    private let limit: Duration
    private var newest: Int64
    private var heardAt: MonotonicTime

    /// The peer was heard of just now.
    init(newest: Int64, now: MonotonicTime, limit: Duration = PeerSilence.limit) {
        self.limit = limit
        self.newest = newest
        heardAt = now
    }

    /// Takes what marks the newest datagram: only that it changes counts, not the clock that it was made from. True once consent has gone.
    mutating func hasConsentEnded(newest: Int64, now: MonotonicTime) -> Bool {
        if newest != self.newest {
            self.newest = newest
            heardAt = now
        }
        return now.duration(since: heardAt) > limit - Self.interval * 2
    }
}
