import Bridge
import BridgeModel
import Synchronization
import Testing

@testable import RecordingPlane

/// What travels with files is made of them, and so is in no hurry to lose them.
@Suite struct SpoolSidecarTests {
    private func sidecar(_ name: String, of recording: String, _ state: DeliveryRow.State) -> DeliveryRow {
        let moment = WallTime(milliseconds: 1_709_283_600_000)
        return DeliveryRow(
            id: DeliveryID("u"), work: .upload(recording: RecordingID(recording), file: name, destination: .folder(path: "/a")),
            account: AccountID("a"), session: SessionID("s"), state: state, dueAt: moment, createdAt: moment)
    }

    @Test(arguments: [(DeliveryRow.State.pending, true), (.delivered, false), (.dead, false)])
    func filesStayWhileWhatTravelsWithThemIsToBeSent(state: DeliveryRow.State, stays: Bool) async throws {
        let stopped = WallTime(milliseconds: 1_709_283_600_000)
        var recording = row("r", .delivered, stoppedAt: stopped)
        (recording.keepLocal, recording.destination, recording.sidecars) = (.delete, .folder(path: "/a"), [.poster])
        let files = try await Spool([recording], segments: [segment("r", .delivered)])
        try files.write("r.webm")
        files.ledger.outbox.withLock { $0 = [sidecar("r.poster.jpg", of: "r", state)] }
        #expect(try await files.spool.removeExpired(now: stopped.advanced(by: .seconds(60))) == (stays ? [] : ["r.webm"]))
        #expect(files.has("r.webm") == stays)
    }

    /// The oldest, and what travels with it is not sent yet: the others go first.
    @Test func filesThatSidecarsAreStillMadeOfMakeRoomLast() async throws {
        var pictured = row("a", .delivered)
        pictured.sidecars = [.poster]
        let files = try await Spool(
            [pictured, row("b", .delivered)],
            segments: [segment("a", .delivered), segment("a", .delivered, number: 2), segment("b", .delivered)],
            limits: .init(reserve: 0, quota: 14))
        files.ledger.outbox.withLock { $0 = [sidecar("a.webm.sidecars", of: "a", .pending)] }
        for name in ["a", "a-2", "b"] { try files.write("\(name).webm", "12345") }
        #expect(await files.spool.makeRoom())
        #expect(files.has("a.webm") && !files.has("a-2.webm") && files.has("b.webm"), "nothing is to be sent of the second segment")
        try files.write("c.webm", "12345")
        #expect(await files.spool.makeRoom())
        #expect(files.has("a.webm") && !files.has("b.webm"))
        try files.write("d.webm", "12345")
        #expect(await files.spool.makeRoom())
        #expect(!files.has("a.webm"), "a new recording is worth more than the pictures of one that is delivered")
    }
}
