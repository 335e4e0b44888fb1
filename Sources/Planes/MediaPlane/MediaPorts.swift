import Bridge
import BridgeModel
import LinuxIO
import PeerTransport

/// Descriptors of one worker: who is meant when one is ready, and the counters that all streams share.
struct MediaPorts: ~Copyable {
    /// Whose descriptor it is.
    enum Owner {
        case mailbox
        /// Source `track` of a stream.
        case source(MediaStream, track: Int)
        /// The UDP socket of all peers.
        case peers
        /// The listener of ICE-TCP.
        case listener
        /// A connection of ICE-TCP.
        case connection(EdgeConnection)
        /// The sink of a stream that has this token.
        case sink(MediaStream)
    }

    private(set) var epoll: Epoll
    /// Into all workers, by their number.
    private let mailboxes: [Mailbox]
    /// The way out to peers.
    var edge: EdgePort
    /// Gauges are left at zero here.
    var counters = HubTotals()
    private var owners: [UInt64: Owner] = [:]
    private var nextToken: UInt64 = 1
    /// What the UDP socket of the peers is watched with, and whether for room.
    private var peersToken: UInt64?
    private var watchesRoom = false
    /// What the listener is watched with; nil while it rests.
    private var listenerToken: UInt64?

    init(epoll: consuming Epoll, edge: consuming EdgePort, mailboxes: [Mailbox]) {
        self.mailboxes = mailboxes
        self.epoll = epoll
        self.edge = edge
    }

    /// Asks a worker for something; one that has ended owes nothing for what workers say to each other.
    func post(_ command: WorkerCommand, toWorker number: Int) { _ = mailboxes[number].post(command) }

    /// Watches a descriptor; nil when the system refuses it (it is no socket, or there is no memory). Tokens are never used again.
    mutating func open(_ descriptor: Int32, owner: Owner) -> UInt64? {
        let token = nextToken
        guard (try? epoll.add(descriptor, token: token)) != nil else { return nil }
        nextToken += 1
        owners[token] = owner
        return token
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

// What the edge watches.
extension MediaPorts {
    /// Watches the sockets of all peers; false when the system refuses it. Without an edge there is nothing to watch.
    mutating func openPeers() -> Bool {
        guard let socket = edge.socket else { return true }
        peersToken = open(socket.descriptor, owner: .peers)
        wakeListener()
        return peersToken != nil
    }

    /// Watches the listener, if it is not watched.
    mutating func wakeListener() {
        guard listenerToken == nil, let listener = edge.listener else { return }
        listenerToken = open(listener.descriptor, owner: .listener)
    }

    /// The listener is not watched until `wakeListener`.
    mutating func restListener() {
        guard let token = listenerToken, let listener = edge.listener else { return }
        forget(listener.descriptor, token: token)
        listenerToken = nil
    }

    /// Watches an accepted connection; nil when the system refuses that.
    mutating func add(_ connection: FramedConnection, as tuple: FiveTuple, watch: StreamConnectionWatch) -> EdgeConnection? {
        let token = nextToken
        let added = EdgeConnection(connection, tuple: tuple, token: token, watch: watch)
        guard open(connection.descriptor, owner: .connection(added)) != nil else { return nil }
        edge.add(added)
        return added
    }

    /// Stops watching a connection and forgets it, which closes it unless somebody else has it.
    mutating func close(_ connection: EdgeConnection) {
        forget(connection.connection.descriptor, token: connection.token)
        edge.remove(connection)
    }

    /// Begins or ends to wait for room in the peers' sockets, as they are full or not.
    mutating func settlePeers() {
        if let token = peersToken, let socket = edge.socket, edge.isBlocked != watchesRoom {
            watchesRoom = edge.isBlocked
            watchWriting(watchesRoom, of: socket.descriptor, token: token)
        }
        for connection in edge.takeWritten() where connection.awaitsRoom != connection.connection.isWaiting {
            connection.awaitsRoom = connection.connection.isWaiting
            watchWriting(connection.awaitsRoom, of: connection.connection.descriptor, token: connection.token)
        }
    }
}
