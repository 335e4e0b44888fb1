package import Bridge
package import BridgeModel
internal import Crypto
internal import Foundation
internal import ISOMedia
internal import LinuxIO
internal import Matroska

/// What a finished file says of itself. It is read once from its beginning to its end, a piece at a time.
package struct FinishedFile: Sendable, Equatable {
    package var sizeBytes: Int64
    /// 32 bytes as lower-case hexadecimal.
    package var sha256: String
    /// In the order of the file; those whose format is not known are left out.
    package var tracks: [RecordedTrack]

    /// What is read at once, bytes.
    private static let piece = 1024 * 1024

    /// Reads the file on a thread of its own, since gigabytes take seconds. Throws `internal` when it cannot be read to its end.
    package static func read(_ path: String, container: Container) async throws(BridgeError) -> FinishedFile {
        let result: Result<FinishedFile, BridgeError> = await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: Result { () throws(BridgeError) in try FinishedFile(path, container) }) }
            thread.name = "digest"
            thread.start()
        }
        return try result.get()
    }

    private init(_ path: String, _ container: Container) throws(BridgeError) {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let size = (attributes?[.size] as? NSNumber)?.int64Value, let file = try? ReadableFile(path: path) else {
            throw BridgeError(.internal, "The finished recording cannot be opened; look at the spool's disk.")
        }
        var hash = SHA256()
        var offset: Int64 = 0
        while offset < size {
            let bytes = file.read(at: UInt64(offset), count: Int(min(Int64(Self.piece), size - offset)))
            guard !bytes.isEmpty else {
                throw BridgeError(.internal, "The finished recording cannot be read to its end; look at the spool's disk.")
            }
            bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
            offset += Int64(bytes.count)
        }
        sizeBytes = size
        sha256 = hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let readBytes = { (offset: UInt64, count: Int) in file.read(at: offset, count: count) }
        tracks = container == .mp4 ? Self.movieTracks(UInt64(size), readBytes) : Self.matroskaTracks(readBytes)
    }

    private static func movieTracks(_ size: UInt64, _ readBytes: (UInt64, Int) -> [UInt8]) -> [RecordedTrack] {
        let movie = try? MovieReader(fileSize: size, readBytes: readBytes)
        return movie?.tracks.map { RecordedTrack($0) } ?? []
    }

    private static func matroskaTracks(_ readBytes: @escaping (UInt64, Int) -> [UInt8]) -> [RecordedTrack] {
        guard var reader = try? MatroskaReader(readBytes: readBytes) else { return [] }
        let tracks = reader.tracks
        // Only VP9's frames say what its header does not.
        let unknown = Set(tracks.filter { $0.codec == .vp9 }.map(\.number))
        var keyframes: [UInt8: [UInt8]] = [:]
        while keyframes.count < unknown.count, let frame = reader.next() {
            if unknown.contains(frame.track), frame.isKeyframe, keyframes[frame.track] == nil { keyframes[frame.track] = frame.bytes }
        }
        return tracks.map { RecordedTrack($0, firstKeyframe: keyframes[$0.number] ?? []) }
    }
}

extension RecordedTrack {
    fileprivate init(_ track: MovieTrack) {
        let isAudio = track.format.kind == .audio
        self.init(
            kind: track.format.kind, codec: track.format.codecString, width: track.width, height: track.height,
            channels: isAudio ? track.channels : 0, sampleRate: isAudio ? track.sampleRate : 0)
    }

    fileprivate init(_ track: MatroskaTrack, firstKeyframe: [UInt8]) {
        let isAudio = track.codec.kind == .audio
        let format = try? SampleFormat(
            codec: track.codec, codecPrivate: track.codecPrivate, size: (track.width, track.height), firstKeyframe: firstKeyframe)
        self.init(
            kind: track.codec.kind, codec: format?.codecString ?? track.codec.plainCodecString, width: track.width, height: track.height,
            channels: isAudio ? track.channels : 0, sampleRate: isAudio ? Int(track.sampleRate) : 0)
    }
}

extension Codec {
    /// The name in `codecs` where nothing more is known, and for those that MP4 does not hold.
    fileprivate var plainCodecString: String {
        switch self {
        case .h264: "avc1"
        case .h265: "hvc1"
        case .vp8: "vp8"
        case .vp9: "vp9"
        case .av1: "av01"
        case .opus: "opus"
        case .pcmu: "ulaw"
        case .pcma: "alaw"
        case .aac: "mp4a"
        }
    }
}
