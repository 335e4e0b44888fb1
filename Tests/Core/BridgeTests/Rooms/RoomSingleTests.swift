import Bridge
import BridgeModel
import Testing

/// Who takes the room as one picture and one sound.
@Suite struct RoomSingleTests {
    private static let both = [
        RoomSubscription(.picture, TrackBounds()), RoomSubscription(.sound(for: ParticipantID("vera")), TrackBounds()),
    ]

    /// A room of two, and Vera, who takes it as one.
    private func stage() -> RoomStage {
        var stage = RoomStage()
        stage.enter("anna", .host)
        stage.enter("ben", .worker)
        stage.knock("vera", .viewer)
        stage.pass(.seconds(1))
        stage.forget()
        stage.command(.single(true), by: "vera")
        return stage
    }

    private func updates(_ stage: RoomStage) -> [SubscriptionUpdate] {
        stage.effects.compactMap { if case .subscribe(ParticipantID("vera"), let update) = $0 { update } else { nil } }
    }

    private func told(_ stage: RoomStage) -> [Bool] {
        (stage.sockets["vera"].flatMap { stage.told[$0] } ?? []).compactMap { if case .single(let isOn, _, _) = $0 { isOn } else { nil } }
    }

    @Test func eachTrackComesUntilThereIsSomethingInstead() {
        var stage = stage()
        #expect(stage.effects.contains(.beginSingle(ParticipantID("vera"))))
        stage.pass(.seconds(2))
        #expect(updates(stage).isEmpty)
        #expect(told(stage).isEmpty)
        stage.give(.single(ParticipantID("vera"), isOpen: true))
        stage.pass(.seconds(1))
        #expect(told(stage) == [true])
        #expect(updates(stage).map(\.added) == [Self.both])
        #expect(updates(stage).first?.removed.count == 4)
    }

    @Test func whoComesLaterIsInThePicture() {
        var stage = stage()
        stage.give(.single(ParticipantID("vera"), isOpen: true))
        stage.pass(.seconds(1))
        stage.forget()
        stage.enter("carl", .worker)
        stage.pass(.seconds(1))
        #expect(updates(stage).isEmpty)
    }

    @Test func eachTrackIsBackBeforeThePictureGoes() throws {
        var stage = stage()
        stage.give(.single(ParticipantID("vera"), isOpen: true))
        stage.pass(.seconds(1))
        stage.forget()
        stage.command(.single(false), by: "vera")
        let update = try #require(updates(stage).first)
        #expect(update.removed == Self.both.map(\.track))
        #expect(update.added.count == 4)
        let order = stage.effects.compactMap { effect in
            switch effect {
            case .subscribe: "subscribe"
            case .endSingle: "end"
            default: nil
            }
        }
        #expect(order == ["subscribe", "end"])
        #expect(told(stage) == [false])
    }

    @Test func whatCannotBeMadeChangesNothing() {
        var stage = stage()
        stage.give(.single(ParticipantID("vera"), isOpen: false))
        stage.pass(.seconds(1))
        #expect(updates(stage).isEmpty)
        #expect(told(stage) == [false])
        #expect(stage.effects.contains(.endSingle(ParticipantID("vera"))))
    }

    @Test func anAnswerThatNobodyWaitsForIsNone() {
        var stage = stage()
        stage.command(.single(false), by: "vera")
        stage.give(.single(ParticipantID("vera"), isOpen: true))
        stage.give(.single(ParticipantID("nobody"), isOpen: true))
        stage.pass(.seconds(1))
        #expect(updates(stage).isEmpty)
        #expect(told(stage) == [false])
    }

    @Test func whoIsBackWithTheirPeersIsToldAndWhoIsBackWithoutHasEachTrack() throws {
        var stage = stage()
        stage.give(.single(ParticipantID("vera"), isOpen: true))
        stage.pass(.seconds(1))
        stage.give(.socketLost(try #require(stage.sockets["vera"])))
        stage.forget()
        stage.knock("vera", .viewer) { $0.keepsPeers = true }
        #expect(told(stage) == [true])
        stage.forget()
        stage.knock("vera", .viewer)
        stage.pass(.seconds(1))
        #expect(stage.effects.contains(.endSingle(ParticipantID("vera"))))
        #expect(told(stage).isEmpty)
        #expect(updates(stage).map(\.added.count) == [4])
    }

    @Test func itGoesWithWhoGoes() {
        var stage = stage()
        stage.command(.leave, by: "vera")
        #expect(stage.effects.contains(.endSingle(ParticipantID("vera"))))
    }

    @Test func aBrokenPeerIsSentTheSameAgain() {
        var stage = stage()
        stage.give(.single(ParticipantID("vera"), isOpen: true))
        stage.pass(.seconds(1))
        stage.forget()
        stage.give(.subscriberLost(ParticipantID("vera")))
        stage.pass(.seconds(1))
        #expect(updates(stage).map(\.added) == [Self.both])
    }
}
