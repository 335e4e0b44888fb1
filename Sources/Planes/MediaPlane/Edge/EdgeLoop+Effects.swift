import Bridge
import BridgeModel
import Forwarding
import PeerTransport
import RTP
import SDP
import SecureTransport

extension EdgeLoop {
    /// Lets a prepared peer in. It ends at once when there is no place for it.
    mutating func open(_ opening: EdgePeerOpening, now: MonotonicTime) {
        guard places[opening.id] == nil, let index = table.admit(opening.credentials.ufrag) else {
            opening.events.yield(.ended(BridgeError(.limitReached, "the media worker takes no more peers")))
            return opening.events.finish()
        }
        while peers.count <= index.number { peers.append(nil) }
        peers[index.number] = EdgePeer(opening, index: index, policy: environment.transportPolicy, now: now)
        places[opening.id] = index
    }

    /// The peer with this id.
    func peer(_ id: PeerID) -> EdgePeer? { places[id].flatMap { peers[$0.number] } }

    /// Ends a peer from our side.
    mutating func close(_ peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        peer.transport.close(now: now, effects: &effects)
        applyEffects(of: peer, streams: &streams, ports: &ports, now: now)
    }

    /// An ICE restart. False when the peer cannot take more credentials.
    mutating func restart(
        _ peer: EdgePeer, with credentials: IceCredentials, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) -> Bool {
        guard table.peer(with: credentials.ufrag) == nil,
            peer.transport.restart(with: credentials, now: now, effects: &effects)
        else { return false }
        applyEffects(of: peer, streams: &streams, ports: &ports, now: now)
        return true
    }

    /// Deadlines of all peers.
    mutating func sweep(streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        nextSweep = now.advanced(by: Self.sweepInterval)
        for number in peers.indices {
            guard let peer = peers[number] else { continue }
            if let deadline = peer.transport.deadline, now >= deadline {
                peer.transport.tick(now: now, effects: &effects)
                applyEffects(of: peer, streams: &streams, ports: &ports, now: now)
            }
            repeatHandshake(of: peer, streams: &streams, ports: &ports, now: now)
        }
        streams.replicas.removeIdle(ports: &ports, now: now)
        sweepConnections(streams: &streams, ports: &ports, now: now)
        finishTurn(streams: &streams, ports: &ports, now: now)
    }

    /// Does what the peer's transport decided, in order. Nothing to do is the rule for packets.
    @inline(__always)
    mutating func applyEffects(of peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        guard !effects.isEmpty else { return }
        applyAll(of: peer, streams: &streams, ports: &ports, now: now)
    }

    private mutating func applyAll(of peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        while !effects.isEmpty {
            let pending = effects
            effects = []
            for effect in pending {
                table.apply(effect, of: peer.index)
                apply(effect, of: peer, streams: &streams, ports: &ports, now: now)
            }
        }
    }

    private mutating func apply(
        _ effect: TransportEffect, of peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        switch effect {
        case .credentialsAdded, .credentialsRetired: break
        case .pathOpened(_, let tuple): exchange.claim(tuple)
        case .pathClosed(_, let tuple):
            exchange.release(tuple)
            if let connection = ports.edge.connection(tuple) { ports.close(connection) }
        case .startHandshake: startHandshake(of: peer, ports: &ports, now: now)
        case .sendKeepalive(let tuple): sendKeepalive(along: tuple, ports: &ports)
        case .sendCloseNotify(let tuple): sendCloseNotify(of: peer, along: tuple, ports: &ports, now: now)
        case .event(let event): apply(event, of: peer, streams: &streams, ports: &ports, now: now)
        }
    }

    private mutating func apply(
        _ event: TransportEvent, of peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        switch event {
        case .connecting: peer.events.yield(.connecting)
        case .connected:
            beginMedia(of: peer, streams: &streams, ports: &ports, now: now)
            peer.events.yield(.connected)
        case .disconnected: peer.events.yield(.disconnected)
        case .reconnected: peer.events.yield(.reconnected)
        case .moved: break
        case .ended(let code): release(peer, code: code, streams: &streams, ports: &ports, now: now)
        }
    }

    private mutating func release(
        _ peer: EdgePeer, code: BridgeError.Code?, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        endMedia(of: peer)
        peer.handshake = nil
        peer.protection = nil
        places[peer.id] = nil
        peers[peer.index.number] = nil
        table.release(peer.index)
        peer.events.yield(.ended(code.map { BridgeError($0, Self.reason($0)) } ?? peer.closingReason))
        peer.events.finish()
    }

    private static func reason(_ code: BridgeError.Code) -> String {
        switch code {
        case .fingerprintMismatch: "the peer's certificate is not the one that its description names"
        case .connectionTimeout: "the peer did not connect in time, or was not heard of any more"
        default: "the peer's transport ended"
        }
    }
}
