import Bridge
import BridgeModel
import Signaling
import Testing

/// Offers, answers, candidates, second peers and recordings, in order.
@Suite struct SessionNegotiationTests {
    private let first = SessionBench.first
    private let second = SessionBench.second

    // MARK: Offers and candidates

    @Test func candidatesBeforeTheOfferAreAppliedAfterItInOrder() {
        var bench = SessionBench()
        bench.give(.request(.candidate(1), from: first))
        bench.give(.request(.candidate(2), from: first))
        bench.start()
        #expect(
            bench.log.calls.suffix(2) == [
                .addCandidate(.numbered(1), to: PeerID("peer-1")), .addCandidate(.numbered(2), to: PeerID("peer-1")),
            ])
        #expect(bench.log.answers == ["answer-to-offer-A"])
    }

    @Test func theSixtyFifthEarlyCandidateIsDropped() {
        var bench = SessionBench()
        for number in 1...64 { #expect(bench.give(.request(.candidate(number), from: first)).isEmpty) }
        #expect(bench.give(.request(.candidate(65), from: first)).errors == [.tooManyCandidates])
        bench.start()
        #expect(bench.log.calls.count == 2 + 64)
    }

    @Test func aSessionTakes256Candidates() {
        var bench = SessionBench(in: .active)
        for number in 1...256 { #expect(bench.give(.request(.candidate(number), from: first)).errors.isEmpty) }
        #expect(bench.give(.request(.candidate(257), from: first)).errors == [.tooManyCandidates])
        #expect(bench.give(.request(.candidate(.end), from: first)).errors.isEmpty)
    }

    @Test func repliesKeepTheOrderOfTheirRequests() {
        var bench = SessionBench()
        bench.give(.request(.start("offer-A"), from: first))
        #expect(bench.give(.request(.start("offer-B"), from: first)).isEmpty)
        let fault = RTMFault(RTMError(.unknownType, "no such type"), inReplyTo: "x")
        #expect(bench.give(.fault(fault, from: first)).isEmpty)
        #expect(bench.give(.request(.recordingStop(nil), from: first)).isEmpty)
        let effects = bench.give(.peer(PeerSlot(1), .answer(sdp: "answer")))
        #expect(effects.first == .send(.answer(sdp: "answer"), to: first))
        #expect(effects.errors == [.alreadyStarted, .unknownType, .noRecording])
    }

    @Test func nobodyElseHearsTheRefusalOfAMessageWhoseSocketHasGone() {
        var bench = SessionBench()
        bench.give(.request(.start("offer-A"), from: first))
        bench.give(.request(.recordingStop(nil), from: first))
        bench.give(.request(.candidate(1), from: second))
        #expect(bench.give(.peer(PeerSlot(1), .answer(sdp: "answer"))).errors.isEmpty)
    }

    @Test func ourCandidatesFollowTheAnswer() {
        var bench = SessionBench()
        bench.holdsCalls = true
        bench.give(.request(.start("offer-A"), from: first))
        #expect(bench.give(.peer(PeerSlot(1), .candidate(.numbered(1)))).isEmpty)
        #expect(bench.give(.peer(PeerSlot(1), .answer(sdp: "answer"))).isEmpty)
        bench.give(.outcome(.peerOpened(PeerSlot(1), PeerID("p"))))
        let effects = bench.give(.outcome(.sessionRecorded))
        #expect(effects == [.send(.answer(sdp: "answer"), to: first), .send(.candidate(.numbered(1)), to: first)])
        #expect(bench.give(.peer(PeerSlot(1), .candidate(.numbered(2)))) == [.send(.candidate(.numbered(2)), to: first)])
    }

    @Test func aRefusedOfferLeavesNoTrace() {
        var bench = SessionBench()
        bench.refusesOffers = BridgeError(.unacceptableOffer, "no codec")
        let effects = bench.give(.request(.start("offer-A"), from: first))
        #expect(effects.errors == [.unacceptableOffer])
        #expect(effects.closes.isEmpty)
        #expect(bench.machine.phase == .new)
        bench.refusesOffers = nil
        bench.start(offer: "offer-B")
        #expect(bench.machine.phase == .negotiating)
    }

    @Test func garbageInOneCandidateLeavesTheOthersAlone() {
        var bench = SessionBench(in: .active)
        bench.holdsCalls = true
        bench.give(.request(.candidate(1), from: first))
        let effects = bench.give(.outcome(.candidateRefused(BridgeError(.invalidField, "no address"))))
        #expect(effects.errors == [.invalidField])
        #expect(bench.give(.request(.candidate(2), from: first)).calls == [.addCandidate(.numbered(2), to: PeerID("peer-1"))])
    }

    @Test func aFloodBehindAHeldLineIsDropped() {
        var limits = SessionLimits()
        limits.heldMessages = 3
        var bench = SessionBench(limits: limits)
        bench.holdsCalls = true
        bench.give(.request(.start("offer-A"), from: first))
        for number in 1...3 { #expect(bench.give(.request(.candidate(number), from: first)).isEmpty) }
        #expect(bench.give(.request(.candidate(4), from: first)).errors == [.rateLimited])
    }

    // MARK: A second peer

    @Test func anotherOfferOverANewSocketBuildsASecondPeer() {
        var bench = SessionBench(in: .active)
        bench.start(offer: "offer-B", over: second)
        #expect(bench.log.contains(.close(first, .takenOver)))
        #expect(bench.log.last == .send(.answer(sdp: "answer-to-offer-B"), to: second))
        #expect(!bench.log.calls.contains(.closePeer(PeerID("peer-1"))))
        #expect(bench.give(.peer(PeerSlot(2), .connected)).calls == [.closePeer(PeerID("peer-1"))])
        #expect(bench.give(.peer(PeerSlot(1), .ended(nil))).isEmpty)
        #expect(bench.machine.phase == .active)
    }

    @Test func theFirstPeerIsReleasedAfterFifteenSeconds() {
        var bench = SessionBench(in: .active)
        bench.start(offer: "offer-B", over: second)
        #expect(bench.advance(.milliseconds(14_999)).isEmpty)
        #expect(bench.advance(.milliseconds(1)).calls == [.closePeer(PeerID("peer-1"))])
        #expect(bench.machine.phase == .negotiating)
        #expect(bench.advance(.seconds(15)).durableEnds == [.connectionTimeout])
    }

    @Test func theFirstPeerMayEndBeforeTheSecondIsConnected() {
        var bench = SessionBench(in: .active)
        bench.start(offer: "offer-B", over: second)
        #expect(bench.give(.peer(PeerSlot(1), .ended(BridgeError(.connectionLost, "closed")))).isEmpty)
        #expect(bench.machine.phase == .negotiating)
        bench.give(.peer(PeerSlot(2), .connected))
        #expect(bench.machine.phase == .active)
    }

    @Test func aFailedSecondPeerLeavesTheFirstAlone() {
        var bench = SessionBench(in: .active)
        bench.give(.request(.start("offer-B"), from: second))
        let effects = bench.give(.peer(PeerSlot(2), .ended(BridgeError(.pipelineCrashed, "signal 11"))))
        #expect(effects.errors == [.internal])
        #expect(bench.machine.phase == .active)
        #expect(bench.give(.request(.recordingStop(nil), from: second)).errors == [.noRecording])
    }

    @Test func aThirdOfferSupersedesTheSecond() {
        var bench = SessionBench(in: .active)
        bench.start(offer: "offer-B", over: second)
        let effects = bench.give(.request(.start("offer-C"), from: SocketID(3)))
        #expect(effects.calls == [.closePeer(PeerID("peer-2")), .openPeer(PeerSlot(3), offer: "offer-C")])
    }

    @Test func aRefusedSecondOfferLeavesTheFirstPeerAlone() {
        var bench = SessionBench(in: .active)
        bench.refusesOffers = BridgeError(.unacceptableOffer, "no codec")
        #expect(bench.give(.request(.start("offer-B"), from: second)).errors == [.unacceptableOffer])
        #expect(bench.machine.phase == .active)
        #expect(bench.advance(.seconds(60)).isEmpty)
    }

    @Test func candidatesGoToTheNewestPeer() {
        var bench = SessionBench(in: .active)
        bench.start(offer: "offer-B", over: second)
        #expect(bench.give(.request(.candidate(5), from: second)).calls == [.addCandidate(.numbered(5), to: PeerID("peer-2"))])
    }

    // MARK: Recordings

    @Test func oneRecordingAtATime() {
        var bench = SessionBench(in: .active)
        bench.give(.request(.recordingStart(RecordingStart()), from: first))
        #expect(bench.give(.request(.recordingStart(RecordingStart()), from: first)).errors == [.recordingActive])
        #expect(bench.give(.request(.recordingStop(RecordingID("other")), from: first)).errors == [.recordingNotFound])
        #expect(bench.give(.request(.recordingStop(RecordingID("rec-1")), from: first)).calls == [.stopRecording(RecordingID("rec-1"))])
        #expect(bench.give(.request(.recordingStop(nil), from: first)).errors == [.noRecording])
        #expect(bench.give(.request(.recordingStart(RecordingStart()), from: first)).errors.isEmpty)
    }

    @Test func theClientHearsOfEveryChangeOfItsRecordings() {
        var bench = SessionBench(in: .active)
        bench.give(.request(.recordingStart(RecordingStart()), from: first))
        for state in [RecordingState.recording, .closing, .uploading, .delivered] {
            #expect(bench.give(.recording(update(state))) == [.send(.recordingState(update(state)), to: first)])
        }
        #expect(bench.give(.request(.recordingStart(RecordingStart()), from: first)).errors.isEmpty)
    }

    @Test func armedIsReportedOnlyBeforeMediaFlows() {
        var negotiating = SessionBench(in: .negotiating)
        #expect(negotiating.give(.recording(update(.armed))) == [.send(.recordingState(update(.armed)), to: first)])
        var active = SessionBench(in: .active)
        #expect(active.give(.recording(update(.armed))).isEmpty)
    }

    @Test func aRecordingThatFailsAtOnceDoesNotBlockTheNext() {
        var bench = SessionBench(in: .active)
        bench.holdsCalls = true
        bench.give(.request(.recordingStart(RecordingStart()), from: first))
        bench.give(.recording(update(.failed)))
        bench.give(.outcome(.recordingStarted(RecordingID("rec-1"))))
        #expect(bench.give(.request(.recordingStart(RecordingStart()), from: first)).calls == [.startRecording(RecordingStart())])
    }

    @Test func recordingsGoOnWithoutASocket() {
        var bench = SessionBench(in: .active)
        bench.give(.request(.recordingStart(RecordingStart()), from: first))
        bench.give(.socketClosed(first, .lost))
        #expect(bench.give(.recording(update(.recording))).isEmpty)
        #expect(bench.give(.request(.recordingStop(nil), from: second)).calls == [.stopRecording(RecordingID("rec-1"))])
    }

    private func update(_ state: RecordingState) -> RecordingUpdate {
        RecordingUpdate(recording: RecordingID("rec-1"), state: state, at: WallTime(milliseconds: 0))
    }
}
