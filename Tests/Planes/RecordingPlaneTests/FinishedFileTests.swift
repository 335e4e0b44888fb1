import Bridge
import BridgeModel
import Foundation
import ISOMedia
import Matroska
import Testing

@testable import RecordingPlane

private let avcRecord: [UInt8] = [1, 0x42, 0xE0, 0x1F, 0xFF, 0xE1, 0, 2, 0x67, 0x42, 1, 0, 2, 0x68, 0xCE]
/// A VP9 key frame of 640x360, profile 0.
private let vp9Keyframe: [UInt8] = [0x82, 0x49, 0x83, 0x42, 0x20, 0x27, 0xF0, 0x16, 0x70, 0, 0]

@Suite struct FinishedFileTests {
    private func read(_ bytes: [UInt8], _ container: Container) async throws -> FinishedFile {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("viaduct-file-\(UUID().uuidString)").path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await FinishedFile.read(path, container: container)
    }

    private func webm(_ tracks: [MatroskaTrack], _ frames: [MatroskaFrame]) -> [UInt8] {
        var writer = MatroskaWriter(.webm, tracks: tracks, startedAt: WallTime(nanoseconds: 0), cluster: .seconds(1))
        for frame in frames { writer.append(frame) }
        return writer.takeOutput().appended
    }

    /// The examples of FIPS 180-4, and a file of several pieces.
    @Test(
        arguments: [
            ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ([UInt8](repeating: 0x61, count: 3_000_000), "2a152c894398719c0570f83fac34ac03a0f6e8e474b995c2403aa5434f7b9dd4"),
        ] as [([UInt8], String)])
    func itsHashIsThatOfItsBytes(bytes: [UInt8], expected: String) async throws {
        let file = try await read(bytes, .webm)
        #expect(file.sha256 == expected && file.sizeBytes == Int64(bytes.count) && file.tracks.isEmpty)
    }

    @Test func theTracksOfAWebMAreNamed() async throws {
        let tracks = [
            MatroskaTrack(number: 1, codec: .vp8, width: 320, height: 240), MatroskaTrack(number: 2, codec: .vp9, width: 640, height: 360),
            MatroskaTrack(number: 3, codec: .opus, channels: 2, codecPrivate: opusHead(channels: 2)),
        ]
        let frames = [
            MatroskaFrame(track: 1, time: .zero, isKeyframe: true, bytes: [1]),
            MatroskaFrame(track: 2, time: .zero, isKeyframe: true, bytes: vp9Keyframe),
        ]
        let expected = [
            RecordedTrack(kind: .video, codec: "vp8", width: 320, height: 240),
            RecordedTrack(kind: .video, codec: "vp09.00.21.08", width: 640, height: 360),
            RecordedTrack(kind: .audio, codec: "opus", channels: 2, sampleRate: 48_000),
        ]
        #expect(try await read(webm(tracks, frames), .webm).tracks == expected)
    }

    @Test func theTracksOfAnMP4AreNamed() async throws {
        let track = try MovieTrack(number: 1, codec: .h264, codecPrivate: avcRecord, size: (640, 360))
        var writer = ProgressiveWriter(tracks: [track])
        _ = writer.add(track: 1, time: .zero, isKeyframe: true, size: 3)
        let file = try await read(try writer.header() + [1, 2, 3], .mp4)
        #expect(file.tracks == [RecordedTrack(kind: .video, codec: "avc1.42E01F", width: 640, height: 360)])
    }

    @Test func aFileThatIsNotThereIsAnError() async throws {
        let error = await #expect(throws: BridgeError.self) { try await FinishedFile.read("/nonexistent/file", container: .webm) }
        #expect(error?.code == .internal)
    }

    @Test func theManifestLiesBesideItsFile() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("viaduct-manifest-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let context = SessionContext(
            session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID("c"), direction: .publish)
        var segment = SegmentRow(recording: RecordingID("r"), number: 1, stream: StreamID("c"), container: .webm, file: "r.webm")
        try Data("half of it".utf8).write(to: URL(fileURLWithPath: folder + "/r.webm.json.partial"))
        for size in [7, 9] as [Int64] {
            segment.sizeBytes = size
            let manifest = RecordingManifest(segment: segment, context: context, tracks: [])
            try ManifestFile.write(manifest, in: folder)
            let text = try String(contentsOfFile: folder + "/r.webm.json", encoding: .utf8)
            #expect(text == manifest.json.text + "\n" && text.contains("\"size_bytes\":\(size)"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["r.webm.json"])
        let manifest = RecordingManifest(segment: segment, context: context, tracks: [])
        let error = #expect(throws: BridgeError.self) { try ManifestFile.write(manifest, in: folder + "/missing") }
        #expect(error?.code == .internal)
    }
}
