import Bridge
import BridgeModel
import Testing

/// Coming in, going away, coming back.
@Suite struct RoomAdmissionTests {
    private func refusal(_ stage: RoomStage, of name: String) -> RoomError.Code? {
        for case .refused(let error) in stage.news(of: name) { return error.code }
        return nil
    }

    private func welcome(_ stage: RoomStage, of name: String) -> RoomSnapshot? {
        for case .welcome(let snapshot) in stage.news(of: name) { return snapshot }
        return nil
    }

    struct BadGrant: Sendable {
        var code: RoomError.Code
        var change: @Sendable (inout RoomGrant) -> Void
    }

    @Test(arguments: [
        BadGrant(code: .linkExpired) { $0.expiresAt = WallTime(milliseconds: 1_700_000_000_000) },
        BadGrant(code: .wrongRoom) { $0.room = RoomID("room-2") },
        BadGrant(code: .wrongRoom) { $0.account = AccountID("account-2") },
        BadGrant(code: .forbidden) { $0.role = .camera },
        BadGrant(code: .forbidden) { $0.seat = SeatID("s") },
        BadGrant(code: .linkRevoked) { $0.tokenID = "taken-back" },
        BadGrant(code: .seatEnded) {
            $0.role = .camera
            $0.seat = SeatID("s")
        },
    ]) func badLinksAreTurnedAway(bad: BadGrant) {
        var stage = RoomStage()
        stage.give(.revoke(link: "taken-back"))
        let socket = stage.knock("eve", .worker) { bad.change(&$0.grant) }
        #expect(refusal(stage, of: "eve") == bad.code)
        #expect(stage.effects.contains(.closeSocket(socket, .refused)))
        #expect(stage.machine.participants.isEmpty)
    }

    @Test func aSocketMayDropForTwentySeconds() throws {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        stage.pass(.seconds(1))
        stage.forget()
        stage.give(.socketLost(try #require(stage.sockets["anna"])))
        stage.pass(.seconds(19))
        stage.knock("anna", .worker) { $0.keepsPeers = true }
        stage.pass(.seconds(30))
        let told = stage.news(of: "host").compactMap { if case .changed(let info) = $0 { info.presence } else { nil } }
        #expect(told == [.away, .here])
        #expect(stage.news(of: "host").count == 2)
        #expect(stage.events.isEmpty)
        #expect(stage.updates(of: "host").isEmpty)
        #expect(welcome(stage, of: "anna")?.tracks.count == 4)
    }

    @Test func whoDoesNotReturnHasLeft() throws {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        stage.give(.socketLost(try #require(stage.sockets["anna"])))
        stage.forget()
        stage.pass(.seconds(20))
        #expect(stage.news(of: "host").last == .left(ParticipantID("anna"), .connectionLost))
        #expect(stage.effects.contains(.closePeers(ParticipantID("anna"))))
        #expect(stage.machine.participants.map(\.id) == [ParticipantID("host")])
    }

    @Test func aPageThatWasLoadedAnewTakesItsPlaceWithoutItsOldMedia() throws {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        let old = try #require(stage.sockets["anna"])
        stage.forget()
        stage.knock("anna", .worker)
        #expect(stage.effects.contains(.closeSocket(old, .takenOver)))
        #expect(stage.effects.contains(.closePeers(ParticipantID("anna"))))
        #expect(stage.track(of: "anna") == nil)
        #expect(stage.machine.participants.count == 2)
        #expect(!stage.events.contains { if case .left = $0 { true } else { false } })
        // The socket that was taken over is lost later: that says nothing of anna.
        stage.give(.socketLost(old))
        #expect(stage.machine.participants.last?.presence == .here)
    }

    @Test func anExpiredLinkStillReturnsToItsPlace() throws {
        var stage = RoomStage()
        stage.knock("anna", .worker) { $0.grant.expiresAt = $0.grant.expiresAt.advanced(by: .seconds(-3590)) }
        stage.pass(.seconds(30))
        stage.give(.socketLost(try #require(stage.sockets["anna"])))
        stage.forget()
        stage.knock("anna", .worker) { $0.grant.expiresAt = WallTime(milliseconds: 0) }
        #expect(welcome(stage, of: "anna") != nil)
    }

    @Test func theRemovedDoNotComeBack() {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        stage.forget()
        stage.command(.remove(ParticipantID("anna")), by: "host")
        #expect(stage.effects.contains(.revokeLink("token-anna-worker")))
        #expect(stage.events.last.map { if case .left(_, .removed) = $0 { true } else { false } } == true)
        stage.knock("anna", .worker)
        #expect(refusal(stage, of: "anna") == .removed)
        // Another link of hers does not help, and neither does another name on the old link.
        stage.knock("anna", .expert)
        #expect(refusal(stage, of: "anna") == .removed)
        stage.knock("hanna", .worker) { $0.grant.tokenID = "token-anna-worker" }
        #expect(refusal(stage, of: "hanna") == .linkRevoked)
    }

    @Test func aKnockIsAnsweredByAHostOrByTime() {
        var stage = RoomStage()
        stage.settings.admission = .knock
        stage.enter("host", .host)
        stage.knock("anna", .worker)
        #expect(stage.news(of: "anna") == [.waiting])
        #expect(stage.news(of: "host").last == .knocking(ParticipantID("anna"), name: "anna", role: .worker))
        #expect(stage.refusal(of: .chat("hello"), by: "anna") == .notJoined)
        stage.command(.admit(ParticipantID("anna")), by: "host")
        #expect(welcome(stage, of: "anna") != nil)
        #expect(stage.news(of: "host").last == .knockEnded(ParticipantID("anna")))
        stage.knock("ben", .worker)
        stage.command(.deny(ParticipantID("ben")), by: "host")
        #expect(refusal(stage, of: "ben") == .denied)
        stage.knock("ben", .worker)
        #expect(refusal(stage, of: "ben") == .denied)
        stage.pass(.seconds(30))
        stage.knock("ben", .worker)
        #expect(stage.news(of: "ben") == [.waiting])
        stage.pass(.seconds(300))
        #expect(refusal(stage, of: "ben") == .knockTimeout)
        #expect(stage.machine.waiting.isEmpty)
    }

    @Test func aHostWhoComesLaterSeesWhoWaits() {
        var stage = RoomStage()
        stage.settings.admission = .knock
        stage.knock("anna", .worker)
        stage.knock("host", .host)
        #expect(stage.news(of: "host").last == .knocking(ParticipantID("anna"), name: "anna", role: .worker))
    }

    @Test func limitsOfTheRoomAndTheAccountHold() {
        var stage = RoomStage()
        stage.settings.limits.participants = 2
        _ = stage.administer(.seat(SeatID("s"), SeatOrder(source: .stream(StreamID("x")), displayName: "X")))
        stage.knock("poor", .worker) { $0.accountHeadroom = 0 }
        #expect(refusal(stage, of: "poor") == .accountFull)
        stage.knock("anna", .worker) { $0.accountHeadroom = 1 }
        // The camera has not come, but its place is its own.
        stage.knock("ben", .worker)
        #expect(refusal(stage, of: "ben") == .roomFull)
    }

    @Test func anEmptyRoomEnds() throws {
        var stage = RoomStage()
        stage.enter("anna", .host)
        stage.pass(.seconds(1000))
        #expect(!stage.machine.isOver)
        stage.command(.leave, by: "anna")
        stage.pass(.seconds(299))
        #expect(!stage.machine.isOver)
        stage.pass(.seconds(1))
        #expect(stage.machine.isOver)
        #expect(stage.effects.suffix(2) == [.event(.ended(.idle)), .retire])
        stage.knock("anna", .host)
        #expect(refusal(stage, of: "anna") == .roomClosed)
        #expect(stage.administer(.close)?.code == .roomClosed)
    }
}
