internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// One WebRTC transport in its pipeline: negotiation, connection life, fingerprint check, teardown. Runners add what flows through it.
///
/// Lives on the GLib loop. What webrtcbin says on its own threads comes here through one stream, in order.
actor WebRTCPeer {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    nonisolated let pipeline: Pipeline
    nonisolated let bin: WebRTCBin
    nonisolated let gate: MediaGate

    private let events: EventSink
    private let terms: (identity: Fingerprint, patience: Patience)
    private let onSegmentDone: @Sendable () -> Void
    private let news: AsyncStream<News>
    private let inbox: AsyncStream<News>.Continuation
    private var listening: Task<Void, Never>?
    private var gathering = Gathering.running
    private var life = Life.connecting

    /// What a peer may take its time for.
    struct Patience: Sendable {
        /// How long the description waits for candidates (RFC 8838 lets the rest follow).
        var gathering: Duration = .milliseconds(500)
        /// Silence after which it counts as gone.
        var silence: Duration = PeerSilence.limit
        /// Whether a silence that is long for this peer is reported as `disconnected`, long before it counts as gone, and its end as `connected`.
        var doubts = false
    }

    /// What the jitter buffers wait for a retransmission: two tries at the round trip of a mobile network.
    private static let jitterLatency = ClockTime.milliseconds(200)

    private enum Life {
        case connecting
        case connected(PeerSilence)
        case tornDown

        var isConnected: Bool {
            guard case .connected = self else { return false }
            return true
        }
    }

    /// What comes from foreign threads.
    private enum News: Sendable {
        case bus(BusMessage)
        case connection(WebRTCBin.ConnectionState)
        case candidate(line: UInt32, text: String)
        case gathered
        case gatheringLimit
        case wrongCertificate
        case goodbye
        case consentCheck
    }

    private enum Gathering {
        case running
        case awaited(CheckedContinuation<Void, Never>)
        /// The description is out; `complete` tells whether it had every candidate.
        case described(complete: Bool)
        case complete
    }

    /// `onSegmentDone` runs on the loop when a source has played a segment.
    init(
        identity: DTLSIdentity, ice: IceSettings, gate: MediaGate, context: RunnerContext, patience: Patience = Patience(),
        onSegmentDone: @escaping @Sendable () -> Void = {}
    ) throws(GStreamerError) {
        let (news, inbox) = AsyncStream<News>.makeStream()
        pipeline = try Pipeline { inbox.yield(.bus($0)) }
        let agent = ice.agentSettings(of: HostFacts.interfaceAddresses())
        bin = try WebRTCBin(name: "peer", ice: agent, pem: identity.pem.revealed, latency: Self.jitterLatency)
        try pipeline.add(bin.element)
        bin.onPeerCertificate { pem in
            if !gate.judge(certificatePEM: pem) { inbox.yield(.wrongCertificate) }
        }
        bin.onPeerGoodbye { inbox.yield(.goodbye) }
        bin.onConnectionState { inbox.yield(.connection($0)) }
        bin.onGatheringComplete { inbox.yield(.gathered) }
        bin.element.onIceCandidate { inbox.yield(.candidate(line: $0, text: $1)) }
        self.gate = gate
        self.news = news
        self.inbox = inbox
        events = context.events
        terms = (identity.fingerprint, patience)
        self.onSegmentDone = onSegmentDone
        loop = context.loop
    }

    /// Starts the pipeline; descriptions can be exchanged from here on.
    func play() throws(GStreamerError) {
        listening = Task { [weak self, news] in
            for await item in news { await self?.hear(item) }
        }
        try pipeline.element.requestState(.playing)
    }

    /// Our answer to `offer`, with the candidates that were found in time. What is to be sent or received was added before; webrtcbin must
    /// take all `sections` of it, which it refuses without a word where formats do not meet.
    func answer(_ offer: String, sections: Int) async throws(GStreamerError) -> String {
        try await bin.setRemoteDescription(offer, kind: .offer)
        let answer = try await describe(.answer)
        guard sections > 0, answer.acceptedSections == sections else {
            throw GStreamerError(.sessionDescription, "webrtcbin took \(answer.acceptedSections) of \(sections) media sections")
        }
        return answer
    }

    /// Our offer, with the candidates that were found in time.
    func offer() async throws(GStreamerError) -> String { try await describe(.offer) }

    private func describe(_ kind: WebRTCBin.DescriptionKind) async throws(GStreamerError) -> String {
        try await bin.makeLocalDescription(kind)
        loop.schedule(after: terms.patience.gathering) { [inbox] in inbox.yield(.gatheringLimit) }
        await candidatesInTime()
        guard let description = bin.localDescription else {
            throw GStreamerError(.sessionDescription, "webrtcbin has no local description")
        }
        return description.namingFingerprint(terms.identity)
    }

    private func candidatesInTime() async {
        if case .running = gathering {
            await withCheckedContinuation { gathering = .awaited($0) }
        }
        if case .complete = gathering {
            gathering = .described(complete: true)
        } else {
            gathering = .described(complete: false)
        }
    }

    private func hear(_ item: News) {
        if case .tornDown = life { return }  // elements that go down one after another complain about each other
        switch item {
        case .bus(let message): hear(message)
        case .connection(let state): hear(state)
        case .wrongCertificate:
            events(.failed(BridgeError(.fingerprintMismatch, "The peer's certificate is not the one that its SDP names; no media passed.")))
        case .goodbye where life.isConnected: events(.failed(BridgeError(.connectionLost, "The peer closed its transport.")))
        case .goodbye: break  // a new transport is closed, too
        case .consentCheck: checkConsent()
        case .gathered: endGathering(complete: true)
        case .gatheringLimit: endGathering(complete: false)
        case .candidate(let line, let text):
            guard case .described(complete: false) = gathering else { return }
            events(.candidate(IceCandidate(candidate: text, sdpMLineIndex: UInt16(clamping: line))))
        }
    }

    private func endGathering(complete: Bool) {
        switch gathering {
        case .running where complete: gathering = .complete
        case .awaited(let continuation):
            gathering = complete ? .complete : .running
            continuation.resume()
        case .described(complete: false) where complete:
            gathering = .described(complete: true)
            events(.candidate(.end))
        default: break
        }
    }

    private func hear(_ message: BusMessage) {
        switch message {
        case .latency: pipeline.recalculateLatency()
        case .error(let element, let code, let domain, let text):
            HostFacts.logLine("viaduct-pipeline: \(element): \(text) (\(domain) \(code))")
            events(.failed(Self.failure(of: element, text)))
        case .warning(let element, let text):
            events(.warning(code: .pipelineFailed, message: "GStreamer's \(element) warns: \(text)"))
        case .segmentDone: onSegmentDone()
        case .endOfStream: break
        }
    }

    /// The decoder of DTLS fails by what the peer sends it, an alert for instance: webrtcbin's own word for that may come later.
    private static func failure(of element: String, _ text: String) -> BridgeError {
        element == "dtlsdec"
            ? BridgeError(.connectionLost, "The peer broke the DTLS handshake off.")
            : BridgeError(.pipelineFailed, "GStreamer's \(element) cannot go on: \(text)")
    }

    private func hear(_ state: WebRTCBin.ConnectionState) {
        switch state {
        case .connected: gate.setTransportUp(true)
        case .disconnected, .failed, .closed: gate.setTransportUp(false)
        // While another ICE session begins, too: what is sent meanwhile can be asked for again.
        case .new, .connecting: break
        }
        switch state {
        case .connected where gate.isOpen:
            beginLife()
            events(.connected)
        case .disconnected: events(.disconnected)
        case .failed where life.isConnected && !bin.isICEUp:
            events(.failed(BridgeError(.connectionTimeout, "The peer does not answer any more.")))
        case .failed where life.isConnected, .closed where life.isConnected:
            events(.failed(BridgeError(.connectionLost, "The peer's transport ended.")))
        case .failed where bin.isICEUp:
            events(.failed(BridgeError(.connectionLost, "The peer broke the DTLS handshake off.")))
        case .failed: events(.failed(BridgeError(.connectionTimeout, "ICE or DTLS with the peer did not come up.")))
        case .new, .connecting, .connected, .closed: break
        }
    }

    private func beginLife() {
        guard !life.isConnected else { return }
        life = .connected(PeerSilence(newest: bin.newestDatagram, now: now, limit: terms.patience.silence))
        scheduleConsentCheck()
    }

    private var now: MonotonicTime { MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds) }

    private func scheduleConsentCheck() {
        loop.schedule(after: PeerSilence.interval) { [inbox] in inbox.yield(.consentCheck) }
    }

    private func checkConsent() {
        guard case .connected(var silence) = life else { return }
        guard !silence.hasConsentEnded(newest: bin.newestDatagram, now: now) else {
            events(.failed(BridgeError(.connectionTimeout, "The peer does not answer any more.")))
            return
        }
        let doubt = terms.patience.doubts ? silence.doubtNews(now: now) : nil
        life = .connected(silence)
        if let doubt { events(doubt ? .disconnected : .connected) }
        scheduleConsentCheck()
    }

    /// Weak references to what must be gone after `tearDown`, for tests.
    nonisolated func lifetimes() -> [LifetimeWatch] { [pipeline.element.watchLifetime(), bin.watchAgent()] }

    /// Takes everything down: webrtcbin first, since a queue that stops before an unconnected webrtcbin deadlocks, then the rest.
    func tearDown() {
        life = .tornDown
        bin.element.setStateLocked(true)
        try? bin.element.setState(.null)
        try? pipeline.setState(.null)
        pipeline.detachBus()
        inbox.finish()
        listening?.cancel()
        listening = nil
        if case .awaited(let continuation) = gathering {
            gathering = .running
            continuation.resume()
        }
    }
}
