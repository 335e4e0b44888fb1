import Bridge
import BridgeModel
import Testing

@testable import RecordingPlane

/// The MP4s that recorders write beside their parts.
@Suite struct LiveMovieRemovalTests {
    private let first = PartName(segment: 1, number: 1)

    /// What was written beside the parts is not whole, as far as this bridge knows; of recordings that are over nothing is looked at.
    @Test func afterARestartMP4sBesidePartsAreGone() async throws {
        let files = try await Spool([row("a", .recording, .mp4), row("b", .closing, .mp4)])
        for name in ["part-1-1.mkv", "movie-1-1.mp4", "movie-2-12.mp4", "part-2-12.mkv", "moving-1.mp4"] { try files.write("a/\(name)") }
        for name in ["b/movie-1-1.mp4", "b.mp4"] { try files.write(name) }
        let findings = try await files.spool.reconcile(patience: .zero)
        #expect(!files.has("a/movie-1-1.mp4") && !files.has("a/movie-2-12.mp4") && !files.has("b/movie-1-1.mp4"))
        #expect(files.has("a/part-1-1.mkv") && files.has("a/part-2-12.mkv") && files.has("a/moving-1.mp4") && files.has("b.mp4"))
        let found = findings.unfinished.first { $0.row.id == RecordingID("a") }
        #expect(found?.remains.parts == [first, PartName(segment: 2, number: 12)])
    }

    @Test func anMP4BesideAPartIsRemovedAlone() async throws {
        let files = try await Spool([row("a", .recording, .mp4)])
        for name in ["part-1-1.mkv", "movie-1-1.mp4", "movie-1-2.mp4"] { try files.write("a/\(name)") }
        await files.spool.removeMovie(of: first, in: RecordingID("a"))
        #expect(!files.has("a/movie-1-1.mp4") && files.has("a/movie-1-2.mp4") && files.has("a/part-1-1.mkv"))
        await files.spool.removeMovie(of: first, in: RecordingID("a"))
        await files.spool.removeMovie(of: first, in: RecordingID("unknown"))
    }
}
