import Bridge
import BridgeModel
import Signaling
import Testing

/// Deadlines, sockets that go and come, and the order of the end (6.4).
@Suite struct SessionLifecycleTests {
    @Test func anUnstartedSessionIsForgottenAfterTwoMinutes() {
        var bench = SessionBench()
        bench.give(.request(.candidate(1), from: SessionBench.first))
        #expect(bench.advance(.seconds(119)).isEmpty)
        let effects = bench.advance(.seconds(1))
        #expect(effects.errors == [.sessionNotFound])
        #expect(effects.closes == [.notFound])
        #expect(effects.last == .retire(.expired))
        #expect(effects.durableEnds.isEmpty)
    }

    @Test func negotiationHasThirtySeconds() {
        var bench = SessionBench(in: .negotiating)
        #expect(bench.advance(.milliseconds(29_999)).isEmpty)
        let effects = bench.advance(.milliseconds(1))
        #expect(effects.durableEnds == [.connectionTimeout])
        #expect(effects.terminations == [.connectionTimeout])
        #expect(effects.closes == [.normal])
    }

    @Test func aDetachedSessionWaitsThirtySecondsForItsClient() {
        var bench = SessionBench(in: .detached)
        #expect(bench.advance(.milliseconds(29_999)).isEmpty)
        #expect(bench.advance(.milliseconds(1)).durableEnds == [.connectionError])
    }

    @Test func aMessageOverANewSocketRevivesADetachedSession() {
        var bench = SessionBench(in: .detached)
        bench.advance(.seconds(8))
        bench.give(.request(.candidate(1), from: SessionBench.second))
        #expect(bench.machine.phase == .active)
        #expect(bench.advance(.seconds(3600)).isEmpty)
    }

    @Test func lostConsentEndsTheSessionUnlessItComesBack() {
        var bench = SessionBench(in: .active)
        bench.give(.peer(PeerSlot(1), .disconnected))
        bench.advance(.seconds(20))
        bench.give(.peer(PeerSlot(1), .disconnected))
        bench.give(.peer(PeerSlot(1), .connected))
        #expect(bench.advance(.seconds(60)).isEmpty)
        bench.give(.peer(PeerSlot(1), .disconnected))
        #expect(bench.advance(.seconds(30)).durableEnds == [.connectionTimeout])
    }

    @Test func twelveHoursAreTheLongestLife() {
        var bench = SessionBench(in: .active)
        #expect(bench.advance(.seconds(12 * 3600 - 1)).isEmpty)
        #expect(bench.advance(.seconds(1)).durableEnds == [.maximumDuration])
    }

    @Test(arguments: [(1000, true), (1001, true), (1005, true), (1006, false), (1009, false), (1011, false), (3000, false), (4400, false)])
    func closeCodeSaysWhetherTheClientIsDone(code: UInt16, isDone: Bool) {
        var bench = SessionBench(in: .active)
        let effects = bench.give(.socketClosed(SessionBench.first, SessionMachine.SocketEnd(code: code)))
        #expect(effects.durableEnds == (isDone ? [.clientStop] : []))
        #expect(bench.machine.phase == (isDone ? .terminated : .detached))
    }

    @Test func theCloseOfAnOldSocketChangesNothing() {
        var bench = SessionBench(in: .active)
        let effects = bench.give(.request(.candidate(1), from: SessionBench.second))
        #expect(effects.first == .close(SessionBench.first, .takenOver))
        #expect(bench.give(.socketClosed(SessionBench.first, .byClient)).isEmpty)
        #expect(bench.machine.phase == .active)
    }

    @Test(arguments: [
        (TerminationCause.serverShutdown, CloseCode.goingAway), (.replaced, .takenOver), (.internalError, .internalFault),
        (.tokenRevoked, .normal), (.monitoredSessionEnded, .normal), (.policy, .normal),
    ])
    func everyCauseHasItsCloseCode(cause: TerminationCause, code: CloseCode) {
        var bench = SessionBench(in: .active)
        let effects = bench.give(.end(cause))
        #expect(effects.terminations == [cause])
        #expect(effects.closes == [code])
    }

    @Test func theEndIsDurableBeforeItIsTold() {
        var bench = SessionBench(in: .active)
        bench.holdsCalls = true
        #expect(bench.give(.request(.sessionStop, from: SessionBench.first)) == [.call(.endSession(.clientStop))])
        let effects = bench.give(.outcome(.sessionEnded))
        #expect(effects.terminations == [.clientStop])
        #expect(effects.suffix(3) == [.close(SessionBench.first, .normal), .call(.closePeer(PeerID("peer-1"))), .retire(.ended)])
    }

    @Test func anEndThatDoesNotBecomeDurableIsNotPromised() {
        var bench = SessionBench(in: .ending)
        let effects = bench.advance(.seconds(30))
        #expect(effects == [.close(SessionBench.first, .internalFault)])
        #expect(bench.machine.phase == .ending)
        #expect(bench.give(.outcome(.sessionEnded)).terminations.isEmpty)
        #expect(bench.machine.phase == .terminated)
    }

    @Test(arguments: [
        (BridgeError.Code?.none, TerminationCause.connectionError),
        (.fingerprintMismatch, .connectionError), (.connectionTimeout, .connectionTimeout), (.pipelineCrashed, .internalError),
        (.pipelineHung, .internalError), (.limitReached, .policy),
    ])
    func theEndOfThePeerIsTheEndOfTheSession(code: BridgeError.Code?, cause: TerminationCause) {
        var bench = SessionBench(in: .active)
        let effects = bench.give(.peer(PeerSlot(1), .ended(code.map { BridgeError($0, "because") })))
        #expect(effects.durableEnds == [cause])
        #expect(effects.terminations == [cause])
    }

    @Test func aClientThatBreaksOffMayStillSayThatItStops() {
        var bench = SessionBench(in: .active)
        #expect(bench.give(.peer(PeerSlot(1), .ended(BridgeError(.connectionLost, "closed")))).isEmpty)
        #expect(bench.advance(.milliseconds(499)).isEmpty)
        let effects = bench.give(.request(.sessionStop, from: SessionBench.first))
        #expect(effects.durableEnds == [.clientStop])
    }

    @Test func aSocketThatIsClosedAfterThePeerIsAWordToo() {
        var bench = SessionBench(in: .active)
        bench.give(.peer(PeerSlot(1), .ended(BridgeError(.connectionLost, "closed"))))
        #expect(bench.give(.socketClosed(SessionBench.first, .byClient)).durableEnds == [.clientStop])
    }

    @Test func aClientThatBreaksOffAndSaysNothingIsNotWaitedForLong() {
        var bench = SessionBench(in: .active)
        bench.give(.peer(PeerSlot(1), .ended(BridgeError(.connectionLost, "closed"))))
        let effects = bench.advance(.milliseconds(500))
        #expect(effects.durableEnds == [.connectionError])
        #expect(effects.terminations == [.connectionError])
    }

    @Test func whoNeverHadMediaIsNotWaitedFor() {
        var bench = SessionBench(in: .negotiating)
        #expect(bench.give(.peer(PeerSlot(1), .ended(BridgeError(.connectionLost, "refused")))).durableEnds == [.connectionError])
    }

    @Test func whoBreaksOffWithoutASocketIsNotWaitedFor() {
        var bench = SessionBench(in: .active)
        bench.give(.socketClosed(SessionBench.first, .lost))
        #expect(bench.give(.peer(PeerSlot(1), .ended(BridgeError(.connectionLost, "closed")))).durableEnds == [.connectionError])
    }

    @Test func aNewPeerAfterTheOldOneWasBrokenOffGoesOn() {
        var bench = SessionBench(in: .active)
        bench.give(.peer(PeerSlot(1), .ended(BridgeError(.connectionLost, "closed"))))
        bench.start(offer: "offer-B", over: SocketID(2))
        #expect(bench.advance(.milliseconds(500)).durableEnds.isEmpty)
        bench.give(.peer(PeerSlot(2), .connected))
        #expect(bench.machine.phase == .active)
        #expect(bench.advance(.seconds(1)).durableEnds.isEmpty)
    }

    @Test func theEndOfTheWatchedStreamHasItsOwnCause() {
        var bench = SessionBench(in: .active, SessionBench.watcher)
        #expect(bench.give(.peer(PeerSlot(1), .ended(BridgeError(.notFound, "gone")))).terminations == [.monitoredSessionEnded])
    }

    @Test func anEndDuringTheOpeningLeavesNothingBehind() {
        var bench = SessionBench()
        bench.holdsCalls = true
        bench.give(.request(.start("offer-A"), from: SessionBench.first))
        #expect(bench.give(.end(.serverShutdown)).isEmpty)
        let effects = bench.give(.outcome(.peerOpened(PeerSlot(1), PeerID("p"))))
        #expect(effects.calls == [.closePeer(PeerID("p"))])
        #expect(effects.terminations == [.serverShutdown])
        #expect(effects.closes == [.goingAway])
        #expect(bench.machine.phase == .terminated)
    }

    @Test func anEndWhileTheSessionIsBeingRecordedIsReported() {
        var bench = SessionBench()
        bench.holdsCalls = true
        bench.give(.request(.start("offer-A"), from: SessionBench.first))
        bench.give(.outcome(.peerOpened(PeerSlot(1), PeerID("p"))))
        bench.give(.socketClosed(SessionBench.first, .byClient))
        #expect(bench.give(.outcome(.sessionRecorded)).calls == [.endSession(.clientStop)])
        #expect(bench.give(.outcome(.sessionEnded)).calls == [.closePeer(PeerID("p"))])
    }

    @Test func aSessionThatCannotBeRecordedWasNeverThere() {
        var bench = SessionBench()
        bench.holdsCalls = true
        bench.give(.request(.start("offer-A"), from: SessionBench.first))
        bench.give(.outcome(.peerOpened(PeerSlot(1), PeerID("p"))))
        let effects = bench.give(.outcome(.sessionRefused(BridgeError(.limitReached, "1000 sessions run"))))
        #expect(effects.calls == [.closePeer(PeerID("p"))])
        #expect(effects.errors == [.internal])
        #expect(bench.machine.phase == .new)
    }

    @Test func anExpiredSessionIsTurnedAway() {
        var bench = SessionBench()
        bench.holdsCalls = true
        bench.give(.request(.start("offer-A"), from: SessionBench.first))
        bench.give(.outcome(.peerOpened(PeerSlot(1), PeerID("p"))))
        let effects = bench.give(.outcome(.sessionRefused(BridgeError(.notFound, "expired"))))
        #expect(effects.errors == [.sessionNotFound])
        #expect(effects.closes == [.notFound])
        #expect(effects.last == .retire(.expired))
    }
}
