import Dispatch
import Foundation

/// Looks at a media file with tools that are not ours: ffprobe and ffmpeg.
struct MediaProbe {
    struct Stream: Decodable {
        var codec_name: String
        var codec_type: String
        var width: Int?
        var height: Int?
        var start_time: String?
        var start: Double { Double(start_time ?? "0") ?? 0 }
    }
    struct Format: Decodable {
        var duration: String?
        var format_name: String
        var seconds: Double? { duration.flatMap(Double.init) }
    }
    private struct Answer: Decodable {
        var streams: [Stream]
        var format: Format
    }

    var streams: [Stream]
    var format: Format
    /// What ffmpeg says while it decodes everything, at level error; empty when all is well.
    var decodeErrors: String
    /// Decoded pictures.
    var frames: Int

    init(_ path: String) async throws {
        let answer = try await Self.run("ffprobe", ["-v", "error", "-show_streams", "-show_format", "-of", "json", path])
        let read = try JSONDecoder().decode(Answer.self, from: Data(answer.output.utf8))
        (streams, format) = (read.streams, read.format)
        // In the file's own time base: at 25 a second two frames that came a little early and a little late would have one number.
        let decoding = ["-nostdin", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-"]
        decodeErrors = try await Self.run("ffmpeg", decoding).errors
        let counted = try await Self.run(
            "ffprobe",
            ["-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path])
        frames = Int(counted.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    /// The presentation times of a stream's packets, in seconds.
    static func times(_ path: String, stream: String) async throws -> [Double] {
        let answer = try await run(
            "ffprobe", ["-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time", "-of", "csv=p=0", path])
        return answer.output.split(separator: "\n").compactMap { Double($0.trimmingCharacters(in: CharacterSet(charactersIn: ", "))) }
    }

    /// Waits on a thread of the system's: the few of Swift's pool are everybody's.
    static func run(_ tool: String, _ arguments: [String]) async throws -> (output: String, errors: String) {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try runBlocking(tool, arguments) })
            }
        }
    }

    private static func runBlocking(_ tool: String, _ arguments: [String]) throws -> (output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/\(tool)")
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        // The tools say little on standard error, less than a pipe holds.
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (String(decoding: text, as: UTF8.self), String(decoding: said, as: UTF8.self))
    }
}

/// A folder of its own that goes with the test.
final class ScratchFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("viaduct-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}
