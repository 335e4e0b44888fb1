import Bridge
import BridgeModel
import Signaling
import Testing

/// Whatever comes in whatever order, the promises of the machine hold.
@Suite struct SessionPropertyTests {
    @Test(arguments: 0..<400) func invariantsHoldForRandomLives(seed: Int) {
        var life = RandomLife(seed: UInt64(seed))
        for _ in 0..<300 { life.step() }
        life.finish()
        #expect(life.broken.isEmpty, "seed \(seed): \(life.broken)")
    }

    @Test func randomLivesReachEveryState() {
        var seen: Set<SessionPhase> = []
        for seed in 0..<50 {
            var life = RandomLife(seed: UInt64(seed))
            for _ in 0..<300 {
                life.step()
                seen.insert(life.phase)
            }
        }
        #expect(seen == Set(SessionPhase.allCases))
    }
}

/// xorshift64*, seeded: the same seed is the same life.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

/// A session among random sockets, peers, recordings and a random bridge, whose calls are answered one by one, in order, at random times.
private struct RandomLife {
    private var machine: SessionMachine
    private var random: SeededGenerator
    private var now = MonotonicTime(nanoseconds: 1)
    private var openCalls: [SessionMachine.ServiceCall] = []
    private var openSockets: Set<SocketID> = []
    private var livePeers: Set<PeerID> = []
    private var slots: Set<Int> = []
    private var deadSlots: Set<Int> = []
    private var isRecorded = false
    private var ends = 0
    private var hasRetired = false
    private var lastSocket: UInt64 = 0
    private(set) var broken: [String] = []

    var phase: SessionPhase { machine.phase }

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        let context = seed.isMultiple(of: 2) ? SessionBench.publisher : SessionBench.watcher
        machine = SessionMachine(context: context, limits: SessionLimits(), now: now)
    }

    mutating func step() {
        now = now.advanced(by: .milliseconds(Int.random(in: 0...900, using: &random)))
        if let deadline = machine.deadline, deadline <= now { give(.time) }
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<8: give(.request(request(), from: socket()))
        case 8..<13: answerCall()
        case 13..<17: peerEvent()
        case 17: give(.recording(update()))
        case 18: closeSocket()
        default: if Int.random(in: 0..<30, using: &random) == 0 { give(.end(.policy)) }
        }
    }

    /// Ends what still lives and answers every call.
    mutating func finish() {
        give(.end(.serverShutdown))
        while !openCalls.isEmpty { answerCall() }
        if machine.phase != .terminated { broken.append("did not terminate, but is \(machine.phase)") }
        if ends != (isRecorded ? 1 : 0) { broken.append("\(ends) ends of a session that was \(isRecorded ? "" : "not ")recorded") }
        if !livePeers.isEmpty { broken.append("peers left: \(livePeers)") }
        if machine.deadline != nil { broken.append("a deadline after the end") }
    }

    private mutating func give(_ input: Input) {
        let wasOver = hasRetired
        let effects = machine.handle(input, now: now)
        for effect in effects { check(effect, wasOver: wasOver) }
        if livePeers.count > 2 { broken.append("\(livePeers.count) live peers") }
    }

    private mutating func check(_ effect: Effect, wasOver: Bool) {
        switch effect {
        case .send(let reply, let socket):
            if !openSockets.contains(socket) { broken.append("a frame to closed \(socket)") }
            if wasOver, case .error = reply {} else if wasOver { broken.append("\(reply) after the end") }
        case .close(let socket, let code):
            if openSockets.remove(socket) == nil { broken.append("\(socket) closed twice") }
            if wasOver, code != .sessionEnded { broken.append("\(code) after the end") }
        case .call(let call):
            if wasOver { broken.append("\(call) after the end") }
            if case .endSession = call { ends += 1 }
            if case .openPeer(let slot, _) = call { slots.insert(slot.rawValue) }
            if case .closePeer(let peer) = call { livePeers.remove(peer) }
            openCalls.append(call)
        case .retire:
            if hasRetired { broken.append("retired twice") }
            hasRetired = true
        }
    }

    /// Some event of a peer that was asked for and has not ended: a peer that ends by itself need not be closed.
    private mutating func peerEvent() {
        guard let slot = slots.subtracting(deadSlots).sorted().randomElement(using: &random) else { return }
        let event = event()
        if case .ended = event {
            deadSlots.insert(slot)
            livePeers.remove(PeerID("\(slot)"))
        }
        give(.peer(PeerSlot(slot), event))
    }

    private mutating func answerCall() {
        guard !openCalls.isEmpty else { return }
        let isRefused = Int.random(in: 0..<6, using: &random) == 0
        let error = BridgeError([.unacceptableOffer, .notFound, .internal, .invalidField].randomElement(using: &random) ?? .internal, "no")
        switch openCalls.removeFirst() {
        case .openPeer(let slot, _):
            if isRefused { return give(.outcome(.peerRefused(slot, error))) }
            if !deadSlots.contains(slot.rawValue) { livePeers.insert(PeerID("\(slot.rawValue)")) }
            give(.outcome(.peerOpened(slot, PeerID("\(slot.rawValue)"))))
        case .recordSession:
            if isRefused { return give(.outcome(.sessionRefused(error))) }
            isRecorded = true
            give(.outcome(.sessionRecorded))
        case .addCandidate: give(.outcome(isRefused ? .candidateRefused(error) : .candidateApplied))
        case .restartPeer(let id, _):
            let answer = IceRestartAnswer(
                credentials: IceParameters(ufrag: "abcd", password: Redacted("0123456789abcdef012345")), candidates: [], isLite: true)
            give(.outcome(isRefused ? .restartRefused(id, error) : .peerRestarted(id, answer)))
        case .closePeer: break
        case .startRecording:
            let id = RecordingID("\(Int.random(in: 0..<1000, using: &random))")
            give(.outcome(isRefused ? .recordingRefused(error) : .recordingStarted(id)))
        case .stopRecording(let id): give(.outcome(isRefused ? .stopRefused(id, error) : .recordingStopping(id)))
        case .readLayers(let peer): give(.outcome(.layersRead(layers(), of: peer)))
        case .selectLayer(let choice, _): give(.outcome(isRefused ? .layerRefused(error) : .layerSelected(choice, layers())))
        case .endSession: give(.outcome(.sessionEnded))
        }
    }

    private mutating func socket() -> SocketID {
        if let socket = openSockets.sorted(by: { $0.rawValue < $1.rawValue }).last, Int.random(in: 0..<8, using: &random) != 0 {
            return socket
        }
        lastSocket += 1
        openSockets.insert(SocketID(lastSocket))
        return SocketID(lastSocket)
    }

    private mutating func closeSocket() {
        guard let socket = openSockets.sorted(by: { $0.rawValue < $1.rawValue }).randomElement(using: &random) else { return }
        openSockets.remove(socket)
        give(.socketClosed(socket, Int.random(in: 0..<6, using: &random) == 0 ? .byClient : .lost))
    }

    private mutating func request() -> RTMRequest {
        let offer = ["offer-A", "offer-B", "offer-C"].randomElement(using: &random) ?? "offer-A"
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<4: return .sessionStart(SessionOpening(offer: offer, wantsLayers: Bool.random(using: &random)))
        case 4: return .descriptionUpdate(SessionDescription(kind: .offer, sdp: offer))
        case 5: return .descriptionUpdate(SessionDescription(kind: .answer, sdp: offer))
        case 6: return .candidate(Int.random(in: 0..<9, using: &random))
        case 7: return .layerSelect(LayerChoice())
        case 8, 9: return .recordingStart(RecordingStart())
        case 10: return .recordingStop(nil)
        default: return Int.random(in: 0..<10, using: &random) == 0 ? .sessionStop : .candidate(.end)
        }
    }

    private mutating func layers() -> [VideoLayer] {
        (0..<Int.random(in: 0..<3, using: &random)).map { VideoLayer(mid: "0", rid: "\($0)", bitrate: 1000) }
    }

    private mutating func event() -> PeerEvent {
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<4: .answer(sdp: "answer")
        case 4..<7: .connected
        case 7: .candidate(.numbered(1))
        case 8, 9: .disconnected
        case 10: .candidate(.end)
        default: .ended(BridgeError(.connectionLost, "gone"))
        }
    }

    private mutating func update() -> RecordingUpdate {
        RecordingUpdate(
            recording: RecordingID("\(Int.random(in: 0..<1000, using: &random))"),
            state: RecordingState.allCases.randomElement(using: &random) ?? .armed,
            at: WallTime(milliseconds: 0))
    }
}
