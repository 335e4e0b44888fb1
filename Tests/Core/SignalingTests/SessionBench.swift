import Bridge
import BridgeModel
import Signaling

typealias Effect = SessionMachine.Effect
typealias Input = SessionMachine.Input

/// A machine in virtual time with a bridge that grants every call at once, unless told otherwise.
struct SessionBench {
    static let publisher = SessionContext(
        session: SessionID("s-1"), account: AccountID("acme"), client: ClientID("client-0"), stream: StreamID("client-0"),
        direction: .publish)
    static let watcher = SessionContext(
        session: SessionID("s-2"), account: AccountID("acme"), client: ClientID("viewer"), stream: StreamID("client-0"), direction: .watch)
    /// The socket that the session is begun by, and another.
    static let first = SocketID(1)
    static let second = SocketID(2)

    /// What the bridge answers to an ICE restart.
    static let restart = IceRestartAnswer(
        credentials: IceParameters(ufrag: "newufrag", password: Redacted("0123456789abcdefghijkl")),
        candidates: ["candidate:1 1 udp 2130706431 192.0.2.9 8189 typ host"], isLite: true)

    private(set) var machine: SessionMachine
    private(set) var now = MonotonicTime(nanoseconds: 1_000_000_000)
    /// Everything that came out, in order.
    private(set) var log: [Effect] = []
    /// Calls that stay open until the test answers them.
    var holdsCalls = false
    var refusesOffers: BridgeError?
    var refusesRestarts: BridgeError?
    /// What the engine could send a viewer.
    var layers: [VideoLayer] = []
    private var peers = 0
    private var recordings = 0

    init(_ context: SessionContext = publisher, limits: SessionLimits = SessionLimits()) {
        machine = SessionMachine(context: context, limits: limits, now: now)
    }

    /// A session that has come to this state by the shortest way.
    init(in phase: SessionPhase, _ context: SessionContext = publisher) {
        self.init(context)
        if phase == .new { return }
        start()
        if phase == .negotiating { return }
        give(.peer(PeerSlot(1), .connected))
        switch phase {
        case .new, .negotiating, .active: return
        case .detached: give(.socketClosed(Self.first, .lost))
        case .ending:
            holdsCalls = true
            give(.end(.policy))
        case .terminated: give(.end(.policy))
        }
    }

    /// Sends an offer over a socket, and lets the engine answer it.
    mutating func start(offer: String = "offer-A", over socket: SocketID = first) {
        give(.request(.sessionStart(SessionOpening(offer: offer)), from: socket))
        give(.peer(PeerSlot(peers), .answer(sdp: "answer-to-\(offer)")))
    }

    /// Gives one input and everything that follows from it; returns what came out.
    @discardableResult
    mutating func give(_ input: Input) -> [Effect] {
        var queue = [input]
        var produced: [Effect] = []
        while !queue.isEmpty {
            let effects = machine.handle(queue.removeFirst(), now: now)
            produced += effects
            if !holdsCalls { queue += effects.compactMap { answer($0) } }
        }
        log += produced
        return produced
    }

    /// Lets time pass, with a stop at every deadline on the way.
    @discardableResult
    mutating func advance(_ duration: Duration) -> [Effect] {
        let end = now.advanced(by: duration)
        var produced: [Effect] = []
        while let deadline = machine.deadline, deadline <= end {
            now = max(now, deadline)
            produced += give(.time)
        }
        now = end
        return produced
    }

    private mutating func answer(_ effect: Effect) -> Input? {
        guard case .call(let call) = effect else { return nil }
        switch call {
        case .openPeer(let slot, _):
            if let refusesOffers { return .outcome(.peerRefused(slot, refusesOffers)) }
            peers = slot.rawValue
            return .outcome(.peerOpened(slot, PeerID("peer-\(slot.rawValue)")))
        case .recordSession: return .outcome(.sessionRecorded)
        case .addCandidate: return .outcome(.candidateApplied)
        case .restartPeer(let id, _):
            if let refusesRestarts { return .outcome(.restartRefused(id, refusesRestarts)) }
            return .outcome(.peerRestarted(id, Self.restart))
        case .closePeer: return nil
        case .startRecording:
            recordings += 1
            return .outcome(.recordingStarted(RecordingID("rec-\(recordings)")))
        case .stopRecording(let id): return .outcome(.recordingStopping(id))
        case .readLayers(let peer): return .outcome(.layersRead(layers, of: peer))
        case .selectLayer(let choice, _):
            guard layers.contains(where: choice.admits) else { return .outcome(.layerRefused(BridgeError(.invalidField, "no such layer"))) }
            return .outcome(.layerSelected(choice, layers))
        case .endSession: return .outcome(.sessionEnded)
        }
    }
}

extension Sequence where Element == Effect {
    /// The codes of the error frames among these effects.
    var errors: [RTMError.Code] {
        compactMap { if case .send(.error(let error, _), _) = $0 { error.code } else { nil } }
    }

    /// The close codes among these effects.
    var closes: [CloseCode] { compactMap { if case .close(_, let code) = $0 { code } else { nil } } }

    /// The calls on the bridge among these effects.
    var calls: [SessionMachine.ServiceCall] { compactMap { if case .call(let call) = $0 { call } else { nil } } }

    /// The answers among these effects.
    var answers: [String] { compactMap { if case .send(.answer(let sdp), _) = $0 { sdp } else { nil } } }

    /// The causes of `session_terminated` among these effects.
    var terminations: [TerminationCause] {
        compactMap { if case .send(.sessionTerminated(let cause, _), _) = $0 { cause } else { nil } }
    }

    /// The causes with which the end was made durable.
    var durableEnds: [TerminationCause] { calls.compactMap { if case .endSession(let cause) = $0 { cause } else { nil } } }

    /// True when the machine was given up.
    var retires: Bool { contains { if case .retire = $0 { true } else { false } } }
}

extension RTMRequest {
    static func start(_ offer: String) -> RTMRequest { .sessionStart(SessionOpening(offer: offer)) }
    static func candidate(_ number: Int) -> RTMRequest { .candidate(.numbered(number)) }
}

extension IceCandidate {
    /// A candidate that can be told from others.
    static func numbered(_ number: Int) -> IceCandidate {
        IceCandidate(candidate: "candidate:\(number) 1 udp 1 192.0.2.1 \(number) typ host", sdpMid: "0", sdpMLineIndex: 0)
    }
}
