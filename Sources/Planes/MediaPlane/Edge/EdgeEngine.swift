package import Bridge
package import BridgeModel
import Forwarding
import LinuxIO
import PeerTransport
package import SDP
import SecureTransport
import Synchronization

/// Our own WebRTC engine on the hub's media workers: a publisher lives on the home worker of its stream, a viewer where `ViewerPlacement` says.
///
/// Calls put a command into the worker's mailbox and return.
package final class EdgeEngine: EdgePeers {
    fileprivate struct Prepared {
        var use: EdgePeerUse
        var worker: Int
        var credentials: IceCredentials
        var isOpen = false

        var watched: StreamID? {
            guard case .watch(let stream) = use else { return nil }
            return stream
        }
    }

    fileprivate struct Peers {
        var prepared: [PeerID: Prepared] = [:]
        var placement: ViewerPlacement
    }

    private let hub: Hub
    private let identity: DTLSContext
    private let awaited: AwaitedPeers
    private let candidates: [LocalCandidate]
    private let peers: Mutex<Peers>

    /// The engine of a hub that was made with `EdgeOptions`; nil without them.
    package init?(of hub: Hub) {
        guard let site = hub.edge else { return nil }
        self.hub = hub
        identity = site.environment.identity
        awaited = site.environment.awaited
        candidates = site.candidates
        let placement = ViewerPlacement(
            workers: hub.workerCount, capacity: site.environment.peersPerWorker, loadLimit: site.admission.loadLimit,
            share: site.admission.viewersBeforeSpreading)
        peers = Mutex(Peers(placement: placement))
    }

    package func prepare(_ peer: PeerID, for use: EdgePeerUse) throws(BridgeError) -> EdgeEndpoint {
        let loads = hub.loads
        let home = use.stream.map { hub.workerNumber(of: $0) }
        let credentials = try peers.withLock({ $0.place(peer, use, home: home, loads: loads) }).get()
        // The offer may be ours, so that checks overtake the answer.
        if use.receives { awaited.expect(credentials) }
        return endpoint(credentials)
    }

    package func open(_ peer: PeerID, as negotiated: NegotiatedPeer) -> AsyncStream<EdgePeerEvent> {
        let (stream, events) = AsyncStream.makeStream(of: EdgePeerEvent.self)
        let prepared = peers.withLock { peers -> Prepared? in
            guard let prepared = peers.prepared[peer], !prepared.isOpen else { return nil }
            peers.prepared[peer]?.isOpen = true
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
        hub.post(.edge(.open(opening)), toWorker: prepared.worker)
        return stream
    }

    package func publish(_ peer: PeerID) {
        guard let worker = worker(of: peer) else { return }
        hub.post(.edge(.publish(peer)), toWorker: worker)
    }

    package func limit(_ peer: PeerID, to bounds: LayerBounds, ofTrack track: UInt8) {
        guard let worker = worker(of: peer) else { return }
        hub.post(.edge(.limit(peer, bounds, track: track)), toWorker: worker)
    }

    package func restart(_ peer: PeerID) async -> EdgeEndpoint? {
        guard let worker = worker(of: peer) else { return nil }
        let credentials = IceCredentials(of: worker)
        let isTaken = await withCheckedContinuation { hub.post(.edge(.restart(peer, credentials, $0)), toWorker: worker) }
        return isTaken ? endpoint(credentials) : nil
    }

    package func close(_ peer: PeerID) {
        guard let prepared = peers.withLock({ $0.prepared[peer] }) else { return }
        guard prepared.isOpen else {
            awaited.forget(prepared.credentials.ufrag)
            return forget(peer)
        }
        hub.post(.edge(.close(peer)), toWorker: prepared.worker)
    }

    package func statistics(of peer: PeerID) async -> EdgePeerStatistics? {
        guard let worker = worker(of: peer) else { return nil }
        return await withCheckedContinuation { hub.post(.edge(.statistics(peer, $0)), toWorker: worker) }
    }

    package func totals() async -> EdgeTotals {
        var totals = EdgeTotals()
        totals.load = hub.loads.max() ?? 0
        for worker in 0..<hub.workerCount {
            totals.add(await withCheckedContinuation { hub.post(.edge(.totals($0)), toWorker: worker) })
        }
        return totals
    }

    private func forget(_ peer: PeerID) {
        peers.withLock { peers in
            guard let prepared = peers.prepared.removeValue(forKey: peer) else { return }
            peers.placement.remove(from: prepared.worker, watching: prepared.watched)
        }
    }

    private func worker(of peer: PeerID) -> Int? { peers.withLock { $0.prepared[peer]?.worker } }

    private func endpoint(_ credentials: IceCredentials) -> EdgeEndpoint {
        EdgeEndpoint(
            ufrag: credentials.ufrag.text, password: credentials.password, fingerprints: [identity.edgeFingerprint],
            candidates: candidates)
    }
}

extension EdgeEngine.Peers {
    /// Gives a peer to a worker: its credentials there.
    fileprivate mutating func place(
        _ peer: PeerID, _ use: EdgePeerUse, home: Int?, loads: [Double]
    ) -> Result<IceCredentials, BridgeError> {
        var worker = home ?? 0
        if use.receives {
            let chosen =
                if let stream = use.stream, let home { placement.worker(for: stream, home: home, loads: loads) } else {
                    placement.worker(loads: loads)
                }
            guard let chosen else {
                return .failure(
                    BridgeError(.limitReached, "the bridge has as many viewers as it can serve well; try again in a few seconds"))
            }
            worker = chosen
        }
        guard prepared[peer] == nil, placement.hasRoom(worker) else {
            return .failure(BridgeError(.limitReached, "the bridge takes no more WebRTC peers"))
        }
        let new = EdgeEngine.Prepared(use: use, worker: worker, credentials: IceCredentials(of: worker))
        placement.add(to: worker, watching: new.watched)
        prepared[peer] = new
        return .success(new.credentials)
    }
}

extension IceCredentials {
    fileprivate init(of worker: Int) {
        var random = SystemRandomNumberGenerator()
        self.init(worker: worker, using: &random)
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

extension EdgePeerUse {
    fileprivate var receives: Bool {
        switch self {
        case .publish: false
        case .watch, .subscribe: true
        }
    }
}

extension EdgeEngine: EdgeSubscribers {
    package func attach(_ section: EdgeSection, to peer: PeerID) { post(.attach(section, peer), about: peer) }

    package func detach(_ mid: String, from peer: PeerID) { post(.detach(mid, peer), about: peer) }

    package func bound(_ mid: String, of peer: PeerID, by bounds: SectionBounds) { post(.bound(mid, peer, bounds), about: peer) }

    package func forward(_ track: UInt8, of publisher: PeerID, _ isForwarded: Bool) {
        post(.forward(publisher, track: track, isForwarded), about: publisher)
    }

    package func reportLevels(of publisher: PeerID) { post(.reportLevels(publisher), about: publisher) }

    private func post(_ command: EdgeCommand, about peer: PeerID) {
        guard let worker = worker(of: peer) else { return }
        hub.post(.edge(command), toWorker: worker)
    }
}
