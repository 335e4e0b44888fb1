import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

@Suite(.timeLimit(.minutes(1))) struct RoomDirectoryTests {
    private let bench = RoomBench()

    @Test func whatIsPublishedReachesTheOthersAndTheLogInPairs() async throws {
        try await bench.open()
        let (anna, ben) = (try await bench.join("standup host anna"), try await bench.join("standup expert ben"))
        await bench.send(.publishOffer(sdp: "offer"), anna)
        await bench.send(.publish(.camera, mid: "1"), anna)
        #expect(anna.heard.all.contains(.publishAnswer(sdp: "answer to offer")))
        #expect(bench.media.calls.all == ["publish anna offer", "open t1 of anna", "forward t1 true"])
        // The batch of subscriptions is the machine's deadline.
        #expect(await bench.clock.pass { bench.media.calls.all.last?.hasPrefix("subscribe ben +t1") ?? false })
        await bench.send(.leave, anna)
        #expect(anna.end == .normal && bench.media.calls.all.suffix(2) == ["drop t1", "close anna publish subscribe"])
        try await bench.directory.administer(.close, in: RoomBench.room)
        #expect(ben.heard.all.contains(.notice(.ended(.closed))) && ben.end == .normal)
        #expect(await bench.directory.rooms().isEmpty)
        #expect(
            await bench.told() == [
                "room.started", "participant.joined", "participant.joined", "room.track_published", "room.track_unpublished",
                "participant.left", "participant.left", "room.ended",
            ])
    }

    @Test func aDoorOpensToLinksOfItsRoomAlone() async throws {
        try await bench.open()
        let refused: [(String, String, BridgeError.Code)] = [
            ("nonsense", "standup", .forbidden), ("old", "standup", .forbidden), ("other host anna", "standup", .forbidden),
            ("standup host anna umbrella", "standup", .forbidden), ("standup host anna", "other", .forbidden),
            ("other host anna", "other", .notFound),
        ]
        for (token, room, code) in refused {
            await #expect("\(token)") { _ = try await bench.socket(token, to: room) } throws: { ($0 as? BridgeError)?.code == code }
        }
        #expect(try await bench.join("standup host anna").isIn)
    }

    @Test func whoIsRemovedDoesNotComeBackByTheirLinkNotEvenToANewRoomOfTheName() async throws {
        try await bench.open()
        let (anna, ben) = (try await bench.join("standup host anna"), try await bench.join("standup worker ben"))
        await bench.send(.remove(ParticipantID("ben")), anna)
        #expect(ben.end == .removed && bench.links.revoked == ["standup worker ben"])
        await #expect(throws: BridgeError.self) { try await bench.socket("standup worker ben") }
        // Another link of the same person.
        #expect(try await bench.join("standup expert ben").refusals == [.removed])
        try await bench.directory.administer(.close, in: RoomBench.room)
        try await bench.open()
        await #expect(throws: BridgeError.self) { try await bench.socket("standup worker ben") }
        #expect(try await bench.join("standup expert ben").isIn)
    }

    @Test func aLinkThatIsTakenBackPutsOutWhoCameByIt() async throws {
        try await bench.open()
        let ben = try await bench.join("standup worker ben")
        await bench.directory.linkRevoked("standup worker ben", in: RoomBench.room)
        #expect(ben.end == .removed)
    }

    @Test func whatTheMediaRefusesIsToldAndIsNoTrack() async throws {
        try await bench.open()
        let anna = try await bench.join("standup host anna")
        bench.media.fail("publish", BridgeError(.unacceptableOffer, "no"))
        await bench.send(.publishOffer(sdp: "x"), anna)
        #expect(anna.failures == [.unacceptableOffer])
        bench.media.fail("open", BridgeError(.invalidField, "no such section"))
        await bench.send(.publish(.screen, mid: "9"), anna)
        #expect(anna.failures == [.unacceptableOffer, .invalidField])
        #expect(try #require(await bench.directory.room(RoomBench.room)).tracks.isEmpty)
        #expect(bench.media.calls.all.last == "drop t1")
    }

    @Test func aViewersOfferAndThatOfSomebodyWhoIsNotInAreRefused() async throws {
        try await bench.open()
        let (viewer, stranger) = (try await bench.join("standup viewer vera"), try await bench.socket("standup host anna"))
        await bench.send(.publishOffer(sdp: "x"), viewer)
        await bench.send(.publishOffer(sdp: "x"), stranger)
        await bench.send(.subscribeAnswer(sdp: "x"), stranger)
        #expect(viewer.failures == [.forbidden] && stranger.failures == [.forbidden, .forbidden])
        #expect(bench.media.calls.all.isEmpty)
    }

    @Test func aPublishingPeerThatBreaksOrIsReplacedTakesItsTracksAlongAndNoOther() async throws {
        try await bench.open()
        let anna = try await bench.join("standup host anna")
        await bench.send(.publishOffer(sdp: "one"), anna)
        await bench.send(.publish(.microphone, mid: "0"), anna)
        let first = try #require(bench.media.listener("anna", .publish))
        await bench.send(.publishOffer(sdp: "two"), anna)
        #expect(bench.media.calls.all.suffix(2) == ["publish anna two", "drop t1"])
        await bench.send(.publish(.microphone, mid: "0"), anna)
        // News of the peer that was replaced is no news.
        first(.ended(.publish, BridgeError(.connectionLost, "gone")))
        let second = try #require(bench.media.listener("anna", .publish))
        second(.connected(.publish))
        #expect(await eventually { anna.heard.all.contains(.peer(.publish, .connected)) })
        #expect(try #require(await bench.directory.room(RoomBench.room)).tracks.map(\.id.rawValue) == ["t2"])
        second(.ended(.publish, BridgeError(.connectionLost, "gone")))
        #expect(await eventually { bench.media.calls.all.last == "drop t2" })
        #expect(anna.heard.all.contains(.peer(.publish, .ended)))
    }

    /// Also of what only then comes to be done: the track of a peer that is replaced is dropped, however slow the media is.
    @Test func aFrameIsDoneWhenWhatFollowsFromItIs() async throws {
        try await bench.open()
        let anna = try await bench.join("standup host anna")
        await bench.send(.publishOffer(sdp: "one"), anna)
        await bench.send(.publish(.microphone, mid: "0"), anna)
        bench.media.slowDrops.close()
        let done = Journal<Void>()
        let sending = Task { [bench] in
            await bench.send(.publishOffer(sdp: "two"), anna)
            done.note(())
        }
        #expect(await eventually { bench.media.slowDrops.waitingCount == 1 })
        for _ in 0..<1000 { await Task.yield() }
        #expect(done.all.isEmpty)
        bench.media.slowDrops.open()
        await sending.value
        #expect(bench.media.calls.all.last == "drop t1" && anna.heard.all.last == .publishAnswer(sdp: "answer to two"))
    }

    @Test func anOfferThatWasNotAnsweredIsSentAgainToWhoReturns() async throws {
        try await bench.open()
        let (anna, ben) = (try await bench.join("standup host anna"), try await bench.join("standup viewer ben"))
        await bench.send(.publishOffer(sdp: "one"), anna)
        await bench.send(.publish(.microphone, mid: "0"), anna)
        #expect(await bench.clock.pass { bench.media.listener("ben", .subscribe) != nil })
        let offer = RoomSocketEvent.subscribeOffer(sdp: "for ben", tracks: ["0": RoomTrackID("t1")])
        bench.media.listener("ben", .subscribe)?(.offer(sdp: "for ben", tracks: ["0": RoomTrackID("t1")]))
        #expect(await eventually { ben.heard.all.last == offer })
        await bench.directory.lost(ben.id)
        let again = try await bench.join("standup viewer ben", keepsPeers: true)
        #expect(again.isIn && again.heard.all.last == offer)
        await bench.send(.subscribeAnswer(sdp: "yes"), again)
        #expect(bench.media.calls.all.last == "accept ben yes")
        await bench.directory.lost(again.id)
        #expect(try await bench.join("standup viewer ben", keepsPeers: true).heard.all.last != offer)
    }

    @Test func effectsKeepTheirOrderHoweverSlowTheMediaIs() async throws {
        try await bench.open()
        let (anna, ben) = (try await bench.join("standup host anna"), try await bench.join("standup expert ben"))
        bench.media.gate.close()
        async let opened: Void = bench.send(.publish(.camera, mid: "1"), anna)
        #expect(await eventually { bench.media.gate.waitingCount == 1 })
        async let written: Void = bench.send(.chat("hello"), ben)
        async let gone: Void = bench.send(.unpublish(RoomTrackID("t1")), anna)
        #expect(bench.media.calls.all.isEmpty)
        bench.media.gate.open()
        _ = await (opened, written, gone)
        #expect(bench.media.calls.all == ["open t1 of anna", "forward t1 true", "drop t1"])
    }

    @Test func aRoomWithoutPeopleEndsByItselfAndClosesItsDoor() async throws {
        var settings = RoomSettings()
        settings.idleEnd = .seconds(2)
        try await bench.open(settings: settings)
        let atTheDoor = try await bench.socket("standup host anna")
        #expect(await bench.clock.pass { await bench.directory.rooms().isEmpty })
        #expect(atTheDoor.end == .normal)
        await #expect(throws: RoomError.self) { try await bench.directory.administer(.close, in: RoomBench.room) }
        #expect(await bench.told() == ["room.started", "room.ended"])
    }

    @Test func anAccountHasItsLimits() async throws {
        let bench = RoomBench(.init(roomsOfAccount: 2, participantsOfAccount: 2))
        try await bench.open("one")
        try await bench.open("two")
        await #expect { try await bench.open("three") } throws: { ($0 as? BridgeError)?.code == .limitReached }
        let again = try await bench.directory.open(
            RoomOrder(id: RoomID("one"), account: AccountID("acme"), settings: RoomSettings()))
        #expect(!again.isNew)
        let first = try await bench.join("one host anna", to: "one")
        #expect(try await bench.join("two host ben", to: "two").isIn)
        #expect(try await bench.join("one host carl", to: "one").refusals == [.accountFull])
        await bench.send(.leave, first)
        #expect(try await bench.join("one host carl", to: "one").isIn)
    }

    @Test func aShutDownTellsEverybody() async throws {
        try await bench.open()
        let anna = try await bench.join("standup host anna")
        await bench.directory.shutDown()
        #expect(anna.end == .normal)
        await #expect { try await bench.open() } throws: { ($0 as? BridgeError)?.code == .unavailable }
        #expect(await bench.told().suffix(2) == ["participant.left", "room.ended"])
    }

    @Test func whatAnEarlierRunLeftOpenEndsInsideOut() async throws {
        try await bench.open()
        let anna = try await bench.join("standup host anna")
        await bench.send(.publish(.microphone, mid: "0"), anna)
        #expect(await bench.told() == ["room.started", "participant.joined", "room.track_published"])
        try await RoomBench(ledger: bench.ledger).journal.recover()
        #expect(
            bench.ledger.events.map(\.kind.rawValue).suffix(3) == ["room.track_unpublished", "participant.left", "room.ended"])
    }
}
