import Bridge
import BridgeModel
import LinuxIO
import PeerTransport
import SDP
import SecureTransport

extension EdgeLoop {
    /// Takes a datagram of DTLS records that came on a validated 5-tuple.
    mutating func receiveHandshake(
        _ records: UnsafeRawBufferPointer, of peer: EdgePeer, on path: PathID, ports: inout MediaPorts, now: MonotonicTime
    ) {
        guard peer.transport.admitsHandshake(from: path) else {
            totals.refused += 1
            return
        }
        advanceHandshake(of: peer, ports: &ports, now: now) { endpoint, time, send in endpoint.receive(records, now: time, send: send) }
    }

    /// We are the client: the first flight.
    mutating func startHandshake(of peer: EdgePeer, ports: inout MediaPorts, now: MonotonicTime) {
        advanceHandshake(of: peer, ports: &ports, now: now) { endpoint, time, send in endpoint.start(now: time, send: send) }
    }

    /// Repeats a flight that was lost, when it is time.
    mutating func repeatHandshake(of peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        guard let deadline = peer.handshake?.deadline, now.sinceStart >= deadline else { return }
        advanceHandshake(of: peer, ports: &ports, now: now) { endpoint, time, send in endpoint.tick(now: time, send: send) }
        applyEffects(of: peer, streams: &streams, ports: &ports, now: now)
    }

    /// Says goodbye.
    mutating func sendCloseNotify(of peer: EdgePeer, along tuple: FiveTuple, ports: inout MediaPorts, now: MonotonicTime) {
        peer.handshake?.close { ports.edge.send($0, along: tuple) }
    }

    private mutating func advanceHandshake(
        of peer: EdgePeer, ports: inout MediaPorts, now: MonotonicTime,
        _ step: (DTLSEndpoint, Duration, (UnsafeRawBufferPointer) -> Void) -> DTLSEvent?
    ) {
        if peer.handshake == nil { peer.handshake = makeEndpoint(for: peer) }
        guard let endpoint = peer.handshake, let tuple = peer.transport.handshakePath(now: now) else { return }
        guard let event = step(endpoint, now.sinceStart, { ports.edge.send($0, along: tuple) }) else { return }
        let outcome = outcome(of: event, endpoint: endpoint, peer: peer)
        peer.transport.handshake(outcome, now: now, effects: &effects)
    }

    private func makeEndpoint(for peer: EdgePeer) -> DTLSEndpoint? {
        let fingerprints = peer.negotiated.remote.fingerprints.compactMap {
            CertificateFingerprint(algorithm: $0.algorithm, value: $0.value)
        }
        // Without a usable fingerprint, or memory, the handshake's deadline ends the peer.
        return try? DTLSEndpoint(
            context: environment.identity, role: peer.negotiated.dtlsRole == .active ? .client : .server, fingerprints: fingerprints)
    }

    /// What the transport hears; with the handshake's end the keys move into the peer's packet protection.
    private func outcome(of event: DTLSEvent, endpoint: DTLSEndpoint, peer: EdgePeer) -> HandshakeOutcome {
        switch event {
        case .connected:
            guard let keys = endpoint.takeKeyingMaterial(), let profile = SRTPProfile(rawValue: keys.profile.rawValue) else {
                return .failed
            }
            peer.protection = try? PacketProtection(
                profile: keys.profile, exported: keys.exported, isClient: keys.isClient, ciphers: ciphers)
            return peer.protection == nil ? .failed : .finished(profile, certificateMatches: true)
        case .failed(.fingerprintMismatch): return .fingerprintMismatch
        case .failed: return .failed
        case .closedByPeer: return .closed
        }
    }
}

extension MonotonicTime {
    /// As the DTLS endpoint takes time.
    fileprivate var sinceStart: Duration { .nanoseconds(Int64(clamping: nanoseconds)) }
}

extension DTLSContext {
    /// As an answer says it.
    var edgeFingerprint: Fingerprint { Fingerprint(algorithm: fingerprint.algorithm, value: fingerprint.value) }
}
