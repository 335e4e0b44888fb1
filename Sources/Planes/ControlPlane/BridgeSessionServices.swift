package import Bridge
package import BridgeModel
internal import SDP

/// The bridge as a signalling session sees it: each call goes to the register or director that it concerns.
package struct BridgeSessionServices: SessionServices {
    private let sessions: SessionRegister
    private let streams: StreamRegister
    private let peers: any PeerEngine
    private let recordings: RecordingDirector

    package init(sessions: SessionRegister, streams: StreamRegister, peers: any PeerEngine, recordings: RecordingDirector) {
        self.sessions = sessions
        self.streams = streams
        self.peers = peers
        self.recordings = recordings
    }

    package func sessionStarted(
        _ context: SessionContext, webhookURL: Redacted<String>?, handle: any SessionHandle
    ) async throws(BridgeError) {
        try await sessions.started(context, webhookURL: webhookURL, handle: handle)
    }

    package func openPeer(
        _ context: SessionContext, offer: String, events: @escaping @Sendable (PeerEvent) -> Void
    ) async throws(BridgeError) -> PeerID {
        try await peers.open(context, offer: ReceivedOffer(offer), events: events)
    }

    package func addCandidate(_ candidate: IceCandidate, to peer: PeerID) async throws(BridgeError) {
        try await peers.add(candidate, to: peer)
    }

    package func restartPeer(_ peer: PeerID, with offer: IceRestartOffer) async throws(BridgeError) -> IceRestartAnswer {
        try await peers.restart(peer, with: offer)
    }

    package func closePeer(_ peer: PeerID) async {
        await peers.close(peer)
    }

    package func startRecording(
        _ request: RecordingRequest, updates: @escaping @Sendable (RecordingUpdate) -> Void
    ) async throws(BridgeError) -> RecordingID {
        let known = await streams.stream(request.context.stream)
        let own = known?.context.session == request.context.session ? known : nil
        guard let tracks = await peers.tracks(of: request.context.session) ?? own?.tracks else {
            throw BridgeError(.notFound, "The session publishes nothing that could be recorded.")
        }
        return try await recordings.start(
            request, tracks: tracks, source: { await streams.liveStream(of: request.context) }, updates: updates)
    }

    package func stopRecording(_ recording: RecordingID) async throws(BridgeError) {
        try await recordings.stop(recording)
    }

    package func sessionEnded(_ context: SessionContext, cause: TerminationCause) async {
        await recordings.finish(session: context.session, forGood: cause.isFinal || context.direction != .publish)
        await sessions.ended(context, cause: cause)
        if context.direction == .publish { await streams.sessionEnded(context, forGood: cause.isFinal) }
    }
}

extension TerminationCause {
    /// The publisher will not come back by itself: viewers need not wait.
    fileprivate var isFinal: Bool {
        switch self {
        case .connectionError, .connectionTimeout, .replaced, .internalError: false
        case .clientStop, .monitoredSessionEnded, .tokenRevoked, .maximumDuration, .serverShutdown, .policy: true
        }
    }
}
