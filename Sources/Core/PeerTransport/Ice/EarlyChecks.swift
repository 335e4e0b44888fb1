package import BridgeModel

/// Checks of peers that have an offer of ours and whose answer is still under way.
///
/// Who answers an offer begins its checks at once, and they overtake the answer, which comes by way of the signalling (RFC 8445 section 7.3 has an agent
/// expect that). Refused, a check is repeated only after 50 ms by Chromium and after 200 by Pion. So the newest of each path is kept until the peer opens.
///
/// Only what proves the password is to be kept: nothing here is for strangers to fill.
package struct EarlyChecks: Sendable {
    /// A check that waits for its peer.
    package struct Check: Sendable {
        /// The STUN message.
        package let datagram: [UInt8]
        package let tuple: FiveTuple
        /// The worker that received it; nil for this one.
        package let receiver: Int?
        fileprivate let arrival: MonotonicTime
    }

    private struct Expected {
        let credentials: IceCredentials
        var checks: [Check] = []
    }

    /// Paths that a peer may try meanwhile.
    package static let pathsPerPeer = 4
    /// Bytes of a check that is kept. A username of 513 bytes (RFC 5389 section 15.3) and all that ICE adds are less.
    package static let longest = 1024
    /// How long a check counts: its sender has tried again by then.
    package static let patience: Duration = .milliseconds(500)

    private var expected: [LocalUfrag: Expected] = [:]
    private let capacity: Int

    /// For at most `capacity` peers at a time; checks of more than that are refused, as they would be without this.
    package init(capacity: Int) { self.capacity = capacity }

    /// Peers that are awaited.
    package var count: Int { expected.count }

    /// An offer with these credentials leaves.
    package mutating func expect(_ credentials: IceCredentials) {
        guard expected.count < capacity else { return }
        expected[credentials.ufrag] = Expected(credentials: credentials)
    }

    /// What the checks of an awaited peer prove themselves with; nil when none has this fragment.
    package func credentials(of ufrag: LocalUfrag) -> IceCredentials? { expected[ufrag]?.credentials }

    /// Keeps an authentic check, instead of an earlier one of the same path. False when nobody is awaited, or there is too much of it.
    package mutating func keep(
        _ datagram: UnsafeRawBufferPointer, of ufrag: LocalUfrag, on tuple: FiveTuple, receiver: Int?, now: MonotonicTime
    ) -> Bool {
        guard datagram.count <= Self.longest, var peer = expected[ufrag] else { return false }
        peer.checks.removeAll { $0.tuple == tuple || now.duration(since: $0.arrival) > Self.patience }
        guard peer.checks.count < Self.pathsPerPeer else { return false }
        peer.checks.append(Check(datagram: Array(datagram), tuple: tuple, receiver: receiver, arrival: now))
        expected[ufrag] = peer
        return true
    }

    /// The peer will not open.
    package mutating func forget(_ ufrag: LocalUfrag) { expected[ufrag] = nil }

    /// The peer opens: what waits for it and still counts, in the order in which it came. Nobody is awaited by this name any more.
    package mutating func take(_ ufrag: LocalUfrag, now: MonotonicTime) -> [Check] {
        guard let peer = expected.removeValue(forKey: ufrag) else { return [] }
        return peer.checks.filter { now.duration(since: $0.arrival) <= Self.patience }
    }
}
