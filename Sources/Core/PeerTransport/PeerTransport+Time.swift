package import BridgeModel

extension PeerTransport {
    /// When `tick` is to be called; nil after the end. Packets only put it off, so it is enough to read it after everything else than packets.
    package var deadline: MonotonicTime? {
        guard phase != .ended else { return nil }
        var deadline = setUpEnd ?? lifeEnd
        if let other = paths.deadline { deadline = min(deadline, other) }
        if let keepaliveAt { deadline = min(deadline, keepaliveAt) }
        if setUpEnd == nil, !isDisconnected { deadline = min(deadline, lastHeardAt.advanced(by: policy.disconnectAfter)) }
        return deadline
    }

    /// Time has passed.
    package mutating func tick(now: MonotonicTime, effects: inout [TransportEffect]) {
        guard passTime(now: now, effects: &effects) else { return }
        review(now: now, effects: &effects)
        keepAlive(now: now, effects: &effects)
    }

    /// Ends what has run out: paths, and the peer. False when the peer has ended.
    mutating func passTime(now: MonotonicTime, effects: inout [TransportEffect]) -> Bool {
        guard phase != .ended else { return false }
        while let expired = paths.expired(now: now), let closed = paths.close(expired) {
            effects.append(.pathClosed(closed.id, closed.path.tuple))
        }
        paths.settle(now: now)
        if now >= setUpEnd ?? lifeEnd { end(.connectionTimeout, effects: &effects) }
        return phase != .ended
    }

    private mutating func keepAlive(now: MonotonicTime, effects: inout [TransportEffect]) {
        guard let due = keepaliveAt, now >= due else { return }
        keepaliveAt = now.advanced(by: policy.keepaliveInterval)
        if let tuple = mediaPath(now: now) { effects.append(.sendKeepalive(tuple)) }
    }

    /// An authenticated packet counts as consent (`ConsentRenewal.checksAndPackets`).
    mutating func renewConsent(by path: PathID, now: MonotonicTime) {
        guard paths.renew(path, now: now) else { return }
        consentAt = now
        let end = now.advanced(by: policy.consentLimit)
        if path == paths.selected { route?.consentEnd = end }
    }

    /// The path's TCP connection is gone, or its 5-tuple is another peer's now. The peer lives on as long as its consent lasts. Not for ICMP errors of
    /// UDP, which anybody can forge.
    package mutating func pathLost(_ id: PathID, now: MonotonicTime, effects: inout [TransportEffect]) {
        guard let closed = paths.close(id) else { return }
        effects.append(.pathClosed(closed.id, closed.path.tuple))
        review(now: now, effects: &effects)
    }

    /// True when nothing authentic came from this path for a while: a verified check of another peer on the same 5-tuple may take it over.
    package func isSilent(_ id: PathID, now: MonotonicTime) -> Bool {
        guard let path = paths[id] else { return true }
        return now.duration(since: path.heardAt) >= policy.silenceOfReplacedPath
    }

    /// When a connected peer ends of itself.
    private var lifeEnd: MonotonicTime {
        let consent = consentAt.advanced(by: policy.consentLimit)
        return restartEnd.map { max($0, consent) } ?? consent
    }

    /// Brings what is at hand and what was said in line with the paths.
    mutating func review(now: MonotonicTime, effects: inout [TransportEffect]) {
        guard case .secured(let profile) = phase else { return }
        let selected = paths.selectedPath
        route = selected.map { MediaRoute(tuple: $0.tuple, consentEnd: paths.consentEnd(of: $0)) }
        if setUpEnd != nil {
            guard let selected else { return }
            setUpEnd = nil
            keepaliveAt = now.advanced(by: policy.keepaliveInterval)
            announcedTuple = selected.tuple
            effects.append(.event(.connected(profile)))
            return
        }
        if let selected, selected.tuple != announcedTuple {
            announcedTuple = selected.tuple
            effects.append(.event(.moved(selected.tuple)))
        }
        let isSilent = selected == nil || now.duration(since: lastHeardAt) >= policy.disconnectAfter
        guard isSilent != isDisconnected else { return }
        isDisconnected = isSilent
        effects.append(.event(isSilent ? .disconnected : .reconnected))
    }

    /// The last event. Everything that others hold for the peer is given back.
    mutating func end(_ code: BridgeError.Code?, effects: inout [TransportEffect]) {
        guard phase != .ended else { return }
        for path in paths.open { effects.append(.pathClosed(path.id, path.path.tuple)) }
        effects.append(.credentialsRetired(credentials.ufrag))
        if let previousCredentials { effects.append(.credentialsRetired(previousCredentials.ufrag)) }
        phase = .ended
        paths = PathSet(policy: policy)
        route = nil
        effects.append(.event(.ended(code)))
    }
}
