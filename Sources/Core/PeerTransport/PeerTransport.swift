package import BridgeModel

/// One inbound peer's transport from its answer to its end: ICE-lite (RFC 8445), the life of DTLS (RFC 5764), consent (RFC 7675) and a change of
/// address. It decides; sockets, STUN bytes, DTLS and SRTP are the worker's.
///
/// Checks, handshake reports, ends and ticks append what is to be done to `effects`, in order. What is called for each packet (`mediaPath`,
/// `admitsMedia`, `authenticated`) allocates nothing. A struct of one worker's thread.
package struct PeerTransport {
    enum Phase: Equatable {
        /// No verified check yet.
        case checking
        case handshaking
        case secured(SRTPProfile)
        case ended
    }

    let role: DTLSRole
    /// What new checks have to prove.
    package internal(set) var credentials: IceCredentials
    /// Those before an ICE restart: answered until a pair is nominated with the new ones (RFC 8445 section 9).
    package internal(set) var previousCredentials: IceCredentials?
    var phase = Phase.checking
    var paths: PathSet
    /// Until when a pair has to be nominated and the handshake finished; nil from then on.
    var setUpEnd: MonotonicTime?
    /// How long an ICE restart holds off the end.
    var restartEnd: MonotonicTime?
    /// The last consent on any path.
    var consentAt: MonotonicTime
    /// The last verified check or authenticated packet on any path.
    var lastHeardAt: MonotonicTime
    var isDisconnected = false
    /// The endpoint was told to begin, where we are the client.
    var hasStartedHandshake = false
    /// When the next keepalive is due; nil before the peer is connected.
    var keepaliveAt: MonotonicTime?
    /// Where the last handshake record came from.
    var handshakeOrigin: PathID?
    /// Where media goes; nil while none may be sent. Kept at hand because it is asked for with each packet.
    package internal(set) var route: MediaRoute?
    /// What `moved` compares with.
    var announcedTuple: FiveTuple?

    /// A peer that gets an answer with these credentials now. `role` is our side of the handshake.
    package init(_ credentials: IceCredentials, role: DTLSRole, policy: TransportPolicy = TransportPolicy(), now: MonotonicTime) {
        precondition((2...PeerTable.pathsPerPeer).contains(policy.pathLimit), "too few paths, or more than the table holds")
        self.credentials = credentials
        self.role = role
        paths = PathSet(policy: policy)
        setUpEnd = now.advanced(by: policy.connectLimit)
        consentAt = now
        lastHeardAt = now
    }

    // MARK: For each packet

    /// Where media goes now. nil: none may be sent, because the peer is not connected, or its consent has run out.
    package func mediaPath(now: MonotonicTime) -> FiveTuple? { route?.tuple(at: now) }

    /// True when SRTP and SRTCP from this path may be handed to unprotection: the handshake is done with the right certificate.
    @inline(__always)
    package func admitsMedia(from path: PathID) -> Bool {
        guard case .secured = phase else { return false }
        return paths.isOpen(path)
    }

    /// A packet from this path was authentic.
    @inline(__always)
    package mutating func authenticated(from path: PathID, now: MonotonicTime, effects: inout [TransportEffect]) {
        guard admitsMedia(from: path) else { return }
        lastHeardAt = now
        let hasMoved = paths.heard(path, now: now)
        if policy.consentRenewal == .checksAndPackets { renewConsent(by: path, now: now) }
        if hasMoved || isDisconnected { review(now: now, effects: &effects) }
    }

    // MARK: DTLS

    /// True when a DTLS record from this path may be handed to the endpoint (RFC 7983): it is validated. After the end
    /// no path is.
    package mutating func admitsHandshake(from path: PathID) -> Bool {
        guard paths.isOpen(path) else { return false }
        handshakeOrigin = path
        return true
    }

    /// Where the endpoint's flights and alerts go: the selected path, before that the one that the last record came from, or the peer's
    /// favourite. nil: nothing may be sent.
    package func handshakePath(now: MonotonicTime) -> FiveTuple? {
        let id = paths.selected ?? handshakeOrigin.flatMap { paths.isOpen($0) ? $0 : nil } ?? paths.highestPriority
        guard let path = id.flatMap({ paths[$0] }), now < paths.consentEnd(of: path) else { return nil }
        return path.tuple
    }

    /// The endpoint reports. What it has to send (an alert, its last flight) is sent on `handshakePath` before.
    package mutating func handshake(_ outcome: HandshakeOutcome, now: MonotonicTime, effects: inout [TransportEffect]) {
        guard passTime(now: now, effects: &effects) else { return }
        switch (phase, outcome) {
        case (.ended, _): break
        case (_, .fingerprintMismatch), (_, .finished(_, certificateMatches: false)): end(.fingerprintMismatch, effects: &effects)
        case (.handshaking, .finished(let profile, certificateMatches: true)):
            phase = .secured(profile)
            review(now: now, effects: &effects)
        case (.secured, .finished): break
        // No record is admitted before the first check, so nothing can have finished.
        case (.checking, .finished): end(.internal, effects: &effects)
        case (.checking, .failed), (.checking, .closed), (.handshaking, .failed), (.handshaking, .closed), (.secured, .failed),
            (.secured, .closed):
            end(.connectionLost, effects: &effects)
        }
    }

    // MARK: Commands

    /// Ends the peer from our side.
    package mutating func close(now: MonotonicTime, effects: inout [TransportEffect]) {
        if case .secured = phase, let tuple = handshakePath(now: now) { effects.append(.sendCloseNotify(tuple)) }
        end(nil, effects: &effects)
    }

    /// The limits of this peer.
    package var policy: TransportPolicy { paths.policy }

    /// The 5-tuple of the nominated pair, whether or not media may be sent on it now.
    package var selectedTuple: FiveTuple? { paths.selectedPath?.tuple }

    /// True when the last event was said: the peer's place can be released.
    package var hasEnded: Bool { phase == .ended }
}
