import BridgeModel
import LinuxIO
import PeerTransport

extension EdgeLoop {
    /// Connections taken before others have their turn.
    private static let acceptsPerTurn = 16
    /// What waits for a reader that takes nothing is given up after so long.
    private static let stallLimit: UInt64 = 5_000_000_000

    /// Takes the TCP connections that wait. When the process has no descriptor left, the listener rests until the next sweep.
    mutating func accept(ports: inout MediaPorts, now: MonotonicTime) {
        guard let listener = ports.edge.listener else { return }
        for _ in 0..<Self.acceptsPerTurn {
            switch listener.accept() {
            case .connection(let connection): add(connection, ports: &ports, now: now)
            case .empty: return
            case .exhausted: return ports.restListener()
            }
        }
    }

    private mutating func add(_ connection: FramedConnection, ports: inout MediaPorts, now: MonotonicTime) {
        // A connection that is not kept is closed by its end.
        guard ports.edge.connectionCount < environment.peersPerWorker else { return }
        let tuple = FiveTuple(
            local: TransportAddress(connection.local, port: connection.local.port),
            remote: TransportAddress(connection.remote, port: connection.remote.port), transport: .tcp)
        _ = ports.add(connection, as: tuple, watch: StreamConnectionWatch(now: now))
    }

    /// The connection has something to read or room, or is over.
    mutating func serve(
        _ connection: EdgeConnection, _ event: Epoll.Event, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        var isOpen = true
        if event.isWritable {
            isOpen = connection.connection.flush(now: now.nanoseconds)
            ports.edge.note(connection)
        }
        if isOpen, event.isReadable || event.isClosed {
            departures.isAllowed = !connection.isHanded
            let closing = connection.connection.receive { frame in
                guard isOpen, connection.watch.received(frame.count, now: now) else {
                    isOpen = false
                    return
                }
                take(frame, of: connection, streams: &streams, ports: &ports, now: now)
            }
            departures.isAllowed = false
            isOpen = isOpen && closing == nil
        }
        let departure = departures.take()
        if !isOpen {
            lose(connection, streams: &streams, ports: &ports, now: now)
        } else if let departure {
            ports.close(connection)
            exchange.hand(connection, unread: departure.unread, to: departure.owner)
        }
        finishTurn(streams: &streams, ports: &ports, now: now)
    }

    /// A connection that another worker accepted, whose first check names a peer of this one.
    mutating func take(_ handed: HandedConnection, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        guard ports.edge.connectionCount < environment.peersPerWorker,
            let connection = ports.add(handed.connection, as: handed.tuple, watch: handed.watch)
        else { return }
        connection.isHanded = true
        var unread = handed.unread
        unread.forEachDatagram { frame, _ in take(frame, of: connection, streams: &streams, ports: &ports, now: now) }
        finishTurn(streams: &streams, ports: &ports, now: now)
    }

    private mutating func take(
        _ frame: UnsafeMutableRawBufferPointer, of connection: EdgeConnection, streams: inout MediaStreams, ports: inout MediaPorts,
        now: MonotonicTime
    ) {
        if !departures.hasBegun { take(frame, on: connection.tuple, streams: &streams, ports: &ports, now: now) }
        if departures.hasBegun { return departures.keep(UnsafeRawBufferPointer(frame), of: connection.tuple) }
        if table.path(of: connection.tuple) != nil { connection.watch.introduced(now: now) }
    }

    /// Closes what stayed too long without a word, or does not read.
    mutating func sweepConnections(streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        ports.wakeListener()
        for connection in ports.edge.allConnections {
            let isStalled = connection.connection.isStalled(now: now.nanoseconds, limit: Self.stallLimit)
            guard isStalled || connection.watch.isOverdue(now: now) else { continue }
            lose(connection, streams: &streams, ports: &ports, now: now)
        }
    }

    /// The connection is over; its peer lives on as long as it has, or gets, another path.
    private mutating func lose(_ connection: EdgeConnection, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        ports.close(connection)
        guard let path = table.path(of: connection.tuple), let peer = peers[path.peer.number] else { return }
        peer.transport.pathLost(path.path, now: now, effects: &effects)
        applyEffects(of: peer, streams: &streams, ports: &ports, now: now)
    }
}
