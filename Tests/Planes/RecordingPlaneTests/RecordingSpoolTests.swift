import Bridge
import BridgeModel
import Foundation
import LinuxIO
import Logging
import Synchronization
import Testing

@testable import RecordingPlane

/// Rows in memory.
private final class MemoryLedger: Ledger {
    private let rows: Mutex<[RecordingID: RecordingRow]>

    init(_ rows: [RecordingRow]) { self.rows = Mutex(Dictionary(rows.map { ($0.id, $0) }, uniquingKeysWith: { $1 })) }

    func commit(_ changes: [LedgerChange]) async throws(BridgeError) {}
    func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow? { rows.withLock { $0[id] } }
    func recordings(in states: Set<RecordingState>) async throws(BridgeError) -> [RecordingRow] {
        rows.withLock { $0.values.filter { states.contains($0.state) }.sorted { $0.startedAt < $1.startedAt } }
    }
    func recentRecordings(limit: Int, after: RecordingID?) async throws(BridgeError) -> [RecordingRow] { [] }
    func session(_ id: SessionID) async throws(BridgeError) -> SessionRow? { nil }
    func sessions(in states: Set<SessionRow.State>) async throws(BridgeError) -> [SessionRow] { [] }
    func dueDeliveries(at now: WallTime, limit: Int, excluding: Set<DeliveryID>) async throws(BridgeError) -> [DeliveryRow] { [] }
    func nextDeliveryDue() async throws(BridgeError) -> WallTime? { nil }
}

private let day: Duration = .seconds(86_400)

private func row(_ id: String, _ state: RecordingState, _ container: Container = .webm, stoppedAt: WallTime? = nil) -> RecordingRow {
    let context = SessionContext(
        session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID("c"), direction: .publish)
    var row = RecordingRow(
        id: RecordingID(id), context: context, state: state, container: container, file: "\(id).\(container.fileExtension)",
        destination: .keep, webhookURL: nil, startedAt: WallTime(milliseconds: 1000))
    row.stoppedAt = stoppedAt
    return row
}

/// A spool in a folder of its own that goes with the test.
private final class Spool {
    let folder: String
    let spool: RecordingSpool

    init(_ rows: [RecordingRow] = [], reserve: Int64 = 0) async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("viaduct-spool-\(UUID().uuidString)").path
        spool = RecordingSpool(
            folder: folder, reserve: reserve, retention: .init(delivered: day, failed: day * 14), ledger: MemoryLedger(rows),
            logger: Logger(label: "test"))
        try await spool.prepare()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func write(_ name: String, _ text: String = "media") throws {
        let path = "\(folder)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(name)") }
}

@Suite struct RecordingSpoolTests {
    @Test func foldersAreForTheirOwnerOnly() async throws {
        let files = try await Spool()
        try await files.spool.open(RecordingID("r"))
        for name in ["", "/r", "/orphans"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: files.folder + name)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
        }
    }

    @Test func aDiskAtItsReserveRefusesNewRecordings() async throws {
        let files = try await Spool(reserve: .max)
        await #expect(throws: BridgeError.self) { try await files.spool.open(RecordingID("r")) }
        #expect(!files.has("r"))
    }

    @Test func aSpoolThatIsNoFolderHasNoSpace() async throws {
        let files = try await Spool()
        #expect(await files.spool.hasSpace())
        try FileManager.default.removeItem(atPath: files.folder)
        #expect(await !files.spool.hasSpace())
        try Data().write(to: URL(fileURLWithPath: files.folder))
        #expect(await !files.spool.hasSpace())
    }

    @Test func theOnlyPartBecomesTheFile() async throws {
        let files = try await Spool()
        try files.write("r/part-1.webm", "12345")
        #expect(try await files.spool.promote(.part(1), row: row("r", .finalizing)) == 5)
        #expect(files.has("r.webm") && !files.has("r"))
        // A bridge that died before its commit does it again.
        #expect(try await files.spool.promote(.part(1), row: row("r", .finalizing)) == 5)
    }

    @Test func theJoinedFileBecomesTheFile() async throws {
        let files = try await Spool()
        let mp4 = row("r", .finalizing, .mp4)
        #expect(files.spool.partPath(1, row: mp4) == "\(files.folder)/r/part-1.mkv")
        let plan = try #require(files.spool.finishPlan([1, 2], row: mp4))
        #expect(plan.source.hasSuffix("r/part-1.mkv") && plan.continuations.map { $0.hasSuffix("r/part-2.mkv") } == [true])
        try files.write("r/part-1.mkv")
        try files.write("r/joined.mp4", "1234567")
        #expect(plan.destination == "\(files.folder)/r/joined.mp4")
        #expect(try await files.spool.promote(.joined, row: mp4) == 7)
        #expect(files.has("r.mp4") && !files.has("r"))
    }

    @Test func aMissingFileIsAnError() async throws {
        let files = try await Spool()
        await #expect(throws: BridgeError.self) { try await files.spool.promote(.joined, row: row("r", .finalizing)) }
    }

    @Test func afterARestartPartsAndFilesAreFoundAgain() async throws {
        let rows = [row("a", .recording), row("b", .finalizing), row("c", .armed), row("d", .uploading), row("e", .uploading)]
        let files = try await Spool(rows + [row("f", .stored)])
        for name in ["a/part-1.webm", "a/part-10.webm", "a/part-2.webm", "a/joined.webm.partial", "a/part-x.webm", "a/part-.webm"] {
            try files.write(name)
        }
        try files.write("a/part-3.webm", "")
        for name in ["b.webm", "d.webm", "f.webm", "stranger.webm", "unknown/part-1.mkv"] { try files.write(name) }
        let findings = try await files.spool.reconcile(patience: .zero)

        let found = Dictionary(findings.unfinished.map { ($0.row.id.rawValue, $0.remains) }, uniquingKeysWith: { $1 })
        #expect(found.keys.sorted() == ["a", "b", "c"])
        #expect(found["a"]?.parts == [1, 2, 10] && found["a"]?.finalBytes == nil && found["a"]?.lastWrittenAt != nil)
        #expect(found["b"]?.parts == [] && found["b"]?.finalBytes == 5)
        #expect(found["c"]?.parts == [])
        #expect(findings.withoutFile.map(\.id.rawValue) == ["e"])
        #expect(findings.orphans == ["stranger.webm", "unknown"])
        #expect(files.has("orphans/stranger.webm") && files.has("orphans/unknown/part-1.mkv") && files.has("f.webm"))
    }

    @Test func aRecorderThatStillWritesIsWaitedFor() async throws {
        let files = try await Spool([row("a", .recording)])
        try await files.spool.open(RecordingID("a"))
        let path = "\(files.folder)/a/part-1.webm"
        let box = Mutex<LockedFile?>(try LockedFile(creating: path))
        #expect(try ReadableFile(path: path).isBeingWritten)
        async let findings = files.spool.reconcile(patience: .seconds(20))
        try await Task.sleep(for: .milliseconds(250))
        try box.withLock { file in
            try file?.write([1, 2, 3], at: 0)
            file = nil
        }
        #expect(try await findings.unfinished.first?.remains.parts == [1])
        #expect(try !ReadableFile(path: path).isBeingWritten)
    }

    @Test(arguments: [
        (RecordingState.uploaded, 23, true), (.uploaded, 25, false), (.uploadFailed, 25, true), (.uploadFailed, 14 * 24 + 1, false),
        (.stored, 10_000, true), (.uploading, 10_000, true), (.recording, 10_000, true),
    ])
    func filesStayAsLongAsConfigured(state: RecordingState, hours: Int64, stays: Bool) async throws {
        let stopped = WallTime(milliseconds: 1_709_283_600_000)
        let files = try await Spool([row("r", state, stoppedAt: stopped)])
        try files.write("r.webm")
        try files.write("orphans/x.webm")
        let removed = try await files.spool.removeExpired(now: stopped.advanced(by: .seconds(hours * 3600)))
        #expect(files.has("r.webm") == stays && removed == (stays ? [] : ["r.webm"]))
        #expect(files.has("orphans/x.webm"))
    }
}
