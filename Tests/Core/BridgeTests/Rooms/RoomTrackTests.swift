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
        for number in 0..<10 { #expect(stage.updates(of: "p\(number)").map(\.added.count) == [20]) }
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
}
