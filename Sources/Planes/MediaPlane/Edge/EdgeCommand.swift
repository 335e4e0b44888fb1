import Bridge
import BridgeModel
import LinuxIO
import PeerTransport

/// What a worker is asked to do about peers, in the order of the calls.
enum EdgeCommand: Sendable {
    case open(EdgePeerOpening)
    case publish(PeerID)
    case limit(PeerID, LayerBounds, track: UInt8)
    case attach(EdgeSection, PeerID)
    case detach(String, PeerID)
    case bound(String, PeerID, SectionBounds)
    case forward(PeerID, track: UInt8, Bool)
    case reportLevels(PeerID)
    case restart(PeerID, IceCredentials, CheckedContinuation<Bool, Never>)
    case close(PeerID)
    case statistics(PeerID, CheckedContinuation<EdgePeerStatistics?, Never>)
    case totals(CheckedContinuation<EdgeTotals, Never>)
    /// Datagrams that another worker received for this one.
    case datagrams(DatagramParcel)
    /// An ICE-TCP connection that another worker accepted.
    case connection(HandedConnection)
    /// `owner` wants the datagrams of a 5-tuple that arrive here, or wants them no more.
    case claim(FiveTuple, owner: Int)
    case release(FiveTuple, owner: Int)

    /// What is owed when no worker will do the command.
    func decline() {
        switch self {
        case .open(let opening):
            opening.events.yield(.ended(BridgeError(.unavailable, "the media worker has ended")))
            opening.events.finish()
        case .restart(_, _, let continuation): continuation.resume(returning: false)
        case .publish, .limit, .attach, .detach, .bound, .forward, .reportLevels: break
        case .close, .datagrams, .connection, .claim, .release: break
        case .statistics(_, let continuation): continuation.resume(returning: nil)
        case .totals(let continuation): continuation.resume(returning: EdgeTotals())
        }
    }
}

/// What a worker needs for its peers.
struct EdgeWorkerParts: Sendable {
    var environment: EdgeEnvironment
    var socket: UDPSocket
    /// Nil on the workers that have none.
    var listener: TCPListener?
}

extension EdgeLoop {
    mutating func execute(_ command: EdgeCommand, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        switch command {
        case .open(let opening):
            open(opening, now: now)
            takeEarlyChecks(of: opening.credentials.ufrag, streams: &streams, ports: &ports, now: now)
        case .publish(let id):
            guard let peer = peer(id) else { return }
            publish(peer, streams: &streams, ports: &ports, now: now)
        case .limit(let id, let bounds, let track): peer(id)?.limit(to: bounds, ofTrack: track, now: now)
        case .attach, .detach, .bound, .forward, .reportLevels:
            executeOfRooms(command, streams: &streams, ports: &ports, now: now)
        case .restart(let id, let credentials, let continuation):
            guard let peer = peer(id) else { return continuation.resume(returning: false) }
            continuation.resume(returning: restart(peer, with: credentials, streams: &streams, ports: &ports, now: now))
        case .close(let id):
            guard let peer = peer(id) else { return }
            close(peer, streams: &streams, ports: &ports, now: now)
        case .statistics(let id, let continuation): continuation.resume(returning: peer(id)?.statistics)
        case .totals(let continuation): continuation.resume(returning: currentTotals(ports))
        case .datagrams(let parcel): take(parcel, streams: &streams, ports: &ports, now: now)
        case .connection(let handed): take(handed, streams: &streams, ports: &ports, now: now)
        case .claim(let tuple, let owner): exchange.accept(tuple, owner: owner)
        case .release(let tuple, let owner): exchange.forget(tuple, owner: owner)
        }
    }

    /// What only rooms ask for.
    private mutating func executeOfRooms(
        _ command: EdgeCommand, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        switch command {
        case .attach(let section, let id):
            guard let peer = peer(id) else { return }
            attach(section, to: peer, streams: &streams, ports: &ports, now: now)
        case .detach(let mid, let id): peer(id).map { detach(mid, from: $0) }
        case .bound(let mid, let id, let bounds): peer(id).map { bound(mid, of: $0, by: bounds) }
        case .forward(let id, let track, let isForwarded):
            guard let peer = peer(id) else { return }
            forward(track, of: peer, isForwarded, ports: &ports, now: now)
        case .reportLevels(let id): peer(id)?.wishes.reportsLevels = true
        default: break
        }
    }

    private mutating func take(_ parcel: DatagramParcel, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        var parcel = parcel
        exchange.arriving = parcel.receiver
        parcel.forEachDatagram { datagram, tuple in take(datagram, on: tuple, streams: &streams, ports: &ports, now: now) }
        exchange.arriving = nil
    }

    /// The worker ends: peers hear goodbye.
    mutating func closeAll(streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        for peer in peers.compactMap({ $0 }) { close(peer, streams: &streams, ports: &ports, now: now) }
        ports.edge.flush()
    }

    private func currentTotals(_ ports: borrowing MediaPorts) -> EdgeTotals {
        var totals = totals
        let counters = ports.edge.counters
        totals.peers = table.count
        totals.viewers = peers.count { $0?.isViewer == true }
        totals.datagramsOut = counters.datagrams
        totals.bytesOut = counters.bytes
        totals.sends = counters.calls
        totals.dropped = counters.refused + counters.discarded + ports.edge.droppedFrames
        return totals
    }
}

extension EdgePeer {
    /// The viewer's choice of layers, kept for when it is connected.
    func limit(to bounds: LayerBounds, ofTrack track: UInt8, now: MonotonicTime) {
        wishes.choices[track] = bounds
        guard case .viewer(let viewer, let stream) = media else { return }
        viewer.limit(to: bounds, ofTrack: track)
        stream.viewers.noteDue(viewer)
    }

    /// It is connected and watches.
    var isViewer: Bool {
        switch media {
        case .viewer, .subscriber: true
        case .none, .awaited, .publisher: false
        }
    }
}
