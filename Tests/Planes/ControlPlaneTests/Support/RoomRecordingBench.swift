import Bridge
import BridgeModel
import BridgeTesting
import Foundation
import Logging
import Playback
import StoragePlane
import Synchronization
import Testing

@testable import ControlPlane

/// A folder of a test, gone with it.
final class TestFolder: Sendable {
    let path = FileManager.default.temporaryDirectory.appending(path: "viaduct-rooms-\(UUID().uuidString)").path
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Counts how often the deletions were woken.
final class FakeDeletions: DeletionService {
    private let rung = Journal<Void>()
    var count: Int { rung.all.count }
    func wake() { rung.note(()) }
}

struct NoPictures: TrackPictures {
    func picture(of source: RoomTrackSource, _ spec: PictureSpec) async throws(BridgeError) -> Picture {
        throw BridgeError(.notFound, "There is no picture.")
    }
}

struct NoClips: ClipCommands {
    func makeClip(_ order: ClipOrder, for account: AccountID) async throws(PlaybackError) -> Clip {
        throw .failed(BridgeError(.notFound, "Nothing is here."))
    }
    func clips(_ query: ClipQuery) async throws(BridgeError) -> [Clip] { [] }
    func clip(_ id: ClipID) async throws(BridgeError) -> Clip? { nil }
    func file(of clip: Clip) async -> String? { nil }
    func removeClip(_ id: ClipID) async throws(BridgeError) -> Bool { false }
}

/// Pictures of rooms that are as a test wants them; notes what it is told.
final class FakeComposites: RoomComposites {
    static let stream = Sample.stream(Sample.context("picture", stream: "composite-of-a-room"), tracks: [Sample.h264, Sample.opus])
    static let full = BridgeError(.limitReached, "8 composites run; end one of them first.")

    let calls = Journal<String>()
    /// Held up by this: every start.
    let gate = Gate()
    private let failure = Mutex<BridgeError?>(nil)

    func fail(_ error: BridgeError?) { failure.withLock { $0 = error } }

    var starts: Int { calls.all.count { $0 == "start" } }

    func check(_ room: RoomID) async throws(BridgeError) {
        if let error = failure.withLock({ $0 }), error.code == .limitReached { throw error }
    }

    func start(_ room: RoomID, for use: RoomPictureUse) async throws(BridgeError) -> LiveStream {
        calls.note("start")
        await gate.pass()
        if let error = failure.withLock({ $0 }) { throw error }
        return Self.stream
    }

    func end(_ room: RoomID, for use: RoomPictureUse) async { calls.note("end") }
}

/// Recordings of rooms, with a database and a folder of files, and no time.
struct RoomRecordingBench {
    static let room = RoomID("yard")

    let recordings = RecordingBench()
    let composites = FakeComposites()
    let deletions = FakeDeletions()
    /// What is logged, from warnings on.
    let warnings = Journal<String>()
    let folder = TestFolder()
    let ledger: SQLiteLedger

    /// Its subfolders are `rooms` and `spool`.
    var data: String { folder.path }
    var clock: TestClock { recordings.clock }

    init() throws {
        for name in ["rooms", "spool"] {
            try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        }
        ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: Sample.logger)
    }

    /// A bridge that starts.
    func recorder(_ rule: RetentionRule = RetentionRule()) -> RoomRecorder {
        var services = recordings.services
        services.logger = Logger(label: "test") { [warnings] _ in NotingLog(warnings: warnings) }
        return RoomRecorder(
            RoomRecordingServices(
                services, recordings: recordings.director, ledger: ledger, clips: NoClips(), composites: composites,
                keeping: (RetentionSettings(rule: rule, interval: .seconds(60)), deletions), folder: "\(data)/rooms", spool: "\(data)/spool"
            ),
            pictures: NoPictures())
    }

    /// No file can be made where journals are from now on, or it can again.
    func setWritable(_ isWritable: Bool) throws {
        let (folder, away) = ("\(data)/rooms", "\(data)/away")
        try FileManager.default.moveItem(atPath: isWritable ? away : folder, toPath: isWritable ? folder : away)
    }
}

/// Keeps the messages of warnings and errors.
private struct NotingLog: LogHandler {
    let warnings: Journal<String>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.warning

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        warnings.note("\(event.message)")
    }
}
