import Bridge
import BridgeModel
import Signaling
import Testing

/// Every row of the contract's table 6.3 in every state of 6.4.
@Suite struct SessionTableTests {
    /// What a message comes to.
    struct Outcome: Equatable, CustomStringConvertible {
        var errors: [RTMError.Code] = []
        var closes: [CloseCode] = []
        var calls: [SessionMachine.ServiceCall] = []
        var answers: [String] = []
        var terminations: [TerminationCause] = []
        var phase: SessionPhase

        var description: String { "\(phase.rawValue) errors \(errors) closes \(closes) calls \(calls) answers \(answers) \(terminations)" }
    }

    struct Row: CustomStringConvertible, Sendable {
        var message: RTMRequest
        var state: SessionPhase
        var expected: @Sendable () -> Outcome
        var description: String { "\(message.kind.rawValue) in \(state.rawValue)" }

        init(_ message: RTMRequest, _ state: SessionPhase, _ expected: @escaping @autoclosure @Sendable () -> Outcome) {
            self.message = message
            self.state = state
            self.expected = expected
        }
    }

    private static let ended = Outcome(errors: [.sessionEnded], closes: [.sessionEnded], phase: .ending)
    private static let over = Outcome(errors: [.sessionEnded], closes: [.sessionEnded], phase: .terminated)
    private static let peer = PeerID("peer-1")
    private static let recording = RTMRequest.recordingStart(RecordingStart())
    private static let stopCalls: [SessionMachine.ServiceCall] = [.endSession(.clientStop), .closePeer(peer)]

    static let rows: [Row] = opening + descriptions + candidates + recordings + layers + stops

    private static let opening: [Row] = [
        Row(
            .start("offer-A"), .new,
            Outcome(calls: [.openPeer(PeerSlot(1), offer: "offer-A"), .recordSession(webhookURL: nil)], phase: .negotiating)),
        Row(.start("offer-A"), .negotiating, Outcome(answers: ["answer-to-offer-A"], phase: .negotiating)),
        Row(.start("offer-A"), .active, Outcome(answers: ["answer-to-offer-A"], phase: .active)),
        Row(.start("offer-A"), .detached, Outcome(answers: ["answer-to-offer-A"], phase: .active)),
        Row(.start("offer-B"), .negotiating, Outcome(errors: [.alreadyStarted], phase: .negotiating)),
        Row(.start("offer-B"), .active, Outcome(errors: [.alreadyStarted], phase: .active)),
        Row(.start("offer-A"), .ending, ended),
        Row(.start("offer-A"), .terminated, over),
    ]

    private static let offer = RTMRequest.descriptionUpdate(SessionDescription(kind: .offer, sdp: "offer-A"))
    private static let otherOffer = RTMRequest.descriptionUpdate(SessionDescription(kind: .offer, sdp: "offer-C"))
    private static let answer = RTMRequest.descriptionUpdate(SessionDescription(kind: .answer, sdp: "answer"))
    private static let descriptions: [Row] = [
        Row(offer, .new, Outcome(errors: [.notStarted], phase: .new)),
        Row(answer, .new, Outcome(errors: [.notStarted], phase: .new)),
        Row(offer, .negotiating, Outcome(answers: ["answer-to-offer-A"], phase: .negotiating)),
        Row(offer, .active, Outcome(answers: ["answer-to-offer-A"], phase: .active)),
        Row(offer, .detached, Outcome(answers: ["answer-to-offer-A"], phase: .active)),
        Row(otherOffer, .active, Outcome(errors: [.unacceptableOffer], phase: .active)),
        Row(answer, .negotiating, Outcome(errors: [.unexpectedAnswer], phase: .negotiating)),
        Row(answer, .active, Outcome(errors: [.unexpectedAnswer], phase: .active)),
        Row(answer, .detached, Outcome(errors: [.unexpectedAnswer], phase: .active)),
        Row(offer, .ending, Outcome(errors: [.sessionEnded], phase: .ending)),
        Row(offer, .terminated, over),
    ]

    private static let applied: [SessionMachine.ServiceCall] = [.addCandidate(.numbered(7), to: peer)]
    private static let candidates: [Row] = [
        Row(.candidate(7), .new, Outcome(phase: .new)),
        Row(.candidate(7), .negotiating, Outcome(calls: applied, phase: .negotiating)),
        Row(.candidate(7), .active, Outcome(calls: applied, phase: .active)),
        Row(.candidate(7), .detached, Outcome(calls: applied, phase: .active)),
        Row(.candidate(.end), .active, Outcome(calls: [.addCandidate(.end, to: peer)], phase: .active)),
        Row(.candidate(7), .ending, Outcome(phase: .ending)),
        Row(.candidate(7), .terminated, over),
    ]

    private static let recordings: [Row] = [
        Row(recording, .new, Outcome(errors: [.notStarted], phase: .new)),
        Row(recording, .negotiating, Outcome(calls: [.startRecording(RecordingStart())], phase: .negotiating)),
        Row(recording, .active, Outcome(calls: [.startRecording(RecordingStart())], phase: .active)),
        Row(recording, .detached, Outcome(calls: [.startRecording(RecordingStart())], phase: .active)),
        Row(recording, .ending, Outcome(errors: [.sessionEnded], phase: .ending)),
        Row(recording, .terminated, over),
        Row(.recordingStop(nil), .new, Outcome(errors: [.noRecording], phase: .new)),
        Row(.recordingStop(nil), .negotiating, Outcome(errors: [.noRecording], phase: .negotiating)),
        Row(.recordingStop(nil), .active, Outcome(errors: [.noRecording], phase: .active)),
        Row(.recordingStop(RecordingID("x")), .active, Outcome(errors: [.noRecording], phase: .active)),
        Row(.recordingStop(nil), .detached, Outcome(errors: [.noRecording], phase: .active)),
        Row(.recordingStop(nil), .ending, Outcome(errors: [.sessionEnded], phase: .ending)),
        Row(.recordingStop(nil), .terminated, over),
    ]

    /// Of a publishing session, which is sent nothing; `SessionLayerTests` has the watching ones.
    private static let choice = RTMRequest.layerSelect(LayerChoice())
    private static let layers: [Row] = [
        Row(choice, .new, Outcome(errors: [.wrongRole], phase: .new)),
        Row(choice, .negotiating, Outcome(errors: [.wrongRole], phase: .negotiating)),
        Row(choice, .active, Outcome(errors: [.wrongRole], phase: .active)),
        Row(choice, .detached, Outcome(errors: [.wrongRole], phase: .active)),
        Row(choice, .ending, Outcome(errors: [.sessionEnded], phase: .ending)),
        Row(choice, .terminated, over),
    ]

    private static let stops: [Row] = [
        Row(.sessionStop, .new, Outcome(closes: [.normal], terminations: [.clientStop], phase: .terminated)),
        Row(.sessionStop, .negotiating, Outcome(closes: [.normal], calls: stopCalls, terminations: [.clientStop], phase: .terminated)),
        Row(.sessionStop, .active, Outcome(closes: [.normal], calls: stopCalls, terminations: [.clientStop], phase: .terminated)),
        Row(.sessionStop, .detached, Outcome(closes: [.normal], calls: stopCalls, terminations: [.clientStop], phase: .terminated)),
        Row(.sessionStop, .ending, Outcome(phase: .ending)),
        Row(.sessionStop, .terminated, over),
    ]

    @Test(arguments: rows) func messageInState(row: Row) {
        var bench = SessionBench(in: row.state)
        let socket = row.state == .detached ? SessionBench.second : SessionBench.first
        let effects = bench.give(.request(row.message, from: socket))
        let outcome = Outcome(
            errors: effects.errors, closes: effects.closes, calls: effects.calls, answers: effects.answers,
            terminations: effects.terminations, phase: bench.machine.phase)
        #expect(outcome == row.expected())
    }

    @Test func everyMessageIsTriedInEveryState() {
        for kind in RTMRequest.Kind.allCases where kind != .supervisorJoin {
            for phase in SessionPhase.allCases {
                #expect(Self.rows.contains { $0.message.kind == kind && $0.state == phase }, "\(kind) in \(phase)")
            }
        }
    }

    @Test func aSupervisorJoinsAsAClientStarts() {
        var bench = SessionBench(SessionBench.watcher)
        let join = RTMRequest.supervisorJoin(SessionOpening(offer: "offer-W"), monitored: SessionID("s-1"))
        let effects = bench.give(.request(join, from: SessionBench.first))
        #expect(effects.calls == [.openPeer(PeerSlot(1), offer: "offer-W"), .recordSession(webhookURL: nil)])
        #expect(bench.give(.peer(PeerSlot(1), .answer(sdp: "a"))).answers == ["a"])
    }

    @Test func joiningWhatIsNotRunningClosesTheSocket() {
        var bench = SessionBench(SessionBench.watcher)
        bench.refusesOffers = BridgeError(.notFound, "nobody publishes")
        let join = RTMRequest.supervisorJoin(SessionOpening(offer: "offer-W"), monitored: SessionID("s-1"))
        let effects = bench.give(.request(join, from: SessionBench.first))
        #expect(effects.errors == [.noActiveSession])
        #expect(effects.closes == [.notFound])
        #expect(bench.machine.phase == .new)
    }

    @Test func aWatcherRecordsNothing() {
        for phase in [SessionPhase.new, .negotiating, .active] {
            var bench = SessionBench(in: phase, SessionBench.watcher)
            #expect(bench.give(.request(Self.recording, from: SessionBench.first)).errors == [.wrongRole])
        }
    }
}
