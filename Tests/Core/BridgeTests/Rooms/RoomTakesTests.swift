import Bridge
import BridgeModel
import Testing

@Suite struct RoomTakesTests {
    private static let begin = MonotonicTime(nanoseconds: 1_000_000_000)
    private static let settled = begin.advanced(by: RoomTakes.settling)

    private static func track(_ id: String, of owner: String, _ kind: RoomTrackKind) -> RoomTrack {
        RoomTrack(id: RoomTrackID(id), owner: ParticipantID(owner), kind: kind, mid: "0")
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
