internal import Bridge
internal import BridgeModel
internal import ISOMedia
internal import LinuxIO
internal import Matroska

/// Copies frames into a new MP4 with its index in front, so that a player begins and seeks while it loads.
///
/// The frames are read twice: once for the index, once for their bytes.
struct MP4Rewriter {
    private let parts: RecordingParts
    private let tracks: [MovieTrack]
    private var output: BatchedFile

    /// Throws `unacceptable_offer` for a codec that MP4 does not hold, `no_media` where a track's frames do not say what it is, and the disk's error.
    init(parts: RecordingParts, path: String) throws {
        self.parts = parts
        tracks = try Self.movieTracks(parts)
        output = BatchedFile(try LockedFile(creating: path))
    }

    /// Copies everything. Throws `no_media`, `pipeline_failed` when it was told to stop, or the disk's error.
    mutating func run(until isCancelled: () -> Bool) throws -> PipelineResult {
        var writer = ProgressiveWriter(tracks: tracks, createdAt: parts.startedAt)
        try eachFrame(until: isCancelled) { frame in
            _ = writer.add(track: UInt32(frame.track), time: frame.time, isKeyframe: frame.isKeyframe, size: frame.bytes.count)
        }
        guard writer.count > 0 else { throw BridgeError(.noMedia, "Nothing was recorded: the recording holds no frame.") }
        try output.append(try writer.header())
        try eachFrame(until: isCancelled) { try output.append($0.bytes) }
        try output.finish()
        return PipelineResult(bytes: Int64(clamping: output.size), duration: writer.duration)
    }

    /// Both passes must see the same frames in the same order.
    private func eachFrame(until isCancelled: () -> Bool, _ take: (MatroskaFrame) throws -> Void) throws {
        var groups = TrackGroups(parts: parts, tracks: Set(tracks.map { UInt8(truncatingIfNeeded: $0.number) }))
        while let group = groups.next() {
            guard !isCancelled() else { throw BridgeError(.pipelineFailed, "The finisher was stopped before its end.") }
            for frame in group { try take(frame) }
        }
    }

    /// A VP9 track without a keyframe holds nothing that could be shown, and is left out.
    private static func movieTracks(_ parts: RecordingParts) throws -> [MovieTrack] {
        let keyframes = firstKeyframes(of: Set(parts.tracks.filter { $0.codec == .vp9 }.map(\.number)), parts)
        return try parts.tracks.filter { $0.codec != .vp9 || keyframes[$0.number] != nil }.map { track in
            try MovieTrack(track, firstKeyframe: keyframes[track.number] ?? [])
        }
    }

    private static func firstKeyframes(of tracks: Set<UInt8>, _ parts: RecordingParts) -> [UInt8: [UInt8]] {
        var parts = parts
        var keyframes: [UInt8: [UInt8]] = [:]
        while keyframes.count < tracks.count, let frame = parts.next() {
            guard tracks.contains(frame.track), frame.isKeyframe, keyframes[frame.track] == nil else { continue }
            keyframes[frame.track] = frame.bytes
        }
        return keyframes
    }
}

/// The frames of all parts in groups (`FrameGroups`).
private struct TrackGroups {
    private var parts: RecordingParts
    private var groups: FrameGroups

    init(parts: RecordingParts, tracks: Set<UInt8>) {
        self.parts = parts
        groups = FrameGroups(of: parts.tracks, used: tracks)
    }

    /// Nil at the end.
    mutating func next() -> [MatroskaFrame]? {
        while let frame = parts.next() {
            if let group = groups.add(frame) { return group }
        }
        return groups.finish()
    }
}

/// A file that is written from its beginning to its end, in large pieces.
private struct BatchedFile {
    /// Bytes until now, those that are not written yet included.
    private(set) var size: UInt64 = 0
    private let file: LockedFile
    private var gathered: [UInt8] = []

    /// Bytes that are gathered before they are written.
    private static let batch = 1024 * 1024

    init(_ file: LockedFile) { self.file = file }

    mutating func append(_ bytes: [UInt8]) throws(SystemError) {
        gathered += bytes
        size += UInt64(bytes.count)
        if gathered.count >= Self.batch { try flush() }
    }

    /// Writes what is left, and makes all of it durable.
    mutating func finish() throws(SystemError) {
        try flush()
        try file.synchronise()
    }

    private mutating func flush() throws(SystemError) {
        try file.write(gathered, at: size - UInt64(gathered.count))
        gathered.removeAll(keepingCapacity: true)
    }
}
