import Bridge
import BridgeModel
import Foundation
import Testing

@testable import RecordingPlane

/// What belongs to recordings beside the spool: rooms' files, and parts of cameras' own recordings.
@Suite struct KeptBesideTests {
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("viaduct-beside-\(UUID().uuidString)").path

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
    }

    @Test func itCountsAgainstTheQuota() async throws {
        let folder = try Folder()
        var limits = RecordingSpool.Limits(reserve: 0, quota: 10)
        limits.others = [folder.path, folder.path + "/none"]
        let files = try await Spool([row("a", .delivered)], segments: [segment("a", .delivered)], limits: limits)
        try files.write("a.webm", "12345")
        try Data("67890".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/room.journal"))
        #expect(await !files.spool.hasSpace())
        #expect(await files.spool.makeRoom(), "a delivered recording makes room for it")
        #expect(!files.has("a.webm") && folder.names == ["room.journal"])
    }

    @Test func aRoomsFilesGoWithTheRecordingThatCarriesThem() async throws {
        let stopped = WallTime(milliseconds: 1_709_283_600_000)
        let files = try await Spool([row("r", .delivered, stoppedAt: stopped)], segments: [segment("r", .delivered)])
        let beside = ["r.room.json", "r.room-p1.jpg", "r.room-p2.jpg"]
        for name in ["r.webm"] + beside { try files.write(name) }
        try files.write("rr.room-p3.jpg")
        #expect(try await files.spool.removeExpired(now: stopped.advanced(by: .seconds(2 * 86_400))) == ["r.webm"])
        for name in beside { #expect(!files.has(name), "\(name)") }
        #expect(files.has("rr.room-p3.jpg"), "another recording's")
    }

    @Test func aPartOfACamerasRecordingGoesWhenNothingFollowsForItsTime() async throws {
        let folder = try Folder()
        let files = try await Spool()
        let footage = FootageFolder(folder: folder.path, patience: .seconds(3600), spool: files.spool)
        let context = SessionContext(
            session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID("c"), direction: .publish)
        let piece = FootagePiece(context: context, sha256: String(repeating: "a", count: 64), size: 9, offset: 0, bytes: [1, 2, 3])
        #expect(try await footage.add(piece) == 3)
        #expect(folder.names.count == 1)
        #expect(await footage.removeForgotten(now: .systemNow.advanced(by: .seconds(3500))) == 0)
        #expect(await footage.removeForgotten(now: .systemNow.advanced(by: .seconds(3700))) == 1)
        #expect(folder.names.isEmpty)
        #expect(try await footage.add(piece) == 3, "it begins anew")
    }
}
