import Bridge
import BridgeModel
import Foundation
import StoragePlane
import Testing

@testable import DeliveryPlane

/// Copies into folders that begin while the recording runs.
@Suite(.timeLimit(.minutes(1))) struct FolderStreamingTests {
    private static let mebibyte = 1 << 20
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private var out: String { folder.path + "/out" }
    /// Of what is copied.
    private var place: String { out + "/client-0" }

    private func destination() throws -> Destination { .folder(path: out, key: try KeyTemplate(parsing: "{camera}/{id}")) }

    private func sweeper(_ routes: Routes) throws -> UploadSweeper {
        UploadSweeper(ledger: try folder.ledger(), routes: routes.uploads, environment: OutboxEnvironment(logger: .silent))
    }

    private func names() -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).sorted() }

    /// The one temporary file.
    private func temporary() throws -> String {
        let name = try #require(names().first { $0.hasPrefix(".r1.webm.upl_") && $0.hasSuffix(".part") }, "\(names())")
        return "\(place)/\(name)"
    }

    private func content(of path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    /// Lets a file of the spool grow to so many MiB, and returns when nothing is left to do before it goes on.
    private func grow(to sizes: [Int], file: String = "r1.webm", _ routes: Routes) async throws {
        let recording = Rows.recording(destination: try destination())
        for size in sizes {
            let file = GrowingFile(
                path: "\(folder.spool)/\(file)", durableSize: Int64(size * Self.mebibyte), rewritable: 4096, isComplete: false)
            await routes.uploads.streaming.grown(file, name: "r1.webm", of: recording)
        }
        while await routes.uploads.streams.isUnderWay("r1.webm") { try await Task.sleep(for: .milliseconds(5)) }
    }

    private func attempt(_ routes: Routes) async throws -> AttemptOutcome {
        await routes.uploads.attempt(Rows.upload(to: try destination()), of: Rows.recording(destination: try destination()))
    }

    private func overwrite(_ path: String, at offset: Int, with text: String) throws {
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seek(toOffset: UInt64(offset))
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    @Test func aGrowingFileIsThereWhenItEnds() async throws {
        let content = try folder.spoolFile("r1.webm", length: 33 * Self.mebibyte)
        let routes = try routes(folder)
        try await grow(to: [1], routes)
        #expect(names().isEmpty, "nothing is final behind the first part yet")
        try await grow(to: [2, 17, 25, 32, 32], routes)
        let part = try temporary()
        #expect(names().count == 1, "who watches the folder sees no file before it is complete")
        #expect(try self.content(of: part)[Self.mebibyte...] == content[Self.mebibyte..<(32 * Self.mebibyte)])
        #expect(try await attempt(routes) == .stored)
        #expect(names() == ["r1.webm"])
        #expect(try self.content(of: place + "/r1.webm") == content)
        #expect(try await folder.ledger().begunUpload(of: "r1.webm") == nil)
        #expect(try await folder.ledger().leftovers(dueAt: .init(nanoseconds: .max), limit: 9).isEmpty)
    }

    /// What this process copied is not read again, or the end of a long recording would wait for it; after a restart the bytes decide.
    @Test(arguments: [false, true]) func whatAnotherProcessCopiedIsCompared(isRestarted: Bool) async throws {
        let content = try folder.spoolFile("r1.webm", length: 33 * Self.mebibyte)
        let first = try routes(folder)
        try await grow(to: [32], first)
        let (part, place) = (try temporary(), 20 * Self.mebibyte)
        try overwrite(part, at: place, with: "rot")
        #expect(try await attempt(isRestarted ? try routes(folder) : first) == .stored)
        let copy = try self.content(of: self.place + "/r1.webm")
        #expect((copy == content) == isRestarted)
        #expect(copy[..<place] == content[..<place] && copy[(place + 3)...] == content[(place + 3)...])
        #expect(names() == ["r1.webm"])
    }

    /// What is right of a part of the file stays where it is: the file itself is the one that was begun.
    @Test func aRestartGoesOnWithTheTemporaryFile() async throws {
        let content = try folder.spoolFile("r1.webm", length: 33 * Self.mebibyte)
        try await grow(to: [32], try routes(folder))
        let begun = try FileManager.default.attributesOfItem(atPath: temporary())[.systemFileNumber] as? Int
        #expect(try await attempt(routes(folder)) == .stored)
        #expect(try FileManager.default.attributesOfItem(atPath: place + "/r1.webm")[.systemFileNumber] as? Int == begun)
        #expect(try self.content(of: place + "/r1.webm") == content)
    }

    /// The recorder dies, and the finisher makes the file anew: what was copied of the first one has the right sizes, and other bytes.
    @Test(arguments: [33, 17, 5]) func partsOfAnotherFileAreCopiedAgain(mebibytes: Int) async throws {
        let content = try folder.spoolFile("r1.webm", length: mebibytes * Self.mebibyte)
        try Data(repeating: 7, count: 33 * Self.mebibyte).write(to: URL(fileURLWithPath: folder.spool + "/part-1-1.webm"))
        let routes = try routes(folder)
        try await grow(to: [32], file: "part-1-1.webm", routes)
        await routes.uploads.streaming.completed(folder.spool + "/joined-1.webm", name: "r1.webm")
        #expect(try await attempt(routes) == .stored)
        #expect(try self.content(of: place + "/r1.webm") == content)
        #expect(names() == ["r1.webm"])
    }

    /// Somebody tidies the folder while the recording runs, and its parts are gone.
    @Test func aTemporaryFileThatIsLostIsMadeAnew() async throws {
        let content = try folder.spoolFile("r1.webm", length: 33 * Self.mebibyte)
        let routes = try routes(folder)
        try await grow(to: [17], routes)
        try FileManager.default.removeItem(atPath: temporary())
        try await grow(to: [25, 32], routes)
        #expect(try await attempt(routes) == .stored)
        #expect(try self.content(of: place + "/r1.webm") == content)
    }

    /// The folder cannot be written while the recording runs: it is copied when it can.
    @Test func aFolderThatIsAwayGetsTheFileLater() async throws {
        let content = try folder.spoolFile("r1.webm", length: 33 * Self.mebibyte)
        try Data().write(to: URL(fileURLWithPath: out))
        let routes = try routes(folder)
        try await grow(to: [17, 25], routes)
        #expect(try await attempt(routes) == .failed(.folderUnwritable))
        try FileManager.default.removeItem(atPath: out)
        #expect(try await attempt(routes) == .stored)
        #expect(try self.content(of: place + "/r1.webm") == content)
    }

    @Test(arguments: [RecordingState.failed, .delivered])
    func theCopyOfARecordingThatCameToNothingIsRemoved(state: RecordingState) async throws {
        try folder.spoolFile("r1.webm", length: 17 * Self.mebibyte)
        var recording = Rows.recording(state: .recording, destination: try destination())
        let ledger = try folder.ledger()
        try await ledger.commit([.recording(recording)])
        let first = try routes(folder)
        try await grow(to: [17], first)
        try await sweeper(first).sweep(dueAt: .init(nanoseconds: .max))
        #expect(names().count == 1, "a copy was removed while its recording ran")
        recording.state = state
        try await ledger.commit([.recording(recording)])
        try await sweeper(routes(folder)).sweep(dueAt: SystemOutboxClock().now)
        #expect(names().isEmpty)
        #expect(try await ledger.leftovers(dueAt: .init(nanoseconds: .max), limit: 9).isEmpty)
        #expect(try await ledger.begunUpload(of: "r1.webm") == nil)
    }

    /// A server that does not answer holds what is written to it for as long as it likes.
    @Test func aCopyThatHangsHoldsUpTheRemovalOfNoOther() async throws {
        try folder.spoolFile("r1.webm", length: 17 * Self.mebibyte)
        let ledger = try folder.ledger()
        try await ledger.commit([.recording(Rows.recording(state: .failed)), .recording(Rows.recording("r0", state: .failed))])
        let origin = UploadOrigin(recording: RecordingID("r0"), destination: .folder(path: out), key: "r0.webm")
        try await ledger.begin(BegunUpload(location: "folder \(out)/r0.webm", uploadID: "upl_0"), from: origin, of: "r0.webm")
        let first = try routes(folder)
        try await grow(to: [17], first)
        let gate = Gate()
        let growing = GrowingFile(path: "r0", durableSize: 1, rewritable: 0, isComplete: false)
        await first.uploads.streams.note(growing, name: "r0.webm") {
            Task { [streams = first.uploads.streams] in
                await gate.pass()
                _ = await streams.goesOn("r0.webm")
            }
        }
        try await sweeper(first).sweep(dueAt: .init(nanoseconds: .max))
        #expect(names().isEmpty)
        #expect(try await ledger.begunUpload(of: "r0.webm") != nil, "what hangs may still write")
        gate.open()
        try await sweeper(first).sweep(dueAt: .init(nanoseconds: .max))
        #expect(try await ledger.begunUpload(of: "r0.webm") == nil)
    }

    /// The disk of the folder is away when the delivery is given up: the removal is in the ledger, and a later life of the bridge makes it.
    @Test(arguments: [false, true]) func whatAnAbandonedCopyLeftIsRemovedWhenTheFolderIsThere(isAway: Bool) async throws {
        try folder.spoolFile("r1.webm", length: 17 * Self.mebibyte)
        let first = try routes(folder)
        try await grow(to: [17], first)
        let away = folder.path + "/away"
        if isAway { try FileManager.default.moveItem(atPath: out, toPath: away) }
        await first.uploads.abandon(Rows.upload(to: try destination()), of: Rows.recording())
        let ledger = try folder.ledger()
        #expect(try await ledger.begunUpload(of: "r1.webm") == nil)
        #expect(try await ledger.leftovers(dueAt: .init(nanoseconds: .max), limit: 9).count == (isAway ? 1 : 0))
        if isAway {
            try await sweeper(routes(folder)).sweep(dueAt: SystemOutboxClock().now)
            #expect(try await ledger.leftovers(dueAt: .init(nanoseconds: .max), limit: 9).map(\.attempts) == [1])
            try FileManager.default.moveItem(atPath: away, toPath: out)
            try await sweeper(routes(folder)).sweep(dueAt: .init(nanoseconds: .max))
        }
        #expect(names().isEmpty)
        #expect(try await ledger.leftovers(dueAt: .init(nanoseconds: .max), limit: 9).isEmpty)
    }

    @Test func copiesKeepTheRate() async throws {
        try folder.spoolFile("r1.webm", length: 2_000_000)
        var settings = UploadSettings()
        settings.bandwidth = 2_000_000
        let client = try EgressClient(rules: AddressRules(allowPrivate: true), resolver: FixedResolver([:]), connectTimeout: .seconds(5))
        let uploads = UploadRoutes(
            spoolFolder: folder.spool, client: client, ledger: try folder.ledger(), settings: settings, clock: SystemOutboxClock())
        let start = ContinuousClock.now
        for _ in 0..<2 {
            #expect(await uploads.attempt(Rows.upload(to: try destination()), of: Rows.recording()) == .stored)
        }
        #expect(ContinuousClock.now - start > .milliseconds(900))
    }
}
