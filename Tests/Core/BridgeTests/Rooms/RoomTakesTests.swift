import Bridge
import BridgeModel
import Testing

@Suite struct RoomTakesTests {
    private static let begin = MonotonicTime(nanoseconds: 1_000_000_000)
    private static let settled = begin.advanced(by: RoomTakes.settling)

    private static func track(_ id: String, of owner: String, _ kind: RoomTrackKind, isMuted: Bool = false) -> RoomTrack {
        var track = RoomTrack(id: RoomTrackID(id), owner: ParticipantID(owner), kind: kind, mid: "0")
        track.isMutedByOwner = isMuted
        return track
    }

    private static func source(_ stream: String, _ index: UInt8) -> RoomTrackSource {
        let description = TrackDescription(index: index, codec: index == 0 ? .opus : .vp8, payloadType: 96, mid: "\(index)")
        return RoomTrackSource(stream: StreamID(stream), description: description, isOfRoom: true)
    }

    /// In words: what begins with which tracks, and what stops.
    private static func words(_ effects: [RoomTakes.Effect]) -> [String] {
        effects.map { effect in
            switch effect {
            case .begin(let take):
                "begin \(take.number) \(take.participant)\(take.isScreen ? " screen" : "") \(take.tracks.map(\.rawValue).joined(separator: "+"))"
            case .stop(let number): "stop \(number)"
            }
        }
    }

    @Test func aMicrophoneAndACameraThatOpenOneAfterTheOtherAreOneRecording() {
        var takes = RoomTakes()
        takes.opened(Self.track("t2", of: "anna", .camera), from: Self.source("anna", 1), now: Self.begin)
        takes.opened(
            Self.track("t1", of: "anna", .microphone), from: Self.source("anna", 0), now: Self.begin.advanced(by: .milliseconds(100)))
        #expect(takes.settle(now: Self.settled).isEmpty && takes.deadline == Self.settled.advanced(by: .milliseconds(100)))
        #expect(Self.words(takes.settle(now: Self.settled.advanced(by: .milliseconds(100)))) == ["begin 1 anna t1+t2"])
        #expect(takes.deadline == nil)
    }

    @Test func aScreenIsRecordedByItself() {
        var takes = RoomTakes()
        takes.opened(Self.track("t1", of: "anna", .camera), from: Self.source("anna", 1), now: Self.begin)
        takes.opened(Self.track("t2", of: "anna", .screen), from: Self.source("anna", 2), now: Self.begin)
        #expect(Self.words(takes.settle(now: Self.settled)) == ["begin 1 anna t1", "begin 2 anna screen t2"])
    }

    @Test func otherTracksAreAnotherRecordingAndNoneAreNone() {
        var takes = RoomTakes()
        let (camera, microphone) = (Self.track("t1", of: "anna", .camera), Self.track("t2", of: "anna", .microphone))
        takes.opened(camera, from: Self.source("anna", 1), now: Self.begin)
        takes.opened(microphone, from: Self.source("anna", 0), now: Self.begin)
        _ = takes.settle(now: Self.settled)
        #expect(takes.dropped(microphone.id, now: Self.settled).isEmpty)
        let later = Self.settled.advanced(by: RoomTakes.settling)
        #expect(Self.words(takes.settle(now: later)) == ["stop 1", "begin 2 anna t1"])
        #expect(Self.words(takes.dropped(camera.id, now: later)) == ["stop 2"])
        #expect(takes.settle(now: later.advanced(by: .seconds(1))).isEmpty && takes.stop().isEmpty)
    }

    @Test func aTrackThatReturnsWhatItWasBeforeChangesNothing() {
        var takes = RoomTakes()
        let (camera, microphone) = (Self.track("t1", of: "anna", .camera), Self.track("t2", of: "anna", .microphone))
        takes.opened(camera, from: Self.source("anna", 1), now: Self.begin)
        _ = takes.settle(now: Self.settled)
        takes.opened(microphone, from: Self.source("anna", 0), now: Self.settled)
        _ = takes.dropped(microphone.id, now: Self.settled)
        #expect(takes.settle(now: Self.settled.advanced(by: .seconds(1))).isEmpty)
    }

    // MARK: - Muted tracks

    @Test func whoeverIsMutedIsRecordedFromTheirFirstWordOn() {
        var takes = RoomTakes()
        let camera = Self.track("t2", of: "anna", .camera, isMuted: true)
        let microphone = Self.track("t1", of: "anna", .microphone, isMuted: true)
        takes.opened(camera, from: Self.source("anna", 1), now: Self.begin)
        takes.opened(microphone, from: Self.source("anna", 0), now: Self.begin)
        #expect(takes.deadline == nil && takes.settle(now: Self.settled).isEmpty)
        let word = Self.begin.advanced(by: .seconds(60))
        takes.forwarded(microphone.id, true, now: word)
        let effects = takes.settle(now: word.advanced(by: RoomTakes.settling))
        // Without the camera, whose first picture would be waited for.
        #expect(Self.words(effects) == ["begin 1 anna t1"])
        guard case .begin(let take)? = effects.first else { return }
        #expect(take.since == word)
    }

    @Test func aCameraThatIsTurnedOnLaterIsAnotherRecordingAndOneThatIsTurnedOffIsNot() {
        var takes = RoomTakes()
        let (camera, microphone) = (Self.track("t2", of: "anna", .camera, isMuted: true), Self.track("t1", of: "anna", .microphone))
        takes.opened(camera, from: Self.source("anna", 1), now: Self.begin)
        takes.opened(microphone, from: Self.source("anna", 0), now: Self.begin)
        #expect(Self.words(takes.settle(now: Self.settled)) == ["begin 1 anna t1"])
        var now = Self.settled.advanced(by: .seconds(9))
        takes.forwarded(camera.id, true, now: now)
        now = now.advanced(by: RoomTakes.settling)
        #expect(Self.words(takes.settle(now: now)) == ["stop 1", "begin 2 anna t1+t2"])
        for (track, isForwarded) in [(camera.id, false), (microphone.id, false), (microphone.id, true), (camera.id, true)] {
            takes.forwarded(track, isForwarded, now: now)
        }
        #expect(takes.deadline == nil)
        // What is left of it is muted: nothing is recorded until that is not.
        takes.forwarded(microphone.id, false, now: now)
        #expect(takes.dropped(camera.id, now: now).isEmpty)
        now = now.advanced(by: RoomTakes.settling)
        #expect(Self.words(takes.settle(now: now)) == ["stop 2"])
        takes.forwarded(microphone.id, true, now: now)
        #expect(Self.words(takes.settle(now: now.advanced(by: RoomTakes.settling))) == ["begin 3 anna t1"])
    }

    @Test func whatIsMutedAgainBeforeItSettledIsNotRecorded() {
        var takes = RoomTakes()
        let camera = Self.track("t1", of: "anna", .camera)
        takes.opened(camera, from: Self.source("anna", 1), now: Self.begin)
        takes.forwarded(camera.id, false, now: Self.begin)
        takes.forwarded(RoomTrackID("t9"), true, now: Self.begin)
        #expect(takes.settle(now: Self.settled).isEmpty && takes.stop().isEmpty)
    }

    @Test func aCamerasOwnStreamIsRecordedAsItIs() {
        var takes = RoomTakes()
        let gate = Self.track("t1", of: "seat", .camera, isMuted: true)
        var source = Self.source("gate", 1)
        source.isOfRoom = false
        takes.opened(gate, from: source, now: Self.begin)
        takes.forwarded(gate.id, false, now: Self.begin)
        #expect(Self.words(takes.settle(now: Self.settled)) == ["begin 1 seat t1"])
        takes.forwarded(gate.id, true, now: Self.settled)
        #expect(takes.deadline == nil)
    }

    @Test func theEndStopsAllAndNothingBeginsBehindIt() {
        var takes = RoomTakes()
        takes.opened(Self.track("t1", of: "anna", .camera), from: Self.source("anna", 1), now: Self.begin)
        takes.opened(Self.track("t2", of: "ben", .camera), from: Self.source("ben", 1), now: Self.begin)
        _ = takes.settle(now: Self.settled)
        takes.opened(Self.track("t3", of: "cara", .camera), from: Self.source("cara", 1), now: Self.settled)
        #expect(Self.words(takes.stop()) == ["stop 1", "stop 2"])
        takes.opened(Self.track("t4", of: "dan", .camera), from: Self.source("dan", 1), now: Self.settled)
        #expect(takes.deadline == nil && takes.settle(now: Self.settled.advanced(by: .seconds(9))).isEmpty)
    }
}
