import Bridge
import BridgeModel
import LinuxIO

/// Descriptors of one worker: who is meant when one is ready, and the counters that all streams share.
struct MediaPorts: ~Copyable {
    /// Whose descriptor it is.
    enum Owner {
        case mailbox
        /// Source `track` of a stream.
        case source(MediaStream, track: Int)
        /// The UDP socket of all peers.
        case peers
        /// The sink of a stream that has this token.
        case sink(MediaStream)
    }

    private(set) var epoll: Epoll
    /// The way out to peers.
    var edge: EdgePort
    /// Gauges are left at zero here.
    var counters = HubTotals()
    private var owners: [UInt64: Owner] = [:]
    private var nextToken: UInt64 = 1
    /// What the UDP socket of the peers is watched with, and whether for room.
    private var peersToken: UInt64?
    private var watchesRoom = false

    init(epoll: consuming Epoll, edge: consuming EdgePort) {
        self.epoll = epoll
        self.edge = edge
    }

    /// Watches a descriptor; nil when the system refuses it (it is no socket, or there is no memory). Tokens are never used again.
    mutating func open(_ descriptor: Int32, owner: Owner) -> UInt64? {
        let token = nextToken
        guard (try? epoll.add(descriptor, token: token)) != nil else { return nil }
        nextToken += 1
        owners[token] = owner
        return token
    }

    /// Watches the UDP socket of all peers; false when the system refuses it.
    mutating func openPeers(_ descriptor: Int32) -> Bool {
        peersToken = open(descriptor, owner: .peers)
        return peersToken != nil
    }

    /// Begins or ends to wait for room in that socket, as it is full or not.
    mutating func settlePeers() {
        guard let token = peersToken, let socket = edge.socket, edge.isBlocked != watchesRoom else { return }
        watchesRoom = edge.isBlocked
        watchWriting(watchesRoom, of: socket.descriptor, token: token)
    }

    /// Stops watching a descriptor that is still open.
    mutating func forget(_ descriptor: Int32, token: UInt64) {
        guard owners.removeValue(forKey: token) != nil else { return }
        // It fails only when the descriptor was closed behind our back: then nothing is watched either.
        try? epoll.remove(descriptor)
    }

    /// Begins or ends to wait for room in a socket.
    func watchWriting(_ isWatched: Bool, of descriptor: Int32, token: UInt64) {
        // Failing leaves the sink without wake-up: the next packet tries again.
        try? epoll.watchWriting(isWatched, of: descriptor, token: token)
    }

    mutating func wait(timeout: Duration?) throws(SystemError) -> Int { try epoll.wait(timeout: timeout) }

    /// Event `index` of the last wait and whose it is; nil when its owner has gone meanwhile.
    func ready(_ index: Int) -> (event: Epoll.Event, owner: Owner)? {
        let event = epoll.event(index)
        return owners[event.token].map { (event, $0) }
    }
}
