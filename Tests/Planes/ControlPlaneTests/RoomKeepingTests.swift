import Bridge
import BridgeModel
import BridgeTesting
import Foundation
import Playback
import StoragePlane
import Testing

@testable import ControlPlane

/// What recordings of rooms leave behind, with a database and a folder of files, and no time.
@Suite struct RoomKeepingTests {
    private let bench = RecordingBench()
    private let folder = TestFolder()
    private let data: String
    private let ledger: SQLiteLedger
    private let bells = FakeDeletions()
    private static let ages = RetentionRule(age: .seconds(3600))

    init() throws {
        data = folder.path
        for name in ["rooms", "spool"] {
            try FileManager.default.createDirectory(atPath: "\(data)/\(name)", withIntermediateDirectories: true)
        }
        ledger = SQLiteLedger(try StorageDatabase(dataFolder: data), logger: Sample.logger)
    }

    /// A bridge that starts.
    private func start(_ rule: RetentionRule = ages) async throws -> RoomRecorder {
        let recorder = RoomRecorder(
            RoomRecordingServices(
                bench.services, recordings: bench.director, ledger: ledger, clips: NoClips(),
                keeping: (RetentionSettings(rule: rule, interval: .seconds(60)), bells), folder: "\(data)/rooms", spool: "\(data)/spool"),
            pictures: NoPictures())
        try await recorder.recover()
        return recorder
    }

    private func write(_ name: String, _ text: String = "bytes") throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(data)/\(name)"))
    }

    /// All that is there of rooms.
    private var names: Set<String> {
        let found = ["rooms", "spool"].flatMap { (try? FileManager.default.contentsOfDirectory(atPath: "\(data)/\($0)")) ?? [] }
        return Set(found)
    }

    /// A journal with a recording, a board on its pictures and a picture, as a bridge writes it; `isOver`: its last line is there.
    private func journal(_ id: String, recording: String? = nil, isOver: Bool = true) throws {
        let at = bench.clock.wall.iso8601
        var lines = [
            #"{"entry":"begun","id":"\#(id)","room":"yard","account":"acme","mode":"tracks","participant":null,"at":"\#(at)"}"#
        ]
        if let recording {
            lines.append(
                #"{"entry":"recording","id":"\#(recording)","stream":"room-\#(id)-1","tracks":["t1"],"shared":false,"participant":"anna","at":"\#(at)"}"#
            )
            lines.append(#"{"entry":"board","board":{"id":"b-\#(id)","track":"t1"},"at":"\#(at)"}"#)
        }
        lines.append(#"{"entry":"snapshot","id":"p-\#(id)","track":"t1","participant":"anna","at":"\#(at)","width":2,"height":2}"#)
        if isOver { lines.append(#"{"entry":"ended","cause":"stopped","at":"\#(at)"}"#) }
        try write("rooms/\(id).journal", lines.joined(separator: "\n") + "\n")
        try write("rooms/p-\(id).jpg")
    }

    private func recording(_ id: String, _ state: RecordingState = .ready, to destination: Destination = .keep) async throws {
        let row = RecordingRow(
            id: RecordingID(id), context: Sample.context("s-\(id)"), state: state, container: .webm, file: "\(id).webm",
            destination: destination, webhookURL: nil, startedAt: bench.clock.wall)
        let segment = SegmentRow(
            recording: row.id, number: 1, stream: row.context.stream, container: .webm, file: row.file,
            state: state == .delivered ? .delivered : .ready)
        try await ledger.commit([.recording(row), .segment(segment)])
    }

    private func isReady(_ id: String) async -> Bool {
        await eventually { (try? await ledger.roomRecording(RoomRecordingID(id)))?.isReady == true }
    }

    // MARK: - From start to start

    @Test func whatAnOlderBridgeLeftIsIndexedAndWhatItLeftOpenIsCompleted() async throws {
        try journal("old", recording: "r1")
        try write("rooms/old.room.json")
        try journal("open", recording: "r2", isOver: false)
        for name in ["r1", "r2"] { try await recording(name) }
        try write("rooms/p-nobodys.jpg")
        let recorder = try await start()
        #expect(await isReady("open"))
        let row = try #require(try await ledger.roomRecording(RoomRecordingID("old")))
        #expect(row.isReady && row.parts.map(\.isDrawnOn) == [true] && row.pictures == ["p-old"] && row.room == RoomID("yard"))
        #expect(!names.contains("p-nobodys.jpg") && names.isSuperset(of: ["p-old.jpg", "p-open.jpg", "open.room.json"]))
        let manifest = try #require(try await recorder.manifest(of: RoomRecordingID("open")))
        #expect(manifest["cause"] == "bridge_restarted" && manifest["manifest_key"] == .null)
        #expect(try await recorder.boards(of: StreamID("room-old-1")).map { $0["id"]?.string } == ["b-old"])
        #expect(try await recorder.boards(of: StreamID("room-nobodys-1")).isEmpty)
        // Whose journal is gone is gone.
        try FileManager.default.removeItem(atPath: "\(data)/rooms/old.journal")
        _ = try await start()
        #expect(try await ledger.roomRecordingIDs().keys.map(\.rawValue) == ["open"])
    }

    @Test func manifestAndPicturesGoBesideTheRecordingsFiles() async throws {
        try journal("a", recording: "r1", isOver: false)
        try await recording("r1", .delivered, to: .folder(path: "/films"))
        let recorder = try await start()
        #expect(await isReady("a"))
        let names: Set = ["r1.room.json", "r1.room-p-a.jpg"]
        #expect(names.isSubset(of: self.names))
        let uploads = try await ledger.sidecarUploads(of: RecordingID("r1"))
        #expect(Set(uploads.compactMap { if case .upload(_, let file, _) = $0.work { file } else { nil } }) == names)
        let manifest = try #require(try await recorder.manifest(of: RoomRecordingID("a")))
        #expect(manifest["manifest_key"] == "r1.room.json")
        guard case .array(let pictures)? = manifest["snapshots"] else {
            Issue.record("no pictures")
            return
        }
        #expect(pictures.map { $0["key"]?.string } == ["r1.room-p-a.jpg"])
        let written = try Data(contentsOf: URL(fileURLWithPath: "\(data)/spool/r1.room.json"))
        #expect(try JSONValue.read(Array(written))["snapshots"] == manifest["snapshots"])
        #expect(try await ledger.events(after: 0, limit: 9, session: nil).events.map(\.kind.rawValue) == ["room_recording.ready"])
    }

    // MARK: - What goes

    @Test func aRoomGoesWithItsRecordingAndLeavesNothing() async throws {
        try journal("a", recording: "r1", isOver: false)
        try journal("b", isOver: false)
        try await recording("r1")
        let recorder = try await start()
        for id in ["a", "b"] { #expect(await isReady(id)) }
        await recorder.sweep()
        #expect(try await ledger.roomRecordingIDs().count == 2)
        try await ledger.settle(RecordingID("r1")) { row, segments in
            let order = DeletionOrder(by: .commandLine, cause: "ordered", includesDestination: false)
            return (try? row.removal(order, segments, at: row.startedAt).get()) ?? []
        }
        await recorder.sweep()
        #expect(names == ["b.journal", "b.room.json", "p-b.jpg"])
        bench.clock.advance(by: .seconds(3601))
        await recorder.sweep()
        #expect(names.isEmpty, "an hour is what the rule says")
        let lines = try await ledger.audit(after: 0, limit: 9, recording: RecordingID("a")).map(\.draft.action)
        #expect(lines == [.delete, .deleted])
    }

    /// Wherever a bridge was killed while it removed a room's files, the next one removes the rest.
    @Test(arguments: 0...4) func aRemovalThatBrokeOffIsGoneOnWith(steps: Int) async throws {
        try journal("a", recording: "r1", isOver: false)
        try await recording("r1", .delivered, to: .folder(path: "/films"))
        _ = try await start()
        #expect(await isReady("a"))
        var row = try #require(try await ledger.roomRecording(RoomRecordingID("a")))
        row.removal = DeletionOrder(by: .commandLine, cause: "ordered", includesDestination: false)
        try await ledger.commit([.roomRecording(row)])
        let order = ["rooms/p-a.jpg", "rooms/a.room.json", "spool/r1.room-p-a.jpg", "rooms/a.journal"]
        for name in order.prefix(steps) { try FileManager.default.removeItem(atPath: "\(data)/\(name)") }
        let next = try await start()
        await next.sweep()
        #expect(names.filter { $0.hasPrefix("a.") || $0.hasPrefix("p-a") }.isEmpty)
        #expect(try await ledger.roomRecording(row.id) == nil)
    }

    @Test func oneIsRemovedByOrderWithItsRecordings() async throws {
        try journal("a", recording: "r1", isOver: false)
        try await recording("r1", .recording)
        let recorder = try await start()
        let id = RoomRecordingID("a")
        let order = DeletionOrder(by: .commandLine, cause: "ordered", includesDestination: false)
        await #expect(throws: BridgeError.self) { try await recorder.remove(RoomRecordingID("b"), order) }
        #expect(await refusal(recorder, id, order) == .recordingInUse, "its files are not complete")
        try await recording("r1")
        #expect(await bench.clock.pass { await !recorder.isUnderWay(id) })
        let hold = RecordingHold(reason: "case 7", by: .commandLine, placedAt: bench.clock.wall)
        try await ledger.commit([.hold(RecordingID("r1"), hold)])
        #expect(await refusal(recorder, id, order) == .recordingHeld)
        #expect(names.contains("a.journal") && bells.count == 0)
        try await ledger.commit([.hold(RecordingID("r1"), nil)])
        #expect(await refusal(recorder, id, order) == nil)
        #expect(names.isEmpty && bells.count == 1)
        #expect(try await ledger.recording(RecordingID("r1"))?.deletion?.step == .files, "the deletion service takes its files")
        #expect(await refusal(recorder, id, order) == .notFound)
    }

    private func refusal(_ recorder: RoomRecorder, _ id: RoomRecordingID, _ order: DeletionOrder) async -> BridgeError.Code? {
        do throws(BridgeError) {
            try await recorder.remove(id, order)
            return nil
        } catch {
            return error.code
        }
    }
}
