import BridgeModel
import Testing

@testable import Bridge

/// Who is in a composite of a room, and who has the large place.
@Suite struct CompositeCastTests {
    private static let video = TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "0")
    private static let audio = TrackDescription(index: 1, codec: .opus, payloadType: 111, channels: 2, mid: "1")

    private static func person(_ id: String) -> RoomParticipant {
        RoomParticipant(id: ParticipantID(id), role: .host, name: id.uppercased())
    }

    private static func track(
        _ id: String, _ owner: String, _ kind: RoomTrackKind, muted: Bool = false, flows: Bool = true
    ) -> RoomView.Track {
        var track = RoomTrack(id: RoomTrackID(id), owner: ParticipantID(owner), kind: kind, mid: "0")
        track.isMutedByOwner = muted
        let source = RoomTrackSource(stream: StreamID("of-\(owner)"), description: kind == .microphone ? audio : video)
        return RoomView.Track(track, source: flows ? source : nil)
    }

    /// Anna shows and says something, Ben says something and shows a screen, Cleo looks on.
    private static let view = RoomView(
        people: [person("anna"), person("ben"), person("cleo")],
        tracks: [
            track("t1", "anna", .camera), track("t2", "anna", .microphone), track("t3", "ben", .microphone), track("t4", "ben", .screen),
        ], speaker: ParticipantID("ben"))

    private static func cast(
        _ view: RoomView = view, without left: Set<String> = [], _ arrangement: CompositeLayout.Arrangement = .presentation,
        isPicture: Bool = true
    ) -> CompositeCast {
        CompositeCast(view, without: Set(left.map { ParticipantID($0) }), layout: CompositeLayout(arrangement), isPicture: isPicture)
    }

    private static func names(_ cast: CompositeCast) -> [String] { cast.guests.map { $0.isScreen ? "\($0.name)'s screen" : $0.name } }

    @Test func whoPublishesHasAPlaceAndEveryScreenOneOfItsOwn() {
        let cast = Self.cast()
        #expect(Self.names(cast) == ["BEN's screen", "ANNA", "BEN"])
        #expect(cast.guests.map(\.isCovered) == [false, false, true] && cast.guests.map(\.isSilenced) == [true, false, false])
        #expect(cast.guests.map { $0.source?.tracks.map(\.kind) } == [[.video], [.video, .audio], [.audio]])
        #expect(cast.guests.map { $0.source?.stream.rawValue } == ["of-ben", "of-anna", "of-ben"])
    }

    @Test func whoIsLeftOutIsNeitherSeenNorHeard() {
        #expect(Self.names(Self.cast(without: ["ben"])) == ["ANNA"])
        #expect(Self.cast(without: ["ben"]).focus == nil)
        #expect(Self.names(Self.cast(without: ["anna"], isPicture: false)) == ["BEN"])
    }

    @Test func theMutedAreCoveredAndSilencedAndTheirTracksStay() {
        var view = Self.view
        view.tracks[0] = Self.track("t1", "anna", .camera, muted: true)
        view.tracks[1] = Self.track("t2", "anna", .microphone, muted: true)
        let (before, after) = (Self.cast().guests[1], Self.cast(view).guests[1])
        #expect(after.isCovered && after.isSilenced && after.source == before.source)
        // A track that does not flow yet is not waited for.
        view.tracks[0] = Self.track("t1", "anna", .camera, flows: false)
        #expect(Self.cast(view).guests[1].source?.tracks.map(\.kind) == [.audio] && Self.cast(view).guests[1].isCovered)
        // The same section with another track is another source: what was taken of the former one is over.
        view.tracks[0] = Self.track("t5", "anna", .camera)
        #expect(Self.cast(view).guests[1].source != before.source && Self.cast(view).guests[1].id == before.id)
    }

    @Test func theLargePlaceIsTheScreensTheLightsOrTheSpeakers() {
        let (screen, anna, ben) = (Self.cast().guests[0].id, Self.cast().guests[1].id, Self.cast().guests[2].id)
        #expect(Self.cast(.presentation).focus == screen && Self.cast(.speaker).focus == ben && Self.cast(.grid).focus == nil)
        #expect(Self.cast(.pictureInPicture).focus == screen)
        var view = Self.view
        view.spotlight = [RoomTrackID("t1")]
        #expect(Self.cast(view, .speaker).focus == anna && Self.cast(view, .pictureInPicture).focus == anna)
        #expect(Self.cast(view, .presentation).focus == screen)
        // Nobody speaks: whoever has the place keeps it.
        (view.spotlight, view.speaker) = ([], nil)
        #expect(Self.cast(view, .speaker).focus == nil)
    }

    @Test func aMixIsOfThoseWhoCanBeHeard() {
        var view = Self.view
        view.tracks.append(Self.track("t6", "cleo", .camera))
        #expect(Self.names(Self.cast(view, isPicture: false)) == ["ANNA", "BEN"])
        view.tracks[1] = Self.track("t2", "anna", .microphone, muted: true)
        #expect(Self.names(Self.cast(view, isPicture: false)) == ["BEN", "ANNA"])
    }

    @Test func aFullRoomKeepsWhoeverHasTheLargePlace() {
        let people = (0..<60).map { Self.person("p\($0)") }
        let tracks = (0..<60).map { Self.track("t\($0)", "p\($0)", .camera) }
        let cast = Self.cast(RoomView(people: people, tracks: tracks, speaker: ParticipantID("p59")), .speaker)
        #expect(cast.guests.count == CompositeLayout.mostInputs && cast.guests.contains { $0.id == cast.focus })
    }
}

extension CompositeCastTests {
    private static func cast(_ arrangement: CompositeLayout.Arrangement) -> CompositeCast { cast(view, arrangement) }

    private static func cast(_ view: RoomView, _ arrangement: CompositeLayout.Arrangement) -> CompositeCast {
        cast(view, without: [], arrangement)
    }
}
