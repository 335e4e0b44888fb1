import BridgeModel
import PeerTransport

/// What must be true of a peer's transport whatever happens, told from its inputs and outputs alone. It knows nothing of how the machine decides.
/// The file needs no test library: fuzzing uses it too.
struct PeerOracle {
    /// What the peer sent on a 5-tuple, and what was sent there.
    private struct Traffic {
        var priorities: Set<UInt32> = []
        var received = 0
        var sent = 0
        var consentAt: MonotonicTime?
        var wasNominated = false
        var sentMedia = false
    }

    private let policy: TransportPolicy
    private var traffic: [FiveTuple: Traffic] = [:]
    private var open: [PathID: FiveTuple] = [:]
    private var fragments: Set<LocalUfrag>
    private var isSecured = false
    private var consentAt: MonotonicTime
    private var holdOff: MonotonicTime?
    private var said: [TransportEvent] = []
    /// The 5-tuple of the last verified check, until its effects were seen: a path that had run out may be closed and opened again by one check.
    private var validated: (tuple: FiveTuple, at: MonotonicTime)?
    /// A request got no answer: the peer must have ended.
    private var wasUnanswered = false

    init(_ stage: PeerStage) {
        policy = stage.transport.policy
        fragments = [stage.transport.credentials.ufrag]
        consentAt = stage.now
    }

    // MARK: Inputs

    /// A request and its answer. nil: as it must be.
    mutating func checked(
        _ request: BindingRequest, on tuple: FiveTuple, answer: StunAnswer, wasAnswered fragments: Set<LocalUfrag>, now: MonotonicTime
    )
        -> String?
    {
        traffic[tuple, default: Traffic()].received += request.byteCount
        switch answer {
        case .none:
            wasUnanswered = true
            return nil
        case .error(_, let signer, let limit):
            traffic[tuple, default: Traffic()].sent += limit
            if let signer, request.integrity != .verified(signer) { return "an error is signed for somebody who proved nothing" }
            let known = traffic[tuple] ?? Traffic()
            return known.consentAt == nil && known.sent > known.received ? "more bytes out than in before validation" : nil
        case .success(let ufrag):
            guard request.integrity == .verified(ufrag), fragments.contains(ufrag) else { return "success without proof" }
            guard !isOver(now: now) else { return "success after the end of consent" }
            guard !request.hasUnknownRequiredAttribute, request.role != .controlled, request.role != .contradictory else {
                return "success for a faulty request"
            }
            consentAt = now
            validated = (tuple, now)
            if let priority = request.priority { traffic[tuple, default: Traffic()].priorities.insert(priority) }
            if request.nominates { traffic[tuple, default: Traffic()].wasNominated = true }
            return nil
        }
    }

    mutating func finished(matching: Bool) { isSecured = isSecured || matching }

    mutating func restarted(now: MonotonicTime) { holdOff = now.advanced(by: policy.connectLimit) }

    /// An authentic packet, if the machine wanted to see it.
    mutating func media(from tuple: FiveTuple, wasTaken: Bool, now: MonotonicTime) -> String? {
        guard wasTaken else { return nil }
        guard isSecured else { return "media was taken before the handshake" }
        guard traffic[tuple]?.consentAt != nil else { return "media was taken from a path that is not validated" }
        traffic[tuple]?.sentMedia = true
        if policy.consentRenewal == .checksAndPackets, isFresh(tuple, now: now) {
            consentAt = now
            traffic[tuple]?.consentAt = now
        }
        return nil
    }

    // MARK: Outputs

    mutating func apply(_ effects: [TransportEffect]) -> String? {
        for effect in effects {
            switch effect {
            case .pathOpened(let id, let tuple):
                guard open.updateValue(tuple, forKey: id) == nil else { return "a path was opened twice" }
            case .pathClosed(let id, let tuple):
                guard open.removeValue(forKey: id) == tuple else { return "a path was closed that was not open" }
                // What came there is forgotten: it has to be validated again.
                traffic[tuple]?.consentAt = nil
            case .credentialsAdded(let ufrag): fragments.insert(ufrag)
            case .credentialsRetired(let ufrag):
                guard fragments.remove(ufrag) != nil else { return "credentials were retired twice" }
            case .event(let event):
                if let fault = sequenceFault(event) { return fault }
                said.append(event)
            case .startHandshake, .sendKeepalive, .sendCloseNotify: break
            }
        }
        if fragments.count < 2 { holdOff = nil }
        if let validated { traffic[validated.tuple, default: Traffic()].consentAt = validated.at }
        validated = nil
        return open.count > policy.pathLimit ? "too many paths" : nil
    }

    /// What the state between two calls must be.
    func fault(of stage: PeerStage) -> String? {
        if stage.table.pathCount != open.count { return "the table holds \(stage.table.pathCount) paths instead of \(open.count)" }
        if stage.table.credentialCount != fragments.count { return "the table holds other credentials" }
        for (id, tuple) in open where stage.table.path(of: tuple)?.path != id { return "a path is not found" }
        let isEnded = said.contains(where: \.isEnd)
        if isEnded != stage.transport.hasEnded || isEnded != (stage.transport.deadline == nil) { return "the end is not told rightly" }
        if wasUnanswered, !isEnded { return "a request of a living peer was not answered" }
        if isEnded, !open.isEmpty || !fragments.isEmpty { return "something is left after the end" }
        if stage.transport.handshakePath(now: stage.now).map({ !isFresh($0, now: stage.now) }) == true { return "a flight without consent" }
        return stage.mediaPath.flatMap { mediaFault($0, now: stage.now) }
    }

    /// What must be true after a tick.
    func tickFault(of stage: PeerStage) -> String? {
        if let deadline = stage.transport.deadline, deadline <= stage.now { return "the deadline stands still" }
        return isOver(now: stage.now) && !stage.transport.hasEnded ? "consent is over and the peer lives" : nil
    }

    private func isOver(now: MonotonicTime) -> Bool {
        said.contains(where: \.isConnected) && now >= max(consentAt.advanced(by: policy.consentLimit), holdOff ?? consentAt)
    }

    private func mediaFault(_ tuple: FiveTuple, now: MonotonicTime) -> String? {
        guard isSecured else { return "media would be sent before the handshake" }
        guard said.contains(where: \.isConnected), !said.contains(where: \.isEnd) else { return "media would be sent unconnected" }
        guard let traffic = traffic[tuple], open.values.contains(tuple) else { return "media would be sent to a stranger" }
        guard traffic.wasNominated || traffic.sentMedia || isRebinding(tuple, traffic) else {
            return "media would be sent to where nobody asked for it"
        }
        return isFresh(tuple, now: now) ? nil : "media would be sent without consent"
    }

    /// The same pair of candidates as one that the peer nominated or sends on, as far as its words go.
    private func isRebinding(_ tuple: FiveTuple, _ own: Traffic) -> Bool {
        traffic.contains { other, traffic in
            (traffic.wasNominated || traffic.sentMedia) && other.local == tuple.local
                && !traffic.priorities.isDisjoint(with: own.priorities)
        }
    }

    private func isFresh(_ tuple: FiveTuple, now: MonotonicTime) -> Bool {
        guard let consentAt = traffic[tuple]?.consentAt else { return false }
        return now.duration(since: consentAt) < .seconds(30)
    }

    private func sequenceFault(_ event: TransportEvent) -> String? {
        if said.contains(where: \.isEnd) { return "something was said after the end" }
        let isConnected = said.contains(where: \.isConnected)
        let isDisconnected = said.last { $0 == .disconnected || $0 == .reconnected } == .disconnected
        switch event {
        case .connecting: return said.isEmpty ? nil : "connecting is the first event"
        case .connected: return !isConnected && said == [.connecting] && isSecured ? nil : "connected comes once, after connecting"
        case .moved: return isConnected ? nil : "moved comes after connected"
        case .disconnected: return isConnected && !isDisconnected ? nil : "disconnected comes in turn"
        case .reconnected: return isDisconnected ? nil : "reconnected comes in turn"
        case .ended: return nil
        }
    }
}

extension TransportEvent {
    fileprivate var isEnd: Bool { if case .ended = self { true } else { false } }
    fileprivate var isConnected: Bool { if case .connected = self { true } else { false } }
}
