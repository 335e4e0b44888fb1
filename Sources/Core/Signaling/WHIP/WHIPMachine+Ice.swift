import Bridge
import BridgeModel

/// The ICE session that a WHIP or WHEP session has now, and what its client has said about it.
struct IceSession: Sendable {
    private let session: SessionID
    /// How often ICE was restarted.
    private var generation = 0
    /// The client's.
    private(set) var credentials: IceParameters
    /// Ours of the newest restart: given again to a client that lost the reply.
    private(set) var answer: IceRestartAnswer?
    /// The client's new credentials by the restarts that are under way.
    private(set) var pending: [WHIPRequestID: IceParameters] = [:]
    /// Candidates of the client so far, over all restarts.
    var candidateCount = 0

    init(of session: SessionID, credentials: IceParameters) {
        self.session = session
        self.credentials = credentials
    }

    /// Changes with each restart and never comes again within the session (RFC 9725 section 4.3.1).
    var tag: EntityTag { Self.tag(of: session, generation) }

    /// The tag that a session's first ICE session will have.
    static func firstTag(of session: SessionID) -> EntityTag { tag(of: session, 0) }

    private static func tag(of session: SessionID, _ generation: Int) -> EntityTag {
        EntityTag("\(session.rawValue.prefix(8))-\(generation)")
    }

    func satisfies(_ condition: EntityTagCondition) throws(WHIPError) {
        switch condition {
        case .absent: throw .unconditional
        case .any: return
        case .oneOf(let tags): guard tags.contains(tag) else { throw .stale }
        }
    }

    mutating func begin(_ request: WHIPRequestID, _ credentials: IceParameters) { pending[request] = credentials }

    /// True when the restart is the client's last word; an earlier one is overtaken and changes nothing.
    mutating func restarted(_ request: WHIPRequestID, _ answer: IceRestartAnswer) {
        guard let credentials = pending.removeValue(forKey: request) else { return }
        self.credentials = credentials
        self.answer = answer
        generation += 1
    }

    mutating func refused(_ request: WHIPRequestID) { pending[request] = nil }
}

extension WHIPMachine.Running {
    fileprivate func hasSection(of candidate: IceCandidate) -> Bool { candidate.sdpMid.map { mids.contains($0) } ?? true }
}

extension WHIPMachine {
    mutating func patch(_ change: WHIPChange, if condition: EntityTagCondition, _ request: WHIPRequestID, now: MonotonicTime) {
        switch change {
        case .answer(let text): accept(text, request, now: now)
        case .ice(let change): patchIce(change, if: condition, request, now: now)
        }
    }

    private mutating func patchIce(_ change: IceChange, if condition: EntityTagCondition, _ request: WHIPRequestID, now: MonotonicTime) {
        guard case .running(var running) = state else { return reply(request, .failure(.notFound)) }
        let verdict = running.rate.admit(now: now)
        state = .running(running)
        guard verdict == .admitted else { return reply(request, .failure(.tooMany("Too many requests for one session."))) }
        do throws(WHIPError) {
            try running.ice.satisfies(condition)
            guard change.candidates.allSatisfy(running.hasSection) else { throw .unsupported("A candidate names no section of the offer.") }
            if let credentials = change.credentials, credentials != running.ice.credentials {
                try restart(running, credentials, change.candidates, request)
            } else if condition == .any, let answer = running.ice.answer, change.credentials != nil {
                reply(request, .success(.restarted(answer, running.ice.tag)))
            } else {
                try trickle(running, change.candidates, request)
            }
        } catch {
            reply(request, .failure(error))
        }
    }

    private mutating func trickle(_ running: Running, _ candidates: [IceCandidate], _ request: WHIPRequestID) throws(WHIPError) {
        guard abilities.contains(.trickle) else { throw .unsupported("The bridge takes no candidates after the offer.") }
        var running = running
        running.ice.candidateCount += candidates.count { !$0.isEnd }
        guard running.ice.candidateCount <= limits.candidates else { throw .tooMany("The session has enough candidates.") }
        state = .running(running)
        // A restart is under way: these belong to the ICE session that it leaves behind.
        if running.ice.pending.isEmpty {
            for candidate in candidates { call(.addCandidate(candidate, to: running.peer)) }
        }
        reply(request, .success(.trickled))
    }

    private mutating func restart(
        _ running: Running, _ credentials: IceParameters, _ candidates: [IceCandidate], _ request: WHIPRequestID
    ) throws(WHIPError) {
        guard abilities.contains(.restart) else {
            throw .unsupported("The bridge's engine cannot restart ICE; the session goes on as it is.")
        }
        var running = running
        running.ice.candidateCount += candidates.count { !$0.isEnd }
        guard running.ice.candidateCount <= limits.candidates else { throw .tooMany("The session has enough candidates.") }
        running.ice.begin(request, credentials)
        state = .running(running)
        call(.restart(running.peer, IceRestartOffer(credentials: credentials, candidates: candidates), for: request))
    }

    mutating func restarted(_ request: WHIPRequestID, _ answer: IceRestartAnswer) {
        guard case .running(var running) = state else { return reply(request, .failure(.notFound)) }
        running.ice.restarted(request, answer)
        state = .running(running)
        reply(request, .success(.restarted(answer, running.ice.tag)))
    }

    /// The former ICE session goes on (RFC 9725 section 4.3.3).
    mutating func restartRefused(_ request: WHIPRequestID, _ error: BridgeError) {
        guard case .running(var running) = state else { return reply(request, .failure(.notFound)) }
        running.ice.refused(request)
        state = .running(running)
        reply(request, .failure(.bridge(error)))
    }
}
