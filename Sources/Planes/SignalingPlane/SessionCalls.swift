import Bridge
import BridgeModel
import Signaling

/// Makes one session's calls on the bridge and turns what comes back into the machine's inputs.
struct SessionCalls: Sendable {
    let services: any SessionServices
    let layers: any PeerLayers
    let context: SessionContext
    /// Where peer events and recording updates go, in the order in which they are reported.
    let report: @Sendable (SessionMachine.Input) -> Void

    /// The outcome; nil for `closePeer`, which has none.
    func perform(_ call: SessionMachine.ServiceCall, handle: any SessionHandle) async -> SessionMachine.ServiceOutcome? {
        do {
            return try await outcome(of: call, handle: handle)
        } catch {
            return refusal(of: call, error)
        }
    }

    private func outcome(
        of call: SessionMachine.ServiceCall, handle: any SessionHandle
    ) async throws(BridgeError) -> SessionMachine.ServiceOutcome? {
        let report = report
        switch call {
        case .openPeer(let slot, let offer):
            return .peerOpened(slot, try await services.openPeer(context, offer: offer) { report(.peer(slot, $0)) })
        case .recordSession(let webhookURL):
            try await services.sessionStarted(context, webhookURL: webhookURL, handle: handle)
            return .sessionRecorded
        case .addCandidate(let candidate, let peer):
            try await services.addCandidate(candidate, to: peer)
            return .candidateApplied
        case .restartPeer(let peer, let offer):
            return .peerRestarted(peer, try await services.restartPeer(peer, with: offer))
        case .closePeer(let peer):
            await services.closePeer(peer)
            return nil
        case .startRecording(let order):
            return .recordingStarted(try await services.startRecording(request(order)) { report(.recording($0)) })
        case .stopRecording(let recording):
            try await services.stopRecording(recording)
            return .recordingStopping(recording)
        case .readLayers(let peer):
            return .layersRead(await layers.layers(of: peer), of: peer)
        case .selectLayer(let choice, let peer):
            try await layers.select(choice, for: peer)
            return .layerSelected(choice, await layers.layers(of: peer))
        case .endSession(let cause):
            await services.sessionEnded(context, cause: cause)
            return .sessionEnded
        }
    }

    private func refusal(of call: SessionMachine.ServiceCall, _ error: BridgeError) -> SessionMachine.ServiceOutcome? {
        switch call {
        case .openPeer(let slot, _): .peerRefused(slot, error)
        case .recordSession: .sessionRefused(error)
        case .addCandidate: .candidateRefused(error)
        case .restartPeer(let peer, _): .restartRefused(peer, error)
        case .startRecording: .recordingRefused(error)
        case .stopRecording(let recording): .stopRefused(recording, error)
        case .selectLayer: .layerRefused(error)
        case .closePeer, .readLayers: nil
        case .endSession: .sessionEnded
        }
    }

    private func request(_ order: RecordingStart) -> RecordingRequest {
        RecordingRequest(
            context: context, destination: order.uploadURL.map { .to(.put(url: $0)) }, webhookURL: order.webhookURL,
            videoTrack: order.stream)
    }
}
