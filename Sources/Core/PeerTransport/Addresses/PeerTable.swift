/// A peer of one worker: the number of its place in the worker's array, reused after it left.
package struct PeerIndex: Hashable, Sendable {
    package let number: Int

    package init(_ number: Int) { self.number = number }
}

/// A path of a peer.
package struct PeerPath: Hashable, Sendable {
    package let peer: PeerIndex
    package let path: PathID

    package init(peer: PeerIndex, path: PathID) {
        self.peer = peer
        self.path = path
    }
}

/// Whose datagram this is: peers of one worker by the fragment of a check, and by 5-tuple for everything else. It also gives out the peers' places.
///
/// All storage is bounded by the capacity: `pathsPerPeer` validated 5-tuples and `credentialsPerPeer` fragments each. What strangers send is only
/// looked up and never stored.
package struct PeerTable: ~Copyable {
    /// Fragments that a peer answers to: its own, and during an ICE restart the one before.
    package static let credentialsPerPeer = 2
    /// Validated 5-tuples of a peer: `TransportPolicy.pathLimit` may not be higher.
    package static let pathsPerPeer = 8
    /// The most peers of one worker.
    package static let peerLimit = 1 << 20

    private struct Credential {
        var ufrag: LocalUfrag
        var peer: UInt32
    }

    private var tuples: FiveTupleTable
    private var ufrags: HashIndex
    private var credentials: [Credential] = []
    private var freeCredentials: [UInt32] = []
    private var freePeers: [UInt32] = []
    /// Paths and fragments of each place that was ever given out; nil where nobody is now.
    private var holdings: [UInt8?] = []
    private let seed: UInt64
    /// The most peers at a time.
    package let capacity: Int
    /// Peers at present.
    package private(set) var count = 0

    /// A table for `capacity` peers, 1 to `peerLimit`; more is a bug of ours. Seeds are taken from `random`.
    package init(capacity: Int, using random: inout some RandomNumberGenerator) {
        precondition((1...Self.peerLimit).contains(capacity), "no such table")
        self.capacity = capacity
        tuples = FiveTupleTable(capacity: capacity * Self.pathsPerPeer, using: &random)
        ufrags = HashIndex(capacity: capacity * Self.credentialsPerPeer)
        credentials.reserveCapacity(capacity * Self.credentialsPerPeer)
        freeCredentials.reserveCapacity(capacity * Self.credentialsPerPeer)
        freePeers.reserveCapacity(capacity)
        holdings.reserveCapacity(capacity)
        seed = random.next()
    }

    /// 5-tuples of all peers.
    package var pathCount: Int { tuples.count }
    /// Fragments of all peers.
    package var credentialCount: Int { ufrags.count }

    /// Gives a new peer its place, found by this fragment from now on. nil when all places are taken, or the fragment is in use already.
    package mutating func admit(_ ufrag: LocalUfrag) -> PeerIndex? {
        guard count < capacity else { return nil }
        guard self.peer(with: ufrag) == nil else { return nil }
        let number = freePeers.popLast().map(Int.init) ?? holdings.count
        if number == holdings.count { holdings.append(nil) }
        holdings[number] = 0
        count += 1
        return add(ufrag, of: PeerIndex(number)) ? PeerIndex(number) : nil
    }

    /// Credentials of `worker` whose fragment nobody has. `random` has to be fit for secrets.
    package func makeCredentials(worker: Int, using random: inout some RandomNumberGenerator) -> IceCredentials {
        var credentials = IceCredentials(worker: worker, using: &random)
        while peer(with: credentials.ufrag) != nil { credentials = IceCredentials(worker: worker, using: &random) }
        return credentials
    }

    /// Lets a peer be found by another fragment too. False when it is in use already, or the table is full.
    private mutating func add(_ ufrag: LocalUfrag, of peer: PeerIndex) -> Bool {
        let hash = hash(of: ufrag)
        guard self.peer(with: ufrag) == nil, ufrags.count < ufrags.capacity, hold(1, by: peer) else { return false }
        let credential = Credential(ufrag: ufrag, peer: UInt32(peer.number))
        guard let slot = freeCredentials.popLast() else {
            credentials.append(credential)
            return ufrags.insert(credentials.count - 1, hash: hash)
        }
        credentials[Int(slot)] = credential
        return ufrags.insert(Int(slot), hash: hash)
    }

    /// The peer whose credentials have this fragment.
    package func peer(with ufrag: LocalUfrag) -> PeerIndex? {
        ufrags.slot(hash: hash(of: ufrag)) { credentials[$0].ufrag == ufrag }.map { PeerIndex(Int(credentials[$0].peer)) }
    }

    /// The peer and path of a validated 5-tuple.
    @inline(__always)
    package func path(of tuple: FiveTuple) -> PeerPath? {
        tuples.value(of: tuple).map { PeerPath(peer: PeerIndex(Int($0 >> 8)), path: PathID(UInt8(truncatingIfNeeded: $0))) }
    }

    /// The path of another peer on this 5-tuple. A verified check of `peer` may open a path here only after that one was lost: if it is silent.
    package func holder(of tuple: FiveTuple, besides peer: PeerIndex) -> PeerPath? {
        path(of: tuple).flatMap { $0.peer == peer ? nil : $0 }
    }

    /// Does what an effect of `peer`'s transport says about tables. False when the effect is about something else, when the 5-tuple or fragment is
    /// another peer's, from whom nothing is taken, or when the table is full, which `pathLimit` and one restart at a time exclude.
    @discardableResult
    package mutating func apply(_ effect: TransportEffect, of peer: PeerIndex) -> Bool {
        switch effect {
        case .pathOpened(let path, let tuple): insert(tuple, of: PeerPath(peer: peer, path: path))
        case .pathClosed(let path, let tuple): remove(tuple, of: PeerPath(peer: peer, path: path))
        case .credentialsAdded(let ufrag): add(ufrag, of: peer)
        case .credentialsRetired(let ufrag): remove(ufrag, of: peer)
        case .startHandshake, .sendKeepalive, .sendCloseNotify, .event: false
        }
    }

    /// Takes the peer's place back; its paths and credentials went by the effects of its end. If they did not, the next peer in this place would get
    /// what is meant for this one: that is a bug of ours, and so is a place that is not taken.
    package mutating func release(_ peer: PeerIndex) {
        precondition(peer.number < holdings.count && holdings[peer.number] == 0, "the peer has not ended")
        holdings[peer.number] = nil
        freePeers.append(UInt32(peer.number))
        count -= 1
    }

    private mutating func insert(_ tuple: FiveTuple, of path: PeerPath) -> Bool {
        guard self.path(of: tuple) == nil, tuples.count < tuples.capacity, hold(1, by: path.peer) else { return false }
        return tuples.set(UInt32(path.peer.number) << 8 | UInt32(path.path.number), for: tuple)
    }

    /// Counts what a peer has in the tables. False when nobody is in this place.
    private mutating func hold(_ change: Int, by peer: PeerIndex) -> Bool {
        guard peer.number < holdings.count, let held = holdings[peer.number] else { return false }
        holdings[peer.number] = UInt8(clamping: Int(held) + change)
        return true
    }

    private mutating func remove(_ tuple: FiveTuple, of path: PeerPath) -> Bool {
        guard self.path(of: tuple) == path, hold(-1, by: path.peer) else { return false }
        return tuples.remove(tuple) != nil
    }

    private mutating func remove(_ ufrag: LocalUfrag, of peer: PeerIndex) -> Bool {
        let hash = hash(of: ufrag)
        guard let slot = ufrags.slot(hash: hash, where: { credentials[$0].ufrag == ufrag }), credentials[slot].peer == peer.number,
            ufrags.remove(slot, hash: hash)
        else { return false }
        freeCredentials.append(UInt32(slot))
        return hold(-1, by: peer)
    }

    private func hash(of ufrag: LocalUfrag) -> UInt32 {
        let mixed = folded(seed ^ ufrag.bits, 0x9E37_79B9_7F4A_7C15)
        return UInt32(truncatingIfNeeded: mixed ^ mixed >> 32)
    }
}
