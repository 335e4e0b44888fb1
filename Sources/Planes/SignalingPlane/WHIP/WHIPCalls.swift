import Bridge
import BridgeModel
import Signaling

/// Makes one WHIP or WHEP session's calls on the bridge and turns what comes back into the machine's inputs.
struct WHIPCalls: Sendable {
    let services: any SessionServices
    let engine: any PeerEngine
    let offering: (any OfferingEngine)?
    let context: SessionContext
    /// Where peer events go, in the order in which they are reported.
    let report: @Sendable (WHIPMachine.Input) -> Void

    /// The outcome; nil for calls that have none.
    func perform(_ call: WHIPMachine.Call, handle: any SessionHandle) async -> WHIPMachine.Outcome? {
        do throws(BridgeError) {
            return try await outcome(of: call, handle: handle)
        } catch {
            return refusal(of: call, error)
        }
    }

    private func outcome(
        of call: WHIPMachine.Call, handle: any SessionHandle
    ) async throws(BridgeError) -> WHIPMachine.Outcome? {
        switch call {
        case .openPeer(let offer):
            return .peerOpened(try await engine.open(context, offer: offer) { [report] in report(.peer($0)) })
        case .offerPeer:
            guard let offering else { throw BridgeError(.unacceptableOffer, "The bridge makes no offers.") }
            return .peerOffered(try await offering.offer(context) { [report] in report(.peer($0)) })
        case .acceptAnswer(let answer, let peer, let request):
            try await offering?.accept(answer, of: peer)
            return .answerAccepted(request)
        case .recordSession:
            try await services.sessionStarted(context, webhookURL: nil, handle: handle)
            return .sessionRecorded
        case .addCandidate(let candidate, let peer):
            try await engine.add(candidate, to: peer)
            return nil
        case .restart(let peer, let offer, let request):
            return .restarted(request, try await engine.restart(peer, with: offer))
        case .closePeer(let peer):
            await engine.close(peer)
            return nil
        case .endSession(let cause):
            await services.sessionEnded(context, cause: cause)
            return .sessionEnded
        }
    }

    private func refusal(of call: WHIPMachine.Call, _ error: BridgeError) -> WHIPMachine.Outcome? {
        switch call {
        case .openPeer, .offerPeer: .peerRefused(error)
        case .acceptAnswer(_, _, let request): .answerRefused(request, error)
        case .recordSession: .sessionRefused(error)
        case .restart(_, _, let request): .restartRefused(request, error)
        // The fragment's form was checked: what the engine cannot use is passed over (RFC 9725 section 4.3.2).
        case .addCandidate, .closePeer: nil
        case .endSession: .sessionEnded
        }
    }
}
