import Bridge
import BridgeModel
import Signaling
import Testing

/// PATCH: candidates, ICE restarts and entity-tags (RFC 9725 section 4.3).
@Suite struct WHIPIceTests {
    private static let first = EntityTagCondition.oneOf([EntityTag("98f06660-0")])
    private static let candidates = [IceCandidate(candidate: WHIPBench.candidate, sdpMid: "0"), IceCandidate(candidate: "", sdpMid: "0")]

    @Test func candidatesGoToTheEngineInOrder() throws {
        var bench = try WHIPBench.answered()
        let (request, effects) = bench.patch(Self.first, candidates: Self.candidates)
        #expect(
            effects == [
                .call(.addCandidate(Self.candidates[0], to: WHIPBench.peer)), .call(.addCandidate(Self.candidates[1], to: WHIPBench.peer)),
                .reply(request, .success(.trickled)),
            ])
    }

    @Test(
        arguments: [
            (.absent, .unconditional), (.oneOf([EntityTag("98f06660-1")]), .stale), (.oneOf([]), .stale),
            (.oneOf([EntityTag("x"), EntityTag("98f06660-0")]), nil), (.any, nil),
        ] as [(EntityTagCondition, WHIPError?)]) func theConditionIsCheckedFirst(_ condition: EntityTagCondition, _ error: WHIPError?)
        throws
    {
        var bench = try WHIPBench.answered()
        let (_, effects) = bench.patch(condition, candidates: Self.candidates)
        #expect(effects.refusals == [error])
        #expect(effects.calls.isEmpty == (error != nil))
    }

    @Test func aFragmentNeedNotNameItsIceSession() throws {
        var bench = try WHIPBench.answered()
        #expect(bench.patch(Self.first, ufrag: nil, candidates: Self.candidates).effects.refusals == [nil])
    }

    @Test func candidatesOfOtherSectionsAreRefused() throws {
        var bench = try WHIPBench.answered()
        let (_, effects) = bench.patch(Self.first, candidates: [IceCandidate(candidate: WHIPBench.candidate, sdpMid: "9")])
        #expect(effects.calls.isEmpty)
        guard case .unsupported?? = effects.refusals.first else {
            Issue.record("\(effects)")
            return
        }
    }

    @Test func otherCredentialsRestartIce() throws {
        var bench = try WHIPBench.answered(isConnected: true)
        let (request, effects) = bench.patch(.any, ufrag: "next", candidates: Self.candidates)
        let offer = IceRestartOffer(
            credentials: IceParameters(ufrag: "next", password: Redacted(WHIPBench.password)), candidates: Self.candidates)
        #expect(effects == [.call(.restart(WHIPBench.peer, offer, for: request))])
        let reply = bench.give(.outcome(.restarted(request, WHIPBench.restartAnswer)))
        #expect(reply == [.reply(request, .success(.restarted(WHIPBench.restartAnswer, EntityTag("98f06660-1"))))])
        #expect(bench.patch(Self.first, ufrag: "next", candidates: Self.candidates).effects.refusals == [.stale])
        let next = EntityTagCondition.oneOf([EntityTag("98f06660-1")])
        #expect(bench.patch(next, ufrag: "next", candidates: Self.candidates).effects.calls.count == 2)
    }

    @Test func aLostReplyToARestartIsGivenAgain() throws {
        var bench = try WHIPBench.answered(isConnected: true)
        let (request, _) = bench.patch(.any, ufrag: "next")
        bench.give(.outcome(.restarted(request, WHIPBench.restartAnswer)))
        let (again, effects) = bench.patch(.any, ufrag: "next")
        #expect(effects == [.reply(again, .success(.restarted(WHIPBench.restartAnswer, EntityTag("98f06660-1"))))])
    }

    @Test func aRefusedRestartLeavesTheIceSession() throws {
        var bench = try WHIPBench.answered(isConnected: true)
        let (request, _) = bench.patch(.any, ufrag: "next")
        let error = BridgeError(.unavailable, "Not now.")
        #expect(bench.give(.outcome(.restartRefused(request, error))) == [.reply(request, .failure(.bridge(error)))])
        #expect(bench.patch(Self.first, candidates: Self.candidates).effects.calls.count == 2)
        #expect(bench.machine.phase == .connected)
    }

    @Test func candidatesOfAnIceSessionThatIsBeingLeftAreDropped() throws {
        var bench = try WHIPBench.answered(isConnected: true)
        _ = bench.patch(.any, ufrag: "next")
        let (request, effects) = bench.patch(Self.first, candidates: Self.candidates)
        #expect(effects == [.reply(request, .success(.trickled))])
    }

    @Test func overlappingRestartsEndWithTheLast() throws {
        var bench = try WHIPBench.answered(isConnected: true)
        let (one, _) = bench.patch(.any, ufrag: "next")
        let (two, _) = bench.patch(.any, ufrag: "last")
        bench.give(.outcome(.restarted(one, WHIPBench.restartAnswer)))
        let effects = bench.give(.outcome(.restarted(two, WHIPBench.restartAnswer)))
        #expect(effects == [.reply(two, .success(.restarted(WHIPBench.restartAnswer, EntityTag("98f06660-2"))))])
        #expect(bench.patch(.oneOf([EntityTag("98f06660-2")]), ufrag: "last", candidates: Self.candidates).effects.calls.count == 2)
    }

    @Test func anEngineThatCannotRestartSaysSo() throws {
        var bench = try WHIPBench.answered(abilities: .trickle, isConnected: true)
        guard case .unsupported?? = bench.patch(.any, ufrag: "next").effects.refusals.first else {
            Issue.record("taken")
            return
        }
        #expect(bench.machine.phase == .connected)
        #expect(bench.patch(Self.first, candidates: Self.candidates).effects.refusals == [nil])
        var rigid = try WHIPBench.answered(abilities: .restart)
        guard case .unsupported?? = rigid.patch(Self.first, candidates: Self.candidates).effects.refusals.first else {
            Issue.record("taken")
            return
        }
    }

    @Test func aSessionTakesSoManyCandidates() throws {
        var limits = WHIPLimits()
        limits.candidates = 2
        var bench = try WHIPBench.answered(limits: limits)
        let one = [IceCandidate(candidate: WHIPBench.candidate)]
        #expect(bench.patch(Self.first, candidates: one + one + [.end]).effects.refusals == [nil])
        for ufrag in ["QoWQ", "next"] {
            guard case .tooMany?? = bench.patch(.any, ufrag: ufrag, candidates: one).effects.refusals.first else {
                Issue.record("taken")
                return
            }
        }
    }

    @Test func aFloodOfRequestsIsRefused() throws {
        var bench = try WHIPBench.answered()
        var refused = 0
        for _ in 0..<60 {
            if case .tooMany?? = bench.patch(Self.first).effects.refusals.first { refused += 1 }
        }
        #expect(refused == 30, "30 at once")
        bench.advance(.seconds(1))
        #expect(bench.patch(Self.first).effects.refusals == [nil])
    }

    @Test func aRestartThatTheEndOvertakesIsAnswered() throws {
        var bench = try WHIPBench.answered(isConnected: true)
        let (request, _) = bench.patch(.any, ufrag: "next")
        bench.give(.end(.clientStop))
        #expect(bench.give(.outcome(.restarted(request, WHIPBench.restartAnswer))) == [.reply(request, .failure(.notFound))])
        #expect(bench.give(.outcome(.sessionEnded)).last == .retire)
    }
}

/// What the protocols themselves ask of an offer.
@Suite struct WHIPOfferTests {
    @Test(
        arguments: [
            ("", SessionContext.Direction.publish, true), ("v=0\r\n", .publish, true), ("{}", .watch, true),
            (WHIPBench.offer("recvonly"), .publish, false), (WHIPBench.offer("inactive"), .publish, false),
            (WHIPBench.offer("sendonly"), .watch, false), (WHIPBench.offer("inactive"), .watch, false),
            (WHIPBench.offer("sendonly").replacing("a=group:BUNDLE 0 1 2\r\n", with: ""), .publish, false),
            (
                WHIPBench.offer("sendonly").replacing("a=ice-ufrag:QoWQ\r\n", with: "").replacing("a=ice-ufrag:QoWQ\r\n", with: ""),
                .publish, false
            ),
            (
                WHIPBench.offer("sendonly", extra: WHIPBench.section("video", "2", "sendonly", "a=rtpmap:96 VP8/90000\r\n")), .publish,
                false
            ),
        ] as [(String, SessionContext.Direction, Bool)])
    func otherOffersAreRefused(_ text: String, _ direction: SessionContext.Direction, _ isMalformed: Bool) {
        do throws(WHIPError) {
            _ = try WHIPOffer(text, direction: direction)
            Issue.record("taken")
        } catch {
            switch error {
            case .malformed: #expect(isMalformed)
            case .unacceptable: #expect(!isMalformed)
            default: Issue.record("\(error)")
            }
        }
    }

    @Test(
        arguments: [("sendonly", SessionContext.Direction.publish), ("sendrecv", .publish), ("recvonly", .watch), ("sendrecv", .watch)]
            as [(String, SessionContext.Direction)]) func theseDirectionsAreTaken(_ media: String, _ direction: SessionContext.Direction)
        throws
    {
        #expect(try WHIPOffer(WHIPBench.offer(media), direction: direction).mids == ["0", "1"])
    }

    @Test func viewersMayAskForManyTracks() throws {
        let text = WHIPBench.offer("recvonly", extra: WHIPBench.section("video", "2", "recvonly", "a=rtpmap:96 VP8/90000\r\n"))
        #expect(try WHIPOffer(text, direction: .watch).mids.count == 3)
    }
}
