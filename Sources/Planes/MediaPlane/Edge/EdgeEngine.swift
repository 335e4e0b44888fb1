package import Bridge
package import BridgeModel
import LinuxIO
import PeerTransport
package import SDP
import SecureTransport
import Synchronization

/// Our own WebRTC engine on the hub's media workers: a peer lives on the worker of its stream.
///
/// Calls put a command into the worker's mailbox and return.
package final class EdgeEngine: EdgePeers {
    private struct Prepared {
        var use: EdgePeerUse
        var credentials: IceCredentials
        var isOpen = false
    }

    private let hub: Hub
    private let identity: DTLSContext
    private let candidates: [LocalCandidate]
    private let capacity: Int
    private let admissionLimit: Double
    private let peers = Mutex<[PeerID: Prepared]>([:])

    /// The engine of a hub that was made with `EdgeOptions`; nil without them.
    package init?(of hub: Hub) {
        guard let site = hub.edge else { return nil }
        self.hub = hub
        identity = site.environment.identity
        candidates = site.candidates
        admissionLimit = site.admissionLimit
        capacity = site.environment.peersPerWorker * hub.workerCount
    }

    package func prepare(_ peer: PeerID, for use: EdgePeerUse) throws(BridgeError) -> EdgeEndpoint {
        if case .watch(let stream) = use, hub.load(of: stream) >= admissionLimit {
            throw BridgeError(.limitReached, "the bridge has as many viewers as it can serve well; try again in a few seconds")
        }
        let credentials = newCredentials(for: use)
        let isTaken = peers.withLock { peers in
            guard peers.count < capacity, peers[peer] == nil else { return false }
            peers[peer] = Prepared(use: use, credentials: credentials)
            return true
        }
        guard isTaken else { throw BridgeError(.limitReached, "the bridge takes no more WebRTC peers") }
        return endpoint(credentials)
    }

    package func open(_ peer: PeerID, as negotiated: NegotiatedPeer) -> AsyncStream<EdgePeerEvent> {
        let (stream, events) = AsyncStream.makeStream(of: EdgePeerEvent.self)
        let prepared = peers.withLock { peers -> Prepared? in
            guard let prepared = peers[peer], !prepared.isOpen else { return nil }
            peers[peer]?.isOpen = true
            return prepared
        }
        guard let prepared else {
            events.yield(.ended(nil))
            events.finish()
            return stream
        }
        events.onTermination = { [weak self] reason in
            // Nobody listens any more: the peer has no owner.
            if case .cancelled = reason { self?.close(peer) }
            self?.forget(peer)
        }
        let opening = EdgePeerOpening(
            id: peer, use: prepared.use, credentials: prepared.credentials, negotiated: negotiated, events: events)
        hub.post(.edge(.open(opening)), to: prepared.use.stream)
        return stream
    }

    package func publish(_ peer: PeerID) {
        guard let use = peers.withLock({ $0[peer] })?.use else { return }
        hub.post(.edge(.publish(peer)), to: use.stream)
    }

    package func limit(_ peer: PeerID, to bounds: LayerBounds, ofTrack track: UInt8) {
        guard let use = peers.withLock({ $0[peer] })?.use else { return }
        hub.post(.edge(.limit(peer, bounds, track: track)), to: use.stream)
    }

    package func restart(_ peer: PeerID) async -> EdgeEndpoint? {
        guard let use = peers.withLock({ $0[peer] })?.use else { return nil }
        let credentials = newCredentials(for: use)
        let isTaken = await withCheckedContinuation { hub.post(.edge(.restart(peer, credentials, $0)), to: use.stream) }
        return isTaken ? endpoint(credentials) : nil
    }

    package func close(_ peer: PeerID) {
        guard let prepared = peers.withLock({ $0[peer] }) else { return }
        guard prepared.isOpen else { return forget(peer) }
        hub.post(.edge(.close(peer)), to: prepared.use.stream)
    }

    package func statistics(of peer: PeerID) async -> EdgePeerStatistics? {
        guard let use = peers.withLock({ $0[peer] })?.use else { return nil }
        return await withCheckedContinuation { hub.post(.edge(.statistics(peer, $0)), to: use.stream) }
    }

    package func totals() async -> EdgeTotals {
        var totals = EdgeTotals()
        for worker in 0..<hub.workerCount {
            totals.add(await withCheckedContinuation { hub.post(.edge(.totals($0)), toWorker: worker) })
        }
        return totals
    }

    private func forget(_ peer: PeerID) { peers.withLock { _ = $0.removeValue(forKey: peer) } }

    private func newCredentials(for use: EdgePeerUse) -> IceCredentials {
        var random = SystemRandomNumberGenerator()
        return IceCredentials(worker: hub.workerNumber(of: use.stream), using: &random)
    }

    private func endpoint(_ credentials: IceCredentials) -> EdgeEndpoint {
        EdgeEndpoint(
            ufrag: credentials.ufrag.text, password: credentials.password, fingerprints: [identity.edgeFingerprint],
            candidates: candidates)
    }
}

extension EdgeTotals {
    fileprivate mutating func add(_ other: EdgeTotals) {
        peers += other.peers
        viewers += other.viewers
        datagramsIn += other.datagramsIn
        datagramsOut += other.datagramsOut
        bytesOut += other.bytesOut
        sends += other.sends
        strangers += other.strangers
        refused += other.refused
        dropped += other.dropped
    }
}
