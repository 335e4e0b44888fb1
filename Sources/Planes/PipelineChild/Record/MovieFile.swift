internal import Bridge
internal import BridgeModel
internal import ISOMedia
internal import LinuxIO
internal import Matroska

/// An MP4 that is written while it is recorded: the media behind room for the index, which comes at the end. Until then it is no file that plays; the
/// Matroska beside it is what survives a crash. Lives on the writer thread.
struct MovieFile {
    /// Bytes of the file that are on disk and synchronised; nothing while that is only the room.
    private(set) var durableSize: UInt64 = 0
    let path: String
    private let file: LockedFile
    private let tracks: [MatroskaTrack]
    private let startedAt: WallTime
    private var groups: FrameGroups
    /// From the first group on.
    private var writer: ProgressiveWriter?
    private var size = UInt64(LiveMovie.room)

    /// Bytes that are written before they are synchronised: a part of an upload is of that order.
    private static let batch: UInt64 = 4 << 20

    /// Creates the file.
    init(path: String, tracks: [MatroskaTrack], startedAt: WallTime) throws {
        self.path = path
        self.tracks = tracks
        self.startedAt = startedAt
        groups = FrameGroups(of: tracks, used: Set(tracks.map(\.number)))
        file = try LockedFile(creating: path)
    }

    /// Takes the next frame. Throws the disk's error, and `unacceptable_offer` or `no_media` where the tracks do not go into an MP4.
    mutating func add(_ frame: MatroskaFrame) throws {
        if let group = groups.add(frame) { try write(group) }
    }

    /// Writes what is left and the index, and makes all of it durable.
    mutating func finish() throws -> WrittenFile {
        if let group = groups.finish() { try write(group) }
        guard let writer else { throw BridgeError(.noMedia, "The MP4 holds no frame.") }
        let index = try writer.index(room: UInt64(LiveMovie.room))
        try file.write(index.back, at: size)
        size += UInt64(index.back.count)
        try file.write(index.mediaHeader, at: UInt64(LiveMovie.room) - UInt64(index.mediaHeader.count))
        try file.write(index.front, at: 0)
        try file.synchronise()
        return WrittenFile(bytes: Int64(clamping: size), duration: writer.duration)
    }

    private mutating func write(_ group: [MatroskaFrame]) throws {
        var writer = try self.writer ?? ProgressiveWriter(tracks: movieTracks(group), createdAt: startedAt)
        var bytes: [UInt8] = []
        for frame in group
        where writer.add(track: UInt32(frame.track), time: frame.time, isKeyframe: frame.isKeyframe, size: frame.bytes.count) {
            bytes += frame.bytes
        }
        self.writer = writer
        try file.write(bytes, at: size)
        size += UInt64(bytes.count)
        guard size >= max(durableSize, UInt64(LiveMovie.room)) + Self.batch else { return }
        try file.synchronise()
        durableSize = size
    }

    /// VP9 is described by its first keyframe, which is among the first frames of each track.
    private func movieTracks(_ group: [MatroskaFrame]) throws -> [MovieTrack] {
        try tracks.map { track in
            guard track.codec == .vp9 else { return try MovieTrack(track, firstKeyframe: []) }
            guard let keyframe = group.first(where: { $0.track == track.number && $0.isKeyframe }) else {
                throw BridgeError(.noMedia, "A track of the MP4 does not begin with a keyframe.")
            }
            return try MovieTrack(track, firstKeyframe: keyframe.bytes)
        }
    }
}
