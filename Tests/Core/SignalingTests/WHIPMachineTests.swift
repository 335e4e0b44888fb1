import Bridge
import BridgeModel
import SDP
import Signaling
import Testing

/// From the offer to the reply, and on to the end (RFC 9725 section 4.2).
@Suite struct WHIPMachineTests {
    @Test(arguments: [SessionContext.Direction.publish, .watch])
    func anOfferBecomesASession(_ direction: SessionContext.Direction) throws {
        var bench = try WHIPBench(direction)
        // Read already, so that the engine need not read it again.
        let offer = try ReceivedOffer(reading: WHIPBench.offer(direction == .publish ? "sendonly" : "recvonly"))
        #expect(bench.give(.open) == [.call(.openPeer(offer: offer))])
        #expect(bench.give(.outcome(.peerOpened(WHIPBench.peer))).isEmpty)
        #expect(bench.give(.peer(.answer(sdp: WHIPBench.answer(direction)))) == [.call(.recordSession)])
        #expect(bench.machine.phase == .opening)
        let answer = WHIPAnswer(context: bench.machine.context, sdp: WHIPBench.answer(direction), tag: EntityTag("98f06660-0"))
        #expect(bench.give(.outcome(.sessionRecorded)) == [.answer(.success(answer))])
        #expect(bench.machine.phase == .connecting)
        bench.give(.peer(.connected))
        #expect(bench.machine.phase == .connected)
    }

    @Test func anAnswerMayOvertakeThePeersName() throws {
        var bench = try WHIPBench()
        bench.give(.open)
        #expect(bench.give(.peer(.answer(sdp: WHIPBench.answer(.publish)))).isEmpty)
        #expect(bench.give(.outcome(.peerOpened(WHIPBench.peer))).calls == [.recordSession])
        bench.give(.peer(.connected))
        bench.give(.outcome(.sessionRecorded))
        #expect(bench.machine.phase == .connected, "a connection that came before the row counts")
    }

    @Test(
        arguments: [
            (BridgeError.Code.unacceptableOffer, SessionContext.Direction.publish, WHIPError.unacceptable("Why.")),
            (.notFound, .watch, .notPublished), (.limitReached, .watch, .bridge(BridgeError(.unavailable, "Why."))),
            (.pipelineUnavailable, .publish, .bridge(BridgeError(.unavailable, "Why."))),
            (.internal, .publish, .bridge(BridgeError(.internal, "Why."))),
        ] as [(BridgeError.Code, SessionContext.Direction, WHIPError)])
    func anOfferThatTheEngineRefusesLeavesNoTrace(_ code: BridgeError.Code, _ direction: SessionContext.Direction, _ error: WHIPError)
        throws
    {
        var bench = try WHIPBench(direction)
        bench.give(.open)
        #expect(bench.give(.outcome(.peerRefused(BridgeError(code, "Why.")))) == [.answer(.failure(error)), .retire])
        bench = try WHIPBench(direction)
        bench.give(.open)
        bench.give(.outcome(.peerOpened(WHIPBench.peer)))
        #expect(
            bench.give(.peer(.ended(BridgeError(code, "Why."))))
                == [.call(.closePeer(WHIPBench.peer)), .answer(.failure(error)), .retire])
    }

    @Test func aPartOfAStreamIsNotTaken() throws {
        var bench = try WHIPBench()
        bench.give(.open)
        bench.give(.outcome(.peerOpened(WHIPBench.peer)))
        let partial = WHIPBench.offer("recvonly").replacing("m=audio 9", with: "m=audio 0")
        let effects = bench.give(.peer(.answer(sdp: partial)))
        #expect(effects.calls == [.closePeer(WHIPBench.peer)])
        guard case .failure(.unacceptable)? = effects.answers.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(effects.last == .retire)
    }

    @Test func aViewerMayGetLessThanItAsksFor() throws {
        var bench = try WHIPBench(.watch)
        bench.give(.open)
        bench.give(.outcome(.peerOpened(WHIPBench.peer)))
        #expect(bench.give(.peer(.answer(sdp: WHIPBench.offer("sendonly", audio: "inactive")))).calls == [.recordSession])
        bench.give(.outcome(.sessionRecorded))
        #expect(bench.machine.viewing?.sections.map(\.mid) == ["0"])
    }

    @Test func anEngineHasTenSecondsToAnswer() throws {
        var bench = try WHIPBench()
        bench.give(.open)
        #expect(bench.advance(.seconds(60)).isEmpty, "before the engine has named the peer, its own call is waited for")
        bench.give(.outcome(.peerOpened(WHIPBench.peer)))
        #expect(bench.advance(.milliseconds(9999)).isEmpty)
        let effects = bench.advance(.milliseconds(1))
        #expect(effects.calls == [.closePeer(WHIPBench.peer)] && effects.last == .retire)
        guard case .failure(.bridge(let error))? = effects.answers.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(error.code == .unavailable)
    }

    @Test func aSessionThatCannotBeRecordedWasNeverThere() throws {
        for (code, error) in [
            (BridgeError.Code.notFound, WHIPError.occupied), (.storageFull, .bridge(BridgeError(.storageFull, "Why."))),
        ] {
            var bench = try WHIPBench()
            bench.give(.open)
            bench.give(.outcome(.peerOpened(WHIPBench.peer)))
            bench.give(.peer(.answer(sdp: WHIPBench.answer(.publish))))
            #expect(
                bench.give(.outcome(.sessionRefused(BridgeError(code, "Why."))))
                    == [.call(.closePeer(WHIPBench.peer)), .answer(.failure(error)), .retire])
        }
    }

    /// Each moment before the answer: what was begun is undone, and the POST is answered once.
    @Test(arguments: 0...2) func whoeverEndsAnOpeningSessionIsObeyedAtTheRightMoment(_ step: Int) throws {
        var bench = try WHIPBench()
        bench.give(.open)
        if step > 0 { bench.give(.outcome(.peerOpened(WHIPBench.peer))) }
        if step > 1 { bench.give(.peer(.answer(sdp: WHIPBench.answer(.publish)))) }
        var effects = bench.give(.end(.serverShutdown))
        effects += bench.give(.end(.replaced))
        switch step {
        case 0: effects += bench.give(.outcome(.peerOpened(WHIPBench.peer)))
        case 2:
            #expect(effects.isEmpty)
            effects += bench.give(.outcome(.sessionRecorded))
            #expect(effects.durableEnds == [.serverShutdown])
            effects += bench.give(.outcome(.sessionEnded))
        default: break
        }
        #expect(effects.answers.count == 1 && effects.last == .retire && effects.calls.last == .closePeer(WHIPBench.peer))
        #expect(bench.machine.phase == .over)
    }

    // MARK: - Running

    @Test func aClientHasThirtySecondsToConnect() throws {
        var bench = try WHIPBench.answered()
        #expect(bench.advance(.milliseconds(29_999)).isEmpty)
        #expect(bench.advance(.milliseconds(1)).durableEnds == [.connectionTimeout])
    }

    @Test func aConnectionMayComeBackWithinThirtySeconds() throws {
        var bench = try WHIPBench.answered(isConnected: true)
        #expect(bench.advance(.seconds(3600)).isEmpty)
        bench.give(.peer(.disconnected))
        #expect(bench.machine.phase == .disconnected)
        bench.advance(.seconds(20))
        bench.give(.peer(.disconnected))
        bench.give(.peer(.connected))
        #expect(bench.advance(.seconds(60)).isEmpty)
        bench.give(.peer(.disconnected))
        bench.advance(.seconds(29))
        bench.give(.peer(.disconnected))
        #expect(bench.advance(.seconds(1)).durableEnds == [.connectionTimeout], "a second loss does not prolong the first")
    }

    @Test func noSessionIsOlderThanItMay() throws {
        var limits = WHIPLimits()
        limits.maximumAge = .seconds(100)
        var bench = try WHIPBench.answered(isConnected: true, limits: limits)
        #expect(bench.advance(.seconds(100)).durableEnds == [.maximumDuration])
    }

    @Test(
        arguments: [
            (nil, TerminationCause.connectionError), (BridgeError(.fingerprintMismatch, ""), .connectionError),
            (BridgeError(.connectionTimeout, ""), .connectionTimeout), (BridgeError(.pipelineCrashed, ""), .internalError),
        ] as [(BridgeError?, TerminationCause)])
    func thePeersEndIsTheSessions(_ error: BridgeError?, _ cause: TerminationCause) throws {
        var bench = try WHIPBench.answered(isConnected: true)
        #expect(bench.give(.peer(.ended(error))) == [.call(.endSession(cause))])
        #expect(bench.machine.phase == .ending && bench.machine.deadline == nil)
        #expect(bench.give(.outcome(.sessionEnded)) == [.call(.closePeer(WHIPBench.peer)), .retire])
    }

    @Test func aClientThatClosesItsPeerFirstMayStillSayThatItStops() throws {
        var bench = try WHIPBench.answered(isConnected: true)
        #expect(bench.give(.peer(.ended(BridgeError(.connectionLost, "closed")))).isEmpty)
        #expect(bench.advance(.milliseconds(499)).isEmpty)
        #expect(bench.give(.end(.clientStop)).durableEnds == [.clientStop])
    }

    @Test func aClientThatNeverHadMediaIsNotWaitedFor() throws {
        var bench = try WHIPBench.answered(isConnected: false)
        #expect(bench.give(.peer(.ended(BridgeError(.connectionLost, "refused")))).durableEnds == [.connectionError])
    }

    @Test func aClientThatIsGoneIsNotWaitedForLong() throws {
        var bench = try WHIPBench.answered(isConnected: true)
        bench.give(.peer(.ended(BridgeError(.connectionLost, "closed"))))
        #expect(bench.advance(.milliseconds(500)).durableEnds == [.connectionError])
    }

    @Test func aSessionEndsOnce() throws {
        var bench = try WHIPBench.answered()
        #expect(bench.give(.end(.clientStop)).durableEnds == [.clientStop])
        #expect(
            bench.give(.end(.serverShutdown)).isEmpty && bench.give(.peer(.connected)).isEmpty && bench.give(.peer(.ended(nil))).isEmpty)
        #expect(bench.patch(.any).effects.refusals == [.notFound])
        bench.give(.outcome(.sessionEnded))
        #expect(bench.give(.end(.clientStop)).isEmpty && bench.advance(.seconds(86_400)).isEmpty)
        #expect(bench.patch(.any).effects.refusals == [.notFound])
    }

    @Test func onlyViewersHaveLayers() throws {
        #expect(try WHIPBench.answered(.publish).machine.viewing == nil)
        let viewing = try #require(try WHIPBench.answered(.watch).machine.viewing)
        #expect(viewing.peer == WHIPBench.peer && viewing.sections.map(\.section) == [0])
    }
}

extension String {
    func replacing(_ text: String, with other: String) -> String {
        guard let range = firstRange(of: text) else { return self }
        return replacingCharacters(in: range, with: other)
    }

    private func replacingCharacters(in range: Range<String.Index>, with other: String) -> String {
        String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
