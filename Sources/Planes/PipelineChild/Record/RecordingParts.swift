internal import BridgeModel
internal import LinuxIO
internal import Matroska

/// The parts of a recording as one row of frames: gaps kept, tracks matched, cut ends left out.
struct RecordingParts {
    /// Tracks of the result.
    private(set) var tracks: [MatroskaTrack] = []
    /// Wall-clock time of the result's beginning.
    let startedAt: WallTime
    private var parts: [Part]
    /// End of what was given out, and where the current part begins, on the result's timeline.
    private var end: Duration = .zero
    private var offset: Duration = .zero
    private var current = 0

    private struct Part {
        var reader: MatroskaReader
        /// On the part's own timeline: what is later is in the next part too, which begins at a keyframe.
        var limit: Duration?
        /// From the part's track numbers to the result's.
        var numbers: [UInt8: UInt8]
    }

    /// Between the frames of two parts whose clocks were set between them.
    private static let smallestGap: Duration = .milliseconds(20)

    /// Opens the files; those without a readable header are left out. Throws `no_media` when none is left.
    init(paths: [String]) throws(BridgeError) {
        let readers = paths.compactMap { path -> MatroskaReader? in
            guard let file = try? ReadableFile(path: path) else { return nil }
            return try? MatroskaReader { offset, count in file.read(at: offset, count: count) }
        }
        guard let first = readers.first else { throw BridgeError(.noMedia, "Nothing was recorded: no part of the recording can be read.") }
        startedAt = first.startedAt ?? WallTime(nanoseconds: 0)
        parts = []
        for reader in readers {
            var numbers: [UInt8: UInt8] = [:]
            for track in reader.tracks { numbers[track.number] = adopt(track) }
            parts.append(Part(reader: reader, numbers: numbers))
        }
        for index in parts.indices.dropLast() {
            guard let start = parts[index].reader.startedAt, let next = parts[index + 1].reader.startedAt, next > start else { continue }
            parts[index].limit = .nanoseconds(next.nanoseconds - start.nanoseconds)
        }
    }

    /// The next frame on the result's timeline; nil at the end.
    mutating func next() -> MatroskaFrame? {
        while parts.indices.contains(current) {
            if var frame = parts[current].reader.next(), let number = parts[current].numbers[frame.track] {
                // The recorder that took over began with what the cache held: its frames stand for these.
                if let limit = parts[current].limit, frame.time >= limit { continue }
                frame.track = number
                frame.time += offset
                end = max(end, frame.time)
                return frame
            }
            current += 1
            guard parts.indices.contains(current) else { break }
            let byClock = parts[current].reader.startedAt.map { Duration.nanoseconds($0.nanoseconds - startedAt.nanoseconds) }
            offset = max(byClock ?? .zero, end + Self.smallestGap)
        }
        return nil
    }

    /// A track goes on in a later part when number and codec are the same; else it is one more track. The header of the first part stands:
    /// what changes later is said in the frames.
    private mutating func adopt(_ track: MatroskaTrack) -> UInt8 {
        if tracks.contains(where: { $0.number == track.number && $0.codec == track.codec }) { return track.number }
        var added = track
        if tracks.contains(where: { $0.number == track.number }) { added.number = min(127, (tracks.map(\.number).max() ?? 0) + 1) }
        tracks.append(added)
        return added.number
    }
}
