package import Bridge
package import BridgeModel
import Synchronization

/// The bridge behind the sessions: notes its calls, answers offers at once, and does the rest when the test says so.
package final class FakeBridge: SessionServices {
    private struct State {
        var calls: [String] = []
        var peers: [PeerID: @Sendable (PeerEvent) -> Void] = [:]
        var newestPeer: PeerID?
        var recordings: [RecordingID: @Sendable (RecordingUpdate) -> Void] = [:]
        var newestRecording: RecordingID?
        var handles: [SessionID: any SessionHandle] = [:]
        var ends: [SessionID: TerminationCause] = [:]
        var endsAreSlow = false
        var waitingEnds: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Offers that hold this text are refused.
    package static let unacceptable = "unacceptable"

    package init() {}

    // MARK: SessionServices

    package func sessionStarted(
        _ context: SessionContext, webhookURL: Redacted<String>?, handle: any SessionHandle
    ) async throws(BridgeError) {
        note("sessionStarted") { $0.handles[context.session] = handle }
    }

    package func openPeer(
        _ context: SessionContext, offer: String, events: @escaping @Sendable (PeerEvent) -> Void
    ) async throws(BridgeError) -> PeerID {
        let number: Int? = state.withLock { state in
            guard !offer.contains(Self.unacceptable) else {
                state.calls.append("openPeer refused")
                return nil
            }
            let id = PeerID("peer-\(state.peers.count + 1)")
            state.calls.append("openPeer")
            state.peers[id] = events
            state.newestPeer = id
            return state.peers.count
        }
        guard let number else { throw BridgeError(.unacceptableOffer, "the offer holds nothing that the bridge can carry") }
        events(.answer(sdp: "answer \(number)"))
        return PeerID("peer-\(number)")
    }

    package func addCandidate(_ candidate: IceCandidate, to peer: PeerID) async throws(BridgeError) {
        note("addCandidate \(peer) \(candidate.candidate)")
    }

    package func restartPeer(_ peer: PeerID, with offer: IceRestartOffer) async throws(BridgeError) -> IceRestartAnswer {
        note("restartPeer \(peer)")
        throw BridgeError(.unavailable, "This engine cannot restart ICE; open a new session.")
    }

    package func closePeer(_ peer: PeerID) async { note("closePeer \(peer)") }

    package func startRecording(
        _ request: RecordingRequest, updates: @escaping @Sendable (RecordingUpdate) -> Void
    ) async throws(BridgeError) -> RecordingID {
        state.withLock { state in
            let id = RecordingID("rec-\(state.recordings.count + 1)")
            state.calls.append("startRecording")
            state.recordings[id] = updates
            state.newestRecording = id
            return id
        }
    }

    package func stopRecording(_ recording: RecordingID) async throws(BridgeError) { note("stopRecording \(recording)") }

    package func sessionEnded(_ context: SessionContext, cause: TerminationCause) async {
        let isSlow = state.withLock { state in
            state.calls.append("sessionEnded \(cause.rawValue)")
            state.ends[context.session] = cause
            return state.endsAreSlow
        }
        guard isSlow else { return }
        await withCheckedContinuation { continuation in state.withLock { $0.waitingEnds.append(continuation) } }
    }

    // MARK: The test's side

    /// Something happens to the newest peer.
    package func peer(_ event: PeerEvent) { state.withLock { state in state.newestPeer.flatMap { state.peers[$0] } }?(event) }

    /// The newest recording changes.
    package func recording(_ recordingState: RecordingState, message: String = "") {
        let (id, updates) = state.withLock { state in (state.newestRecording, state.newestRecording.flatMap { state.recordings[$0] }) }
        guard let id else { return }
        updates?(RecordingUpdate(recording: id, state: recordingState, message: message, at: WallTime(milliseconds: 1_709_283_601_120)))
    }

    /// Ends a running session from outside, as a newer session or a revoked token does.
    package func end(_ session: SessionID, _ cause: TerminationCause) async {
        await state.withLock { $0.handles[session] }?.end(cause)
    }

    /// From now on, ends become durable only with `finishEnds()`.
    package func holdEnds() { state.withLock { $0.endsAreSlow = true } }

    /// Lets the held ends become durable.
    package func finishEnds() {
        let waiting = state.withLock { state in
            defer { state.waitingEnds = [] }
            state.endsAreSlow = false
            return state.waitingEnds
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Every call so far, in order.
    package var calls: [String] { state.withLock { $0.calls } }

    /// The sessions whose end was reported, with its cause.
    package var ends: [SessionID: TerminationCause] { state.withLock { $0.ends } }

    private func note(_ call: String, _ change: (inout sending State) -> Void = { _ in }) {
        state.withLock { state in
            state.calls.append(call)
            change(&state)
        }
    }
}
