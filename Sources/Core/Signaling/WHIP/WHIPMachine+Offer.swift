import Bridge
import BridgeModel

/// Sessions that begin with an offer of ours (draft-ietf-wish-whep, server sends counter-offer): the viewer's POST is answered with the offer, its
/// PATCH with the session.
extension WHIPMachine {
    /// Where the engine makes offers, one of them answers a viewer's offer that it cannot carry.
    mutating func peerRefused(_ error: BridgeError) {
        guard case .opening(var opening) = state else { return }
        if let end = opening.end { return abandon(end.error, peer: nil) }
        guard makesOffers, !opening.isOffering, error.code == .unacceptableOffer else {
            return abandon(WHIPError(opening: error, direction: context.direction), peer: nil)
        }
        opening.isOffering = true
        state = .opening(opening)
        call(.offerPeer)
    }

    mutating func peerOffered(_ made: EngineOffer, now: MonotonicTime) {
        guard case .opening(let opening) = state else { return }
        if let end = opening.end { return abandon(end.error, peer: made.peer) }
        state = .offered(Offered(peer: made.peer, offer: made.sdp, giveUpAt: now.advanced(by: limits.counterOffer)))
        let tag = IceSession.firstTag(of: context.session)
        answer(.success(WHIPAnswer(context: context, sdp: made.sdp, tag: tag, isCounterOffer: true)))
    }

    /// The viewer's answer to our offer.
    mutating func accept(_ text: String, _ request: WHIPRequestID, now: MonotonicTime) {
        guard case .offered(var offered) = state, !offered.isEnding else { return reply(request, .failure(.notFound)) }
        guard offered.pending == nil else { return reply(request, .failure(.tooMany("An answer is being taken already."))) }
        do throws(WHIPError) {
            let answer = try WHEPCounterAnswer(text)
            offered.pending = (request, answer)
            state = .offered(offered)
            call(.acceptAnswer(text, of: offered.peer, for: request))
        } catch {
            reply(request, .failure(error))
        }
    }

    /// From here on the session is made durable as any other is.
    mutating func answerAccepted(_ request: WHIPRequestID) {
        guard case .offered(let offered) = state, let pending = offered.pending, pending.request == request else { return }
        guard !offered.isEnding else {
            reply(request, .failure(.notFound))
            return close(offered)
        }
        state = .opening(
            Opening(
                opener: .patch(request, pending.answer), peer: offered.peer, answer: offered.offer, isConnected: offered.isConnected))
        record()
    }

    mutating func answerRefused(_ request: WHIPRequestID, _ error: BridgeError, now: MonotonicTime) {
        guard case .offered(var offered) = state, offered.pending?.request == request else { return }
        switch error.code {
        case .unacceptableOffer: reply(request, .failure(.unacceptableAnswer(error.message)))
        case .notFound: reply(request, .failure(.notFound))
        default: reply(request, .failure(.bridge(error)))
        }
        offered.pending = nil
        state = .offered(offered)
        if offered.isEnding || offered.giveUpAt <= now { close(offered) }
    }

    /// The peer may be up before the engine has said that it took the answer.
    mutating func offered(_ offered: Offered, _ event: PeerEvent) {
        var offered = offered
        switch event {
        case .connected, .disconnected: offered.isConnected = event == .connected
        case .ended: offered.isEnding = true
        case .answer, .candidate: return
        }
        state = .offered(offered)
        if offered.isEnding, offered.pending == nil { close(offered) }
    }

    /// Nobody answers, or the session is ended before: it was never there.
    mutating func withdraw(_ offered: Offered) {
        var offered = offered
        offered.isEnding = true
        state = .offered(offered)
        if offered.pending == nil { close(offered) }
    }

    private mutating func close(_ offered: Offered) {
        call(.closePeer(offered.peer))
        retire()
    }
}
