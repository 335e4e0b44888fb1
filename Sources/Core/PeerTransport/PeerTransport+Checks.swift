package import BridgeModel

extension PeerTransport {
    /// A Binding request came on this 5-tuple, with the USERNAME of this peer. The answer goes back on the same 5-tuple.
    package mutating func check(
        _ request: BindingRequest, on tuple: FiveTuple, now: MonotonicTime, effects: inout [TransportEffect]
    ) -> StunAnswer {
        guard phase != .ended else { return .none }
        // RFC 5389 section 10.1.2: what has no valid integrity proves nothing and changes nothing.
        guard case .verified(let ufrag) = request.integrity, ufrag == credentials.ufrag || ufrag == previousCredentials?.ufrag else {
            return .toStranger(request)
        }
        // What comes after consent has run out does not bring it back (RFC 7675 section 5.1), whether or not anybody ticked in between.
        guard passTime(now: now, effects: &effects) else { return .none }
        let known = paths.id(of: tuple)
        if let fault = Self.fault(of: request, isKnownPath: known != nil) {
            return .error(fault, signedBy: ufrag, byteLimit: request.byteCount)
        }
        let path = known ?? open(tuple, priority: request.priority ?? 0, now: now, effects: &effects)
        paths.checked(path, now: now)
        consentAt = now
        lastHeardAt = now
        if request.nominates { nominate(path, by: ufrag, request.nomination, now: now, effects: &effects) }
        review(now: now, effects: &effects)
        return .success(ufrag)
    }

    /// What is wrong with a verified request.
    private static func fault(of request: BindingRequest, isKnownPath: Bool) -> StunErrorCode? {
        // RFC 5389 section 7.3.1.
        if request.hasUnknownRequiredAttribute { return .unknownAttribute }
        switch request.role {
        // RFC 8445 section 6.1.1: against a lite agent the full one controls. We never switch, as if our tie-breaker were the lowest (7.3.1.1).
        case .controlled: return .roleConflict
        case .contradictory: return .badRequest
        case .controlling, .unstated: break
        }
        // RFC 8445 section 7.1.1: it has to be there; on a path that is known it is not needed.
        return request.priority == nil && !isKnownPath ? .badRequest : nil
    }

    private mutating func open(
        _ tuple: FiveTuple, priority: UInt32, now: MonotonicTime, effects: inout [TransportEffect]
    ) -> PathID {
        let (path, evicted) = paths.open(tuple, priority: priority, now: now)
        if let evicted { effects.append(.pathClosed(evicted.id, evicted.path.tuple)) }
        effects.append(.pathOpened(path, tuple))
        if phase == .checking {
            phase = .handshaking
            setUpEnd = now.advanced(by: policy.handshakeLimit)
            effects.append(.event(.connecting))
        }
        return path
    }

    private mutating func nominate(
        _ path: PathID, by ufrag: LocalUfrag, _ nomination: UInt32?, now: MonotonicTime, effects: inout [TransportEffect]
    ) {
        if let previous = previousCredentials, ufrag == credentials.ufrag {
            paths.nominateAfterRestart(path, nomination: nomination, now: now)
            previousCredentials = nil
            restartEnd = nil
            effects.append(.credentialsRetired(previous.ufrag))
        } else {
            paths.nominate(path, nomination: nomination, now: now)
        }
        guard role == .client, !hasStartedHandshake else { return }
        hasStartedHandshake = true
        effects.append(.startHandshake)
    }

    /// An ICE restart (RFC 8445 section 9): checks with the new credentials are answered from now on, those with the ones in use too until a pair
    /// is nominated with the new ones. Media goes on meanwhile. Returns false when the peer has ended.
    package mutating func restart(with new: IceCredentials, now: MonotonicTime, effects: inout [TransportEffect]) -> Bool {
        guard passTime(now: now, effects: &effects) else { return false }
        if previousCredentials == nil {
            previousCredentials = credentials
        } else {
            // A restart in a restart: what no pair was nominated with is dropped.
            effects.append(.credentialsRetired(credentials.ufrag))
        }
        credentials = new
        effects.append(.credentialsAdded(new.ufrag))
        let limit = now.advanced(by: policy.connectLimit)
        restartEnd = limit
        setUpEnd = setUpEnd.map { max($0, limit) }
        return true
    }
}
