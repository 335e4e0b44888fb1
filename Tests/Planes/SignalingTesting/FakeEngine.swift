package import Bridge
package import BridgeModel
package import SDP
import Synchronization

/// An engine that takes every offer and answers at once, or as the test says.
package final class FakeEngine: PeerEngine, OfferingEngine {
    private struct State {
        var calls: [String] = []
        var peers: [PeerID: @Sendable (PeerEvent) -> Void] = [:]
        var answer: PeerEvent?
        var refusal: BridgeError?
        var layers: [VideoLayer] = []
        var answerRefusal: BridgeError?
    }

    package let abilities: PeerAbilities
    private let state = Mutex(State())

    /// - Parameter answer: What each offer is answered with; nil: nothing until the test says so.
    package init(abilities: PeerAbilities = [.trickle, .restart], answer: PeerEvent?) {
        self.abilities = abilities
        state.withLock { $0.answer = answer }
    }

    package static let restartAnswer = IceRestartAnswer(
        credentials: IceParameters(ufrag: "ours", password: Redacted("oursoursoursoursoursours")),
        candidates: ["candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host"], isLite: true)

    package func open(
        _ context: SessionContext, offer: ReceivedOffer, events: @escaping @Sendable (PeerEvent) -> Void
    ) async throws(BridgeError) -> PeerID {
        let (id, answer, refusal) = state.withLock { state in
            let id = PeerID("peer-\(state.peers.count + 1)")
            state.calls.append("open \(context.client)")
            if state.refusal == nil { state.peers[id] = events }
            return (id, state.answer, state.refusal)
        }
        if let refusal { throw refusal }
        if let answer { events(answer) }
        return id
    }

    package func add(_ candidate: IceCandidate, to id: PeerID) async throws(BridgeError) {
        note("add \(candidate.isEnd ? "end" : candidate.candidate) to \(id)")
    }

    package func restart(_ id: PeerID, with offer: IceRestartOffer) async throws(BridgeError) -> IceRestartAnswer {
        note("restart \(id) \(offer.credentials.ufrag)")
        return Self.restartAnswer
    }

    package func close(_ id: PeerID) async { note("close \(id)") }

    package func tracks(of session: SessionID) async -> [TrackDescription]? { nil }

    package func layers(of id: PeerID) async -> [VideoLayer] { state.withLock { $0.layers } }

    package func select(_ choice: LayerChoice, for id: PeerID) async throws(BridgeError) {
        note("select \(choice.mid ?? "-") \(choice.rid ?? "-") for \(id)")
        guard state.withLock({ $0.layers.contains(where: choice.admits) }) else {
            throw BridgeError(.invalidField, "There is no such layer.")
        }
    }

    package func offer(_ context: SessionContext, events: @escaping @Sendable (PeerEvent) -> Void) async throws(BridgeError) -> EngineOffer
    {
        let id = state.withLock { state in
            let id = PeerID("peer-\(state.peers.count + 1)")
            state.calls.append("offer \(context.client)")
            state.peers[id] = events
            return id
        }
        return EngineOffer(peer: id, sdp: Self.offer)
    }

    /// What viewers are offered.
    package static let offer = "v=0 our offer"

    package func accept(_ answer: String, of id: PeerID) async throws(BridgeError) {
        note("accept \(id)")
        if let refusal = state.withLock({ $0.answerRefusal }) { throw refusal }
    }

    // MARK: The test's side

    package func refuseAnswers(_ error: BridgeError?) { state.withLock { $0.answerRefusal = error } }

    /// Something happens to a peer, counted from 1.
    package func peer(_ number: Int, _ event: PeerEvent) { state.withLock { $0.peers[PeerID("peer-\(number)")] }?(event) }

    package func refuse(_ error: BridgeError?) { state.withLock { $0.refusal = error } }

    package func show(_ layers: [VideoLayer]) { state.withLock { $0.layers = layers } }

    /// Every call so far, in order.
    package var calls: [String] { state.withLock { $0.calls } }

    private func note(_ call: String) { state.withLock { $0.calls.append(call) } }
}
