import Bridge
import BridgeModel
import Foundation
import LinuxIO
import Logging
import Synchronization
import Testing

@testable import RecordingPlane

/// Rows in memory.
final class MemoryLedger: Ledger, SegmentLedger, SidecarLedger {
    private let rows: Mutex<[RecordingID: RecordingRow]>
    private let all: Mutex<[SegmentRow]>

    init(_ rows: [RecordingRow], _ segments: [SegmentRow]) {
        self.rows = Mutex(Dictionary(rows.map { ($0.id, $0) }, uniquingKeysWith: { $1 }))
        all = Mutex(segments)
    }

    func commit(_ changes: [LedgerChange]) async throws(BridgeError) {
        for case .segment(let row) in changes {
            all.withLock { rows in
                rows.removeAll { ($0.recording, $0.number) == (row.recording, row.number) }
                rows.append(row)
            }
        }
    }
    func segments(of recording: RecordingID) async throws(BridgeError) -> [SegmentRow] {
        all.withLock { $0.filter { $0.recording == recording }.sorted { $0.number < $1.number } }
    }
    func segments(of stream: StreamID, from: WallTime, to: WallTime, limit: Int) async throws(BridgeError) -> [SegmentRow] { [] }
    func segments(in states: Set<SegmentState>, limit: Int) async throws(BridgeError) -> [SegmentRow] {
        all.withLock { $0.filter { states.contains($0.state) } }
    }
    func settle(
        _ recording: RecordingID, _ decide: @escaping @Sendable (RecordingRow, [SegmentRow]) -> [LedgerChange]
    ) async throws(BridgeError) -> [LedgerChange] {
        guard let row = try await self.recording(recording) else { return [] }
        let changes = decide(row, try await segments(of: recording))
        try await commit(changes)
        audited.withLock { $0 += changes.compactMap { if case .audit(let draft) = $0 { draft } else { nil } } }
        return changes
    }
    let audited = Mutex<[AuditDraft]>([])
    let outbox = Mutex<[DeliveryRow]>([])
    func sidecarUploads(of recording: RecordingID) async throws(BridgeError) -> [DeliveryRow] { outbox.withLock { $0 } }
    func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow? { rows.withLock { $0[id] } }
    func recordings(in states: Set<RecordingState>) async throws(BridgeError) -> [RecordingRow] {
        rows.withLock { $0.values.filter { states.contains($0.state) }.sorted { $0.startedAt < $1.startedAt } }
    }
    func recentRecordings(limit: Int, after: RecordingID?) async throws(BridgeError) -> [RecordingRow] { [] }
    func session(_ id: SessionID) async throws(BridgeError) -> SessionRow? { nil }
    func sessions(in states: Set<SessionRow.State>) async throws(BridgeError) -> [SessionRow] { [] }
    func nextDeliveryDue() async throws(BridgeError) -> WallTime? { nil }
}

private let day: Duration = .seconds(86_400)

func row(_ id: String, _ state: RecordingState, _ container: Container = .webm, stoppedAt: WallTime? = nil) -> RecordingRow {
    let context = SessionContext(
        session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID("c"), direction: .publish)
    var row = RecordingRow(
        id: RecordingID(id), context: context, state: state, container: container, file: "\(id).\(container.fileExtension)",
        destination: .keep, webhookURL: nil, startedAt: WallTime(milliseconds: 1000))
    row.stoppedAt = stoppedAt
    return row
}

func segment(
    _ recording: String, _ state: SegmentState = .closing, number: Int = 1, container: Container = .webm
) -> SegmentRow {
    let id = RecordingID(recording)
    let file = SegmentRow.fileName(of: id, number: number, container: container)
    return SegmentRow(recording: id, number: number, stream: StreamID("c"), container: container, file: file, state: state)
}

private let first = PartName(segment: 1, number: 1)

/// A player that gives up what it has open.
private struct Player: SpoolReaders {
    let file: String
    func letGo() async { try? FileManager.default.removeItem(atPath: file) }
}

/// A spool in a folder of its own that goes with the test.
final class Spool {
    let folder: String
    let spool: RecordingSpool
    let ledger: MemoryLedger

    init(_ rows: [RecordingRow] = [], segments: [SegmentRow] = [], limits: RecordingSpool.Limits = .init(reserve: 0)) async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("viaduct-spool-\(UUID().uuidString)").path
        ledger = MemoryLedger(rows, segments)
        spool = RecordingSpool(
            folder: folder, limits: limits, retention: .init(delivered: day, failed: day * 14), ledger: ledger,
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
        let files = try await Spool(limits: .init(reserve: .max))
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
        try files.write("r/part-1-1.webm", "12345")
        #expect(try await files.spool.promote(.part(1), of: segment("r")) == 5)
        #expect(files.has("r.webm") && !files.has("r"))
        // A bridge that died before its commit does it again.
        #expect(try await files.spool.promote(.part(1), of: segment("r")) == 5)
    }

    @Test func aSegmentLeavesTheOthersPartsAlone() async throws {
        let files = try await Spool()
        for name in ["part-2-2.webm", "part-2-3.webm", "joined-2.webm", "part-3-4.webm"] { try files.write("r/\(name)") }
        #expect(try await files.spool.promote(.joined, of: segment("r", number: 2)) == 5)
        #expect(files.has("r-2.webm") && files.has("r/part-3-4.webm") && !files.has("r/part-2-2.webm") && !files.has("r/part-2-3.webm"))
    }

    @Test func theJoinedFileBecomesTheFile() async throws {
        let files = try await Spool()
        #expect(files.spool.partPath(first, row: row("r", .closing, .mp4)) == "\(files.folder)/r/part-1-1.mkv")
        let mp4 = segment("r", container: .mp4)
        let plan = try #require(files.spool.finishPlan([first, PartName(segment: 1, number: 2)], of: mp4))
        #expect(plan.source.hasSuffix("r/part-1-1.mkv") && plan.continuations.map { $0.hasSuffix("r/part-1-2.mkv") } == [true])
        try files.write("r/part-1-1.mkv")
        try files.write("r/joined-1.mp4", "1234567")
        #expect(plan.destination == "\(files.folder)/r/joined-1.mp4")
        #expect(try await files.spool.promote(.joined, of: mp4) == 7)
        #expect(files.has("r.mp4") && !files.has("r"))
    }

    @Test func aMissingFileIsAnError() async throws {
        let files = try await Spool()
        await #expect(throws: BridgeError.self) { try await files.spool.promote(.joined, of: segment("r")) }
    }

    @Test func afterARestartPartsAndFilesAreFoundAgain() async throws {
        let rows = [row("a", .recording), row("b", .closing), row("c", .armed), row("d", .uploading), row("e", .uploading)]
        let segments = [
            segment("a", .uploading), segment("a", .recording, number: 2), segment("b"), segment("d", .uploading), segment("e", .uploading),
            segment("f", .ready), segment("g", .ready),
        ]
        let files = try await Spool(rows + [row("f", .ready), row("g", .ready)], segments: segments)
        for name in [
            "part-2-2.webm", "part-2-10.webm", "part-3.webm", "joined-2.webm.partial", "part-x.webm", "part-.webm", "part-0-1.webm",
        ] {
            try files.write("a/\(name)")
        }
        try files.write("a/part-2-4.webm", "")
        for name in ["a-2.webm", "a-2.poster.jpg", "c.sprite-1.jpg", "b.webm", "d.webm", "f.webm", "stranger.webm", "unknown/part-1.mkv"] {
            try files.write(name)
        }
        let findings = try await files.spool.reconcile(patience: .zero)

        let found = Dictionary(findings.unfinished.map { ($0.row.id.rawValue, $0.remains) }, uniquingKeysWith: { $1 })
        #expect(found.keys.sorted() == ["a", "b", "c"])
        #expect(found["a"]?.parts.map { $0.fileName(.webm) } == ["part-1-3.webm", "part-2-2.webm", "part-2-10.webm"])
        #expect(found["a"]?.files == [2: 5] && found["a"]?.lastWrittenAt != nil && found["a"]?.segments.count == 2)
        #expect(found["b"]?.parts == [] && found["b"]?.files == [1: 5])
        #expect(found["c"]?.parts == [] && found["c"]?.files == [:])
        #expect(
            findings.withoutFile.map(\.recording.rawValue).sorted() == ["e", "g"],
            "what is missing of an unfinished recording may still come")
        #expect(findings.orphans == ["stranger.webm", "unknown"])
        #expect(files.has("orphans/stranger.webm") && files.has("orphans/unknown/part-1.mkv") && files.has("f.webm"))
        #expect(try await files.ledger.segments(of: RecordingID("g")).map(\.state) == [.removed])
        #expect(try await files.ledger.segments(of: RecordingID("e")).map(\.state) == [.uploading], "its upload fails by itself")
    }

    @Test func aRecorderThatStillWritesIsWaitedFor() async throws {
        let files = try await Spool([row("a", .recording)])
        try await files.spool.open(RecordingID("a"))
        let path = "\(files.folder)/a/part-1-1.webm"
        let box = Mutex<LockedFile?>(try LockedFile(creating: path))
        #expect(try ReadableFile(path: path).isBeingWritten)
        async let findings = files.spool.reconcile(patience: .seconds(20))
        try await Task.sleep(for: .milliseconds(250))
        try box.withLock { file in
            try file?.write([1, 2, 3], at: 0)
            file = nil
        }
        #expect(try await findings.unfinished.first?.remains.parts == [first])
        #expect(try !ReadableFile(path: path).isBeingWritten)
    }

    @Test(
        arguments: [
            (SegmentState.delivered, 23, nil, true), (.delivered, 25, nil, false), (.failed, 25, nil, true),
            (.failed, 14 * 24 + 1, nil, false),
            (.ready, 10_000, nil, true), (.uploading, 10_000, nil, true), (.recording, 10_000, nil, true),
            (.delivered, 0, .delete, false), (.delivered, 10_000, .always, true), (.delivered, 1, .time(.seconds(7200)), true),
            (.delivered, 3, .time(.seconds(7200)), false), (.failed, 1, .delete, true),
        ] as [(SegmentState, Int64, KeepLocal?, Bool)])
    func filesStayAsLongAsConfigured(state: SegmentState, hours: Int64, rule: KeepLocal?, stays: Bool) async throws {
        let stopped = WallTime(milliseconds: 1_709_283_600_000)
        var recording = row("r", .delivered, stoppedAt: stopped)
        recording.keepLocal = rule
        let files = try await Spool([recording], segments: [segment("r", state)])
        try files.write("r.webm")
        try files.write("r.webm.json")
        for name in ["r.poster.jpg", "r.sprite-1.jpg", "r.thumbnails.vtt", "r-2.poster.jpg"] { try files.write(name) }
        try files.write("orphans/x.webm")
        let removed = try await files.spool.removeExpired(now: stopped.advanced(by: .seconds(hours * 3600)))
        #expect(files.has("r.webm") == stays && removed == (stays ? [] : ["r.webm"]))
        #expect(files.has("r.webm.json") == stays, "the manifest goes with its file")
        for name in ["r.poster.jpg", "r.sprite-1.jpg", "r.thumbnails.vtt"] {
            #expect(files.has(name) == stays, "thumbnails go with their file")
        }
        #expect(files.has("r-2.poster.jpg"), "another segment's stay")
        #expect(try await files.ledger.segments(of: RecordingID("r")).map(\.state) == [stays ? state : .removed])
        #expect(files.has("orphans/x.webm"))
    }

    @Test func deliveredFilesMakeRoomOldestFirst() async throws {
        var kept = row("k", .delivered)
        kept.keepLocal = .always
        let segments = [segment("k", .delivered), segment("a", .delivered), segment("b", .delivered), segment("c", .ready)]
        let files = try await Spool(
            [kept, row("a", .delivered), row("b", .delivered), row("c", .ready)], segments: segments, limits: .init(reserve: 0, quota: 20))
        for name in ["k", "a", "b", "c"] { try files.write("\(name).webm", "12345") }
        #expect(await !files.spool.hasSpace())
        #expect(await files.spool.makeRoom())
        #expect(files.has("k.webm") && !files.has("a.webm") && files.has("b.webm") && files.has("c.webm"), "no more than is needed")
        #expect(try await files.ledger.segments(of: RecordingID("a")).map(\.state) == [.removed])
        try files.write("d.webm", "12345678")
        try await files.spool.open(RecordingID("new"))
        #expect(!files.has("b.webm"), "a new recording makes room for itself")
        try files.write("e.webm", "1234567890")
        await #expect(throws: BridgeError.self) { try await files.spool.open(RecordingID("another")) }
        #expect(files.has("c.webm") && files.has("k.webm"), "what is not delivered stays, and what is kept always")
    }

    @Test func theSpaceOfWhatPlayersHaveOpenIsHadBackBeforeMoreIsRemoved() async throws {
        let files = try await Spool(
            [row("a", .delivered), row("b", .delivered)], segments: [segment("a", .delivered), segment("b", .delivered)],
            limits: .init(reserve: 0, quota: 12))
        for name in ["a", "b"] { try files.write("\(name).webm", "12345") }
        // What has a removed file open takes space.
        try files.write("open", "12345")
        files.spool.attach(Player(file: "\(files.folder)/open"))
        #expect(await files.spool.makeRoom())
        #expect(!files.has("a.webm") && !files.has("open") && files.has("b.webm"))
    }

    @Test func aHeldFileNeitherMakesRoomNorExpires() async throws {
        var held = row("h", .delivered, stoppedAt: WallTime(milliseconds: 0))
        held.hold = RecordingHold(reason: "case 7", by: .commandLine, placedAt: WallTime(milliseconds: 0))
        let files = try await Spool(
            [held, row("a", .delivered)], segments: [segment("h", .delivered), segment("a", .delivered)],
            limits: .init(reserve: 0, quota: 6))
        for name in ["h", "a"] { try files.write("\(name).webm", "12345") }
        #expect(await files.spool.makeRoom())
        #expect(files.has("h.webm") && !files.has("a.webm"))
        let audited = files.ledger.audited.withLock { $0 }
        #expect(audited.map(\.actor) == [.quota] && audited.map(\.recording.rawValue) == ["a"] && audited.first?.detail == "a.webm")
        #expect(try await files.spool.removeExpired(now: WallTime(milliseconds: 1_709_283_600_000)) == [])
        #expect(files.has("h.webm"))
    }

    @Test func aRemovalThatWasDecidedIsFinishedAtTheStart() async throws {
        let files = try await Spool([row("r", .delivered)], segments: [segment("r", .removed), segment("r", .delivered, number: 2)])
        for name in ["r.webm", "r.webm.json", "r-2.webm"] { try files.write(name) }
        _ = try await files.spool.reconcile(patience: .zero)
        #expect(!files.has("r.webm") && !files.has("r.webm.json") && files.has("r-2.webm"))
    }

    @Test func allFilesOfARecordingAreErased() async throws {
        let files = try await Spool([row("r", .failed), row("s", .failed)])
        for name in ["r.webm", "r.webm.json", "r-2.webm", "r/part-3-1.webm", "s.webm"] { try files.write(name) }
        let segments = [segment("r", .removed), segment("r", .removed, number: 2), segment("r", .removed, number: 3)]
        for _ in 1...2 { try await files.spool.erase(RecordingID("r"), segments) }
        #expect(!files.has("r.webm") && !files.has("r.webm.json") && !files.has("r-2.webm") && !files.has("r") && files.has("s.webm"))
    }

    @Test func aCompleteFileIsDescribed() async throws {
        for writesManifests in [false, true] {
            let files = try await Spool(limits: .init(reserve: 0, writesManifests: writesManifests))
            try files.write("r.webm", "12345")
            let hash = try await files.spool.describe(segment("r", .ready), of: row("r", .ready))
            #expect(hash == "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5")
            #expect(files.has("r.webm.json") == writesManifests)
            await #expect(throws: BridgeError.self) { _ = try await files.spool.describe(segment("gone", .ready), of: row("gone", .ready)) }
        }
    }
}
