import Bridge
import BridgeModel
import Foundation
import Matroska
import Playback
import PlaybackPlane
import Synchronization

/// Recordings of stream `cam` in a folder of their own, as files that a test writes.
final class Shelf: RecordingLibrary, RecordedFiles, ClipLedger {
    struct Entry {
        var row: RecordingRow
        var files: [RecordedFile] = []
    }

    static let stream = StreamID("cam")
    static let start = WallTime(milliseconds: 1_709_283_600_000)
    /// An AVCDecoderConfigurationRecord without parameter sets, and an Opus head.
    static let tracks = [
        MatroskaTrack(number: 1, codec: .h264, width: 64, height: 48, codecPrivate: [1, 66, 192, 30, 255, 224, 0]),
        MatroskaTrack(number: 2, codec: .opus, channels: 2, codecPrivate: opusHead(channels: 2)),
    ]

    let folder: String
    let entries = Mutex<[Entry]>([])
    let stored = Mutex<[Clip]>([])
    /// How often somebody asked which files there are, and how many seconds the answer takes.
    let looks = Mutex<(count: Int, pause: Double)>((0, 0))

    init() throws {
        folder = NSTemporaryDirectory() + "playback-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// A picture every 40 ms with a keyframe every two seconds, sound every 20 ms; `range` in milliseconds.
    static func frames(_ range: Range<Int>) -> [MatroskaFrame] {
        range.filter { $0 % 20 == 0 }.flatMap { time -> [MatroskaFrame] in
            let stamp = [UInt8(time >> 16 & 255), UInt8(time >> 8 & 255), UInt8(time & 255)]
            let sound = MatroskaFrame(track: 2, time: .milliseconds(time), isKeyframe: true, bytes: [2] + stamp)
            guard time % 40 == 0 else { return [sound] }
            let picture = MatroskaFrame(track: 1, time: .milliseconds(time), isKeyframe: time % 2000 == 0, bytes: [1] + stamp)
            return [picture, sound]
        }
    }

    /// Adds a recording with one file.
    func add(_ writer: FileWriter, state: RecordingState = .ready) {
        let context = SessionContext(
            session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: Self.stream, direction: .publish)
        let row = RecordingRow(
            id: RecordingID("r\(entries.withLock(\.count))"), context: context, state: state, container: .matroska, file: "",
            destination: .keep, webhookURL: nil, startedAt: Self.start)
        let file = RecordedFile(path: writer.path, container: .matroska, startedAt: nil, isGrowing: state.isRunning)
        entries.withLock { $0.append(Entry(row: row, files: [file])) }
    }

    func end() { entries.withLock { $0[$0.count - 1].row.state = .ready } }

    func recordings(
        of stream: StreamID, from: WallTime, to: WallTime, after last: RecordingRow?, limit: Int
    ) async throws(BridgeError) -> [RecordingRow] {
        guard stream == Self.stream else { return [] }
        let rows = entries.withLock { $0.map(\.row) }
        let first = last.flatMap { last in rows.firstIndex { $0.id == last.id } }.map { $0 + 1 } ?? 0
        return Array(rows[first...].prefix(limit))
    }

    func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow? {
        entries.withLock { $0.first { $0.row.id == id }?.row }
    }

    func segments(of recording: RecordingID) async throws(BridgeError) -> [SegmentRow] { [] }

    func files(of row: RecordingRow, segments: [SegmentRow]) -> [RecordedFile] {
        let pause = looks.withLock { looks in
            looks.count += 1
            return looks.pause
        }
        if pause > 0 { Thread.sleep(forTimeInterval: pause) }
        return entries.withLock { $0.first { $0.row.id == row.id }?.files ?? [] }
    }

    func add(_ clip: Clip) async throws(BridgeError) { stored.withLock { $0.append(clip) } }
    func clips(_ query: ClipQuery) async throws(BridgeError) -> [Clip] { stored.withLock { $0 } }
    func clip(_ id: ClipID) async throws(BridgeError) -> Clip? { stored.withLock { $0.first { $0.id == id } } }

    func removeClip(_ id: ClipID) async throws(BridgeError) -> Bool {
        stored.withLock { clips in
            defer { clips.removeAll { $0.id == id } }
            return clips.contains { $0.id == id }
        }
    }
}

/// A file as a recorder writes it.
final class FileWriter: Sendable {
    let path: String
    private let state: Mutex<(writer: MatroskaWriter, bytes: [UInt8])>

    init(in shelf: Shelf, tracks: [MatroskaTrack] = Shelf.tracks, startedAt: WallTime = Shelf.start) throws {
        path = "\(shelf.folder)/\(UUID().uuidString).mkv"
        let type: DocumentType = tracks.allSatisfy { $0.codec.isWebM } ? .webm : .matroska
        state = Mutex((MatroskaWriter(type, tracks: tracks, startedAt: startedAt, cluster: .seconds(1)), []))
    }

    func write(_ frames: [MatroskaFrame], isLast: Bool = false) throws {
        let bytes = state.withLock { state in
            for frame in frames { state.writer.append(frame) }
            if isLast { _ = state.writer.finish() }
            let output = state.writer.takeOutput()
            state.bytes += output.appended
            for change in output.overwritten {
                state.bytes.replaceSubrange(Int(change.offset)..<Int(change.offset) + change.bytes.count, with: change.bytes)
            }
            return state.bytes
        }
        // In place: a reader has the file open.
        if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }
}
