import Bridge
import BridgeModel
import Testing

/// What is published, who is sent it, and how.
@Suite struct RoomTrackTests {
    @Test func tenWhoComeTogetherAreOneUpdateForEach() {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.pass(.seconds(1))
        stage.forget()
        for number in 0..<10 { stage.enter("p\(number)", .worker) }
        #expect(stage.updates(of: "host").isEmpty)
        stage.pass(.milliseconds(50))
        #expect(stage.updates(of: "host").map(\.added.count) == [20])
        // Whoever comes gets at once what there is, and the others with one more.
        for number in 0..<10 {
            let now = 2 + 2 * number
            #expect(stage.updates(of: "p\(number)").map(\.added.count) == (now == 20 ? [20] : [now, 20 - now]))
        }
    }

    @Test func aNewcomerDoesNotWaitForTheWindow() {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.pass(.seconds(1))
        stage.forget()
        stage.enter("anna", .viewer)
        #expect(stage.updates(of: "anna").map(\.added.count) == [2])
        stage.pass(.seconds(1))
        #expect(stage.updates(of: "anna").count == 1)
    }

    @Test func theWindowBeginsWithTheFirstChange() {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.knock("anna", .worker)
        stage.pass(.seconds(1))
        stage.forget()
        stage.command(.publish(.microphone, mid: "0"), by: "anna")
        stage.pass(.milliseconds(40))
        stage.command(.publish(.camera, mid: "1"), by: "anna")
        stage.pass(.milliseconds(10))
        #expect(stage.updates(of: "host").map(\.added.count) == [2])
    }

    @Test func aTrackThatComesAndGoesWithinTheWindowIsNeverSent() throws {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        stage.pass(.seconds(1))
        stage.forget()
        stage.command(.publish(.screen, mid: "2"), by: "anna")
        stage.command(.unpublish(try #require(stage.track(of: "anna", .screen))), by: "anna")
        stage.pass(.seconds(1))
        #expect(stage.updates(of: "host").isEmpty)
    }

    @Test func viewsBecomeBounds() throws {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        stage.pass(.seconds(1))
        let camera = try #require(stage.track(of: "anna", .camera))
        stage.forget()
        stage.command(.view([camera: TrackView(isVisible: true, width: 1280, height: 720, frameRate: 15)]), by: "host")
        stage.pass(.milliseconds(50))
        stage.command(.view([camera: TrackView(isVisible: false, width: 10), RoomTrackID("gone"): TrackView(isVisible: true)]), by: "host")
        stage.pass(.milliseconds(50))
        stage.command(.view([camera: TrackView(isVisible: false, width: 20)]), by: "host")
        stage.pass(.milliseconds(50))
        stage.command(.spotlight([camera]), by: "host")
        stage.pass(.milliseconds(50))
        let bounds = stage.updates(of: "host").map { $0.changed.map(\.bounds) }
        var seen = TrackBounds()
        (seen.width, seen.height, seen.frameRate) = (1280, 720, 15)
        var hidden = TrackBounds()
        hidden.isPaused = true
        var lit = hidden
        lit.isPreferred = true
        #expect(bounds == [[seen], [hidden], [lit]])
        // Anna's own camera is not sent to her; the host's is not changed by the host's view.
        #expect(stage.updates(of: "anna").isEmpty)
    }

    @Test func whatAHostHasMutedStaysMuted() throws {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        let first = try #require(stage.track(of: "anna"))
        stage.forget()
        stage.command(.mute(first, true), by: "host")
        #expect(stage.effects.contains(.forward(first, false)))
        #expect(stage.refusal(of: .mute(first, false), by: "anna") == .forbidden)
        stage.command(.unpublish(first), by: "anna")
        stage.forget()
        stage.command(.publish(.microphone, mid: "0"), by: "anna")
        let second = try #require(stage.track(of: "anna"))
        #expect(stage.effects.contains(.forward(second, false)))
        stage.command(.leave, by: "anna")
        stage.enter("anna", .worker)
        let third = try #require(stage.track(of: "anna"))
        #expect(stage.effects.contains(.forward(third, false)))
        stage.command(.mute(third, false), by: "host")
        #expect(stage.effects.contains(.forward(third, true)))
    }

    @Test func nobodyOpensWhatSomebodyHasMutedThemselves() throws {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        let track = try #require(stage.track(of: "anna"))
        stage.command(.mute(track, true), by: "anna")
        stage.forget()
        #expect(stage.refusal(of: .mute(track, false), by: "host") == nil)
        #expect(!stage.effects.contains(.forward(track, true)))
        stage.command(.mute(track, false), by: "anna")
        #expect(stage.effects.contains(.forward(track, true)))
    }

    @Test func aSectionCarriesOneTrackAndAParticipantSome() {
        var stage = RoomStage()
        stage.settings.limits.tracksOfParticipant = 3
        stage.enter("anna", .worker)
        #expect(stage.refusal(of: .publish(.camera, mid: "1"), by: "anna") == .alreadyPublished)
        #expect(stage.refusal(of: .publish(.camera, mid: "2"), by: "anna") == nil)
        #expect(stage.refusal(of: .publish(.camera, mid: "3"), by: "anna") == .limitReached)
    }

    @Test func aBrokenPublisherLosesItsTracksAndABrokenSubscriberGetsAllAgain() {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        stage.pass(.seconds(1))
        stage.forget()
        stage.give(.subscriberLost(ParticipantID("host")))
        stage.pass(.milliseconds(50))
        #expect(stage.effects.contains(.renewSubscriber(ParticipantID("host"))))
        #expect(stage.updates(of: "host").map(\.added.count) == [2])
        stage.forget()
        stage.give(.publisherLost(ParticipantID("anna")))
        stage.pass(.milliseconds(50))
        #expect(stage.updates(of: "host").map(\.removed.count) == [2])
        #expect(stage.machine.tracks.allSatisfy { $0.owner == ParticipantID("host") })
    }

    /// A full engine is not asked twenty times a second, and nobody else waits for it.
    @Test func aSubscriberThatIsLostAgainAndAgainIsRenewedEverLater() {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        stage.enter("ben", .worker)
        stage.pass(.seconds(1))
        var pauses: [Duration] = []
        for _ in 0..<10 {
            stage.give(.subscriberLost(ParticipantID("host")))
            stage.forget()
            let lostAt = stage.now
            while stage.updates(of: "host").isEmpty { stage.pass(.milliseconds(10)) }
            pauses.append(stage.now.duration(since: lostAt))
        }
        #expect(pauses.first == .milliseconds(50))
        #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $1 >= $0 })
        #expect(pauses.last == .seconds(5))
        stage.give(.subscriberLost(ParticipantID("host")))
        stage.forget()
        stage.command(.unpublish(stage.machine.tracks.last!.id), by: "ben")
        stage.pass(.milliseconds(60))
        #expect(stage.updates(of: "anna").map(\.removed.count) == [1])
        #expect(stage.updates(of: "host").isEmpty)
        stage.pass(.seconds(5))
        #expect(stage.updates(of: "host").map(\.added.count) == [3])
        // After a while without a loss, the next one is the first.
        stage.pass(.seconds(10))
        stage.forget()
        stage.give(.subscriberLost(ParticipantID("host")))
        stage.pass(.milliseconds(60))
        #expect(stage.updates(of: "host").map(\.added.count) == [3])
    }

    /// The tracks that somebody was told they are not sent, each time.
    private func unsent(_ stage: RoomStage, _ name: String) -> [[RoomTrackID]] {
        stage.news(of: name).compactMap { if case .unsent(let tracks) = $0 { tracks } else { nil } }
    }

    private func sent(_ stage: RoomStage, _ name: String) -> Set<RoomTrackID> {
        stage.updates(of: name).reduce(into: []) { $0 = $0.subtracting($1.removed).union($1.added.map(\.track)) }
    }

    @Test func whatCannotBeSentToSomebodyIsToldAndIsWhatCountsLeast() throws {
        var stage = RoomStage()
        stage.settings.limits.subscriptions = 4
        stage.enter("host", .host)
        for name in ["anna", "ben", "carl"] { stage.enter(name, .worker) }
        stage.pass(.seconds(1))
        let (anna, ben, carl) = (
            try #require(stage.track(of: "anna", .camera)), try #require(stage.track(of: "ben", .camera)),
            try #require(stage.track(of: "carl", .camera))
        )
        let voices = Set(["anna", "ben", "carl"].compactMap { stage.track(of: $0) })
        // Voices first, then the oldest picture.
        #expect(unsent(stage, "host").last == [ben, carl] && sent(stage, "host") == voices.union([anna]))
        stage.command(.view([carl: TrackView(isVisible: true), anna: TrackView(isVisible: false)]), by: "host")
        stage.pass(.seconds(1))
        #expect(unsent(stage, "host").last == [anna, ben] && sent(stage, "host") == voices.union([carl]))
        stage.command(.pin([ben, anna]), by: "host")
        stage.pass(.seconds(1))
        let last = try #require(stage.track(of: "carl"))
        #expect(unsent(stage, "host").last == [last, carl] && sent(stage, "host") == voices.subtracting([last]).union([anna, ben]))
        // With room for all, all are sent, and that is told once.
        stage.command(.leave, by: "carl")
        stage.pass(.seconds(1))
        #expect(unsent(stage, "host").last == [] && sent(stage, "host").count == 4)
        let count = unsent(stage, "host").count
        stage.command(.pin([]), by: "host")
        stage.pass(.seconds(1))
        #expect(unsent(stage, "host").count == count)
    }

    @Test func whoIsSentEverythingIsNotTold() {
        var stage = RoomStage()
        stage.settings.limits.subscriptions = 2
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        stage.pass(.seconds(1))
        #expect(unsent(stage, "host").isEmpty && unsent(stage, "anna").isEmpty)
        #expect(RoomSettings().limits.subscriptions == 64)
    }

    @Test func whoComesBackIsToldAgain() {
        var stage = RoomStage()
        stage.settings.limits.subscriptions = 1
        stage.enter("host", .host)
        stage.enter("anna", .worker)
        stage.pass(.seconds(1))
        let lacking = unsent(stage, "host")
        stage.knock("host", .host) { $0.keepsPeers = true }
        #expect(lacking.count == 1 && unsent(stage, "host") == lacking)
        // With new peers all is told anew, behind the welcome.
        stage.knock("host", .host)
        #expect(unsent(stage, "host") == lacking)
        #expect(stage.updates(of: "host").last?.added.count == 1)
    }
}
