import Bridge
import BridgeModel
import Testing

/// A recording that cannot begin.
@Suite struct RoomRecordTests {
    private static let failure = RoomError(.recordingUnavailable, "the disk is full")

    private static func order(_ id: String) -> RoomCommand { .record(RoomRecordingOrder(id: RoomRecordingID(id))) }

    @Test func everybodyHearsThatItIsOverAndItsStarterWhy() throws {
        var stage = RoomStage()
        stage.enter("host", .host)
        stage.enter("viewer", .viewer)
        stage.command(Self.order("a"), by: "host")
        let begun = try #require(stage.machine.recording)
        stage.forget()
        stage.give(.recordingFailed(begun.id, Self.failure))
        #expect(stage.machine.recording == nil)
        #expect(stage.effects.contains(.event(.recordingEnded(begun, .failed))) && stage.effects.contains(.endRecording(begun.id)))
        let (host, viewer) = (try #require(stage.sockets["host"]), try #require(stage.sockets["viewer"]))
        #expect(stage.told == [host: [.recording(nil), .refused(Self.failure)], viewer: [.recording(nil)]])
        // One that was given up meanwhile is nobody's.
        stage.command(Self.order("b"), by: "host")
        stage.forget()
        stage.give(.recordingFailed(begun.id, Self.failure))
        #expect(stage.effects.isEmpty && stage.machine.recording?.id == RoomRecordingID("b"))
    }
}
