import Bridge
import BridgeModel
import Testing

/// Cameras, their seats, and their returns.
@Suite struct RoomSeatTests {
    private static let seat = SeatID("seat")
    private static let media = [SeatTrack(.camera, mid: "v"), SeatTrack(.microphone, mid: "a")]

    private static func order(_ change: (inout SeatOrder) -> Void = { _ in }) -> SeatOrder {
        var order = SeatOrder(source: .stream(StreamID("drone")), displayName: "Drone")
        change(&order)
        return order
    }

    @Test func aCameraThatDropsComesBackToItsSeat() {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.command(.seat(Self.seat, Self.order()), by: "host")
        stage.forget()
        stage.give(.seatLive(Self.seat, Self.media))
        stage.pass(.milliseconds(50))
        #expect(stage.updates(of: "host").map(\.added.count) == [2])
        stage.give(.seatLost(Self.seat))
        stage.pass(.seconds(3600))
        #expect(stage.machine.seats.map(\.state) == [.away])
        #expect(stage.updates(of: "host").last?.removed.count == 2)
        stage.give(.seatLive(Self.seat, Self.media))
        stage.pass(.milliseconds(50))
        #expect(stage.machine.seats.map(\.state) == [.live])
        #expect(stage.updates(of: "host").last?.added.count == 2)
        // One came, once, and nobody went.
        #expect(stage.events.count { if case .joined = $0 { true } else { false } } == 1)
        #expect(!stage.events.contains { if case .left = $0 { true } else { false } })
    }

    @Test func eachCameraHasOneSeat() {
        var stage = RoomStage()
        stage.enter("host", .host)
        #expect(stage.refusal(of: .seat(Self.seat, Self.order()), by: "host") == nil)
        #expect(stage.refusal(of: .seat(SeatID("other"), Self.order()), by: "host") == .alreadySeated)
        #expect(stage.refusal(of: .seat(Self.seat, Self.order { $0.source = .camera(ClientID("c")) }), by: "host") == .alreadySeated)
    }

    @Test func aSeatEndsAtItsTimeAndItsCameraLeavesBeforeIt() {
        var stage = RoomStage()
        stage.enter("host", .host)
        let until = stage.wall.advanced(by: .seconds(60))
        stage.command(.seat(Self.seat, Self.order { $0.until = until }), by: "host")
        stage.give(.seatLive(Self.seat, Self.media))
        stage.pass(.seconds(59))
        #expect(stage.machine.seats.count == 1)
        stage.forget()
        stage.pass(.seconds(1))
        #expect(stage.effects.contains(.releaseCamera(Self.seat)))
        let words = stage.events.map { "\($0)".prefix { $0.isLetter } }
        #expect(words == ["trackUnpublished", "trackUnpublished", "left", "cameraUnseated"])
        // A stream that is still there finds no seat.
        stage.give(.seatLive(Self.seat, Self.media))
        #expect(stage.machine.participants.count == 1)
    }

    @Test func aSeatTakesAndGivesWhatItsOrderSays() {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.command(.seat(Self.seat, Self.order { ($0.sends, $0.receives) = ([.video], [.audio]) }), by: "host")
        stage.forget()
        stage.give(.seatLive(Self.seat, Self.media))
        stage.pass(.milliseconds(50))
        #expect(stage.machine.tracks.filter { $0.owner == .camera(of: Self.seat) }.map(\.kind) == [.camera])
        let update = stage.effects.compactMap { if case .subscribe(.camera(of: Self.seat), let update) = $0 { update } else { nil } }
        #expect(update.map { $0.added.map(\.track) } == [stage.track(of: "host").map { [$0] }])
    }

    @Test func anAgentReturnsToItsSeatAfterAnyTime() throws {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.seatAgent("helmet")
        #expect(stage.machine.seats.map(\.state) == [.live])
        stage.give(.socketLost(try #require(stage.sockets["helmet"])))
        #expect(stage.track(of: "helmet", .camera) != nil)
        stage.pass(.seconds(20))
        #expect(stage.track(of: "helmet", .camera) == nil)
        stage.pass(.seconds(1000))
        stage.knock("helmet", .camera) {
            $0.grant.identity = nil
            $0.grant.seat = SeatID("helmet")
        }
        #expect(stage.machine.seats.map(\.state) == [.live])
        #expect(stage.machine.participants.count == 2)
        #expect(!stage.events.contains { if case .left = $0 { true } else { false } })
    }

    @Test func aSeatOfThePastOrOfNothingIsRefused() {
        var stage = RoomStage()
        #expect(stage.administer(.seat(Self.seat, Self.order { $0.until = WallTime(milliseconds: 1) }))?.code == .invalidField)
        #expect(stage.administer(.seat(Self.seat, Self.order { $0.sends = [] }))?.code == .invalidField)
        #expect(stage.administer(.seat(Self.seat, Self.order { $0.displayName = "" }))?.code == .invalidField)
        #expect(stage.administer(.unseat(Self.seat))?.code == .notFound)
    }
}

/// What is marked in a room that is not recorded.
@Suite struct RoomClipTests {
    private static let mark = RoomClipMark(
        id: "c1", track: nil, participant: ParticipantID("host"),
        from: WallTime(milliseconds: 1_700_000_000_000).advanced(by: .seconds(-5)),
        to: WallTime(milliseconds: 1_700_000_000_000))

    private func stage() -> RoomStage {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.command(.publish(.camera, mid: "0"), by: "host")
        return stage
    }

    @Test func withoutACameraThereIsNothingToKeep() {
        var stage = stage()
        #expect(stage.refusal(of: .clip(nil, seconds: 5), by: "host") == .notRecorded)
    }

    @Test func aCamerasOwnRecordingIsAskedForAndEverybodyHearsOfItWhenItIsThere() throws {
        var stage = stage()
        stage.command(.seat(SeatID("s"), SeatOrder(source: .camera(ClientID("gate")), displayName: "Gate")), by: "host")
        #expect(stage.refusal(of: .clip(nil, seconds: 5), by: "host") == .notRecorded, "it has not come")
        stage.give(.seatLive(SeatID("s"), [SeatTrack(.camera, mid: "v")]))
        let mine = try #require(stage.machine.tracks.first { $0.owner == ParticipantID("host") })
        let gate = try #require(stage.machine.tracks.first { $0.owner != mine.owner })
        #expect(
            stage.refusal(of: .clip(mine.id, seconds: 5), by: "host") == .notRecorded, "what people show is recorded with the room alone")
        stage.forget()
        #expect(stage.refusal(of: .clip(nil, seconds: 5), by: "host") == nil)
        #expect(stage.effects.last == .keepClip(Self.mark, of: [StreamID("gate")]))
        #expect(stage.refusal(of: .clip(gate.id, seconds: 5), by: "host") == nil)
        let told = stage.effects.count
        stage.give(.clipKept(Self.mark))
        #expect(stage.effects.dropFirst(told).contains { if case .tell(_, .clipMarked(Self.mark)) = $0 { true } else { false } })
    }
}
