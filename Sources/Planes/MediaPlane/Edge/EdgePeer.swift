import Bridge
import BridgeModel
import Forwarding
import PeerTransport
import SDP
import SecureTransport

/// One peer on its worker: its transport, its keys, and what it sends or watches. It never leaves the worker's thread.
final class EdgePeer {
    /// What the connected peer does.
    enum Media {
        /// It is not connected.
        case none
        /// It may publish soon.
        case awaited(EarlyMedia)
        case publisher(EdgePublisher)
        case viewer(EdgeViewer, MediaStream)
        case subscriber(EdgeSubscriber)
    }

    let id: PeerID
    /// Its place in the worker's table.
    let index: PeerIndex
    let use: EdgePeerUse
    /// What its offer and our answer settled.
    let negotiated: NegotiatedPeer
    var transport: PeerTransport
    /// Nil before the first handshake record, and after the end.
    var handshake: DTLSEndpoint?
    /// Nil before the handshake is finished with the right certificate.
    var protection: PacketProtection?
    var media = Media.none
    /// What was asked for, kept for when it is connected.
    var wishes = EdgePeerWishes()
    /// Why we close the peer, when it is not its owner's wish.
    var closingReason: BridgeError?
    /// Datagrams that were refused.
    var refused: UInt64 = 0
    let events: AsyncStream<EdgePeerEvent>.Continuation

    init(_ opening: EdgePeerOpening, index: PeerIndex, policy: TransportPolicy, now: MonotonicTime) {
        id = opening.id
        self.index = index
        use = opening.use
        negotiated = opening.negotiated
        events = opening.events
        transport = PeerTransport(
            opening.credentials, role: opening.negotiated.dtlsRole == .active ? .client : .server, policy: policy, now: now)
    }

    /// Where media goes now; nil while none may be sent. One field is read: the transport's own call would be given a copy of all that it is.
    @inline(__always)
    func mediaPath(now: MonotonicTime) -> FiveTuple? { transport.route?.tuple(at: now) }

    /// Counters since the peer was opened.
    var statistics: EdgePeerStatistics {
        var statistics = EdgePeerStatistics()
        statistics.refused = refused
        switch media {
        case .none, .awaited: break
        case .publisher(let publisher):
            statistics.packetsIn = publisher.packets
            statistics.bytesIn = publisher.bytes
        case .viewer(let viewer, _): statistics.add(viewer)
        case .subscriber(let subscriber):
            statistics = subscriber.statistics
            statistics.refused = refused
        }
        return statistics
    }
}

/// What a peer's owner wants of it, whether it is connected or not.
struct EdgePeerWishes {
    /// The layers that a viewer is sent, by the stream's track.
    var choices: [UInt8: LayerBounds] = [:]
    /// What the sections of a subscribing peer are to send, by their mids.
    var attached: [String: EdgeSection] = [:]
    /// Tracks of a publisher's answer that nobody gets.
    var closed: Set<UInt8> = []
    /// A publisher's loudness is told.
    var reportsLevels = false
}

/// What a worker is told of a peer that is let in.
struct EdgePeerOpening: Sendable {
    var id: PeerID
    var use: EdgePeerUse
    var credentials: IceCredentials
    var negotiated: NegotiatedPeer
    var events: AsyncStream<EdgePeerEvent>.Continuation
}
