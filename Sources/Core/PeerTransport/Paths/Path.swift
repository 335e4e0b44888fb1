import BridgeModel

/// A validated 5-tuple of a peer: a verified check came on it.
struct Path: Equatable {
    let tuple: FiveTuple
    /// PRIORITY of its first check: how the peer ranks it.
    let priority: UInt32
    /// The last verified check: the peer's consent (RFC 7675).
    var checkedAt: MonotonicTime
    /// The last verified check or authenticated packet.
    var heardAt: MonotonicTime
    /// The last USE-CANDIDATE; nil before the first, and after an ICE restart.
    var nominatedAt: MonotonicTime?
    /// The highest NOMINATION.
    var nomination: UInt32?

    /// True when this can be the same pair of candidates behind a NAT that changed its mapping: the peer sees no difference, so it does not nominate
    /// again. Candidates of a peer differ in PRIORITY (RFC 8445 section 5.1.2).
    func isRebinding(of other: Path) -> Bool {
        priority == other.priority && tuple.transport == .udp && other.tuple.transport == .udp && tuple.local == other.tuple.local
    }
}
