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
    /// The layers that a viewer wants, by the stream's track.
    var choices: [UInt8: LayerBounds] = [:]
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

    /// Counters since the peer was opened.
    var statistics: EdgePeerStatistics {
        var statistics = EdgePeerStatistics()
        statistics.refused = refused
        switch media {
        case .none, .awaited: break
        case .publisher(let publisher):
            statistics.packetsIn = publisher.packets
            statistics.bytesIn = publisher.bytes
        case .viewer(let viewer, _):
            let known = viewer.statistics
            for track in known.tracks {
                statistics.packetsOut += track.packets + track.retransmissions
                statistics.bytesOut += track.bytes
                statistics.retransmissions += track.retransmissions
                statistics.keyframeRequests += track.keyframeRequests
            }
            statistics.packetsDropped = known.dropped + viewer.failures
        }
        return statistics
    }
}

/// What a worker is told of a peer that is let in.
struct EdgePeerOpening: Sendable {
    var id: PeerID
    var use: EdgePeerUse
    var credentials: IceCredentials
    var negotiated: NegotiatedPeer
    var events: AsyncStream<EdgePeerEvent>.Continuation
}
