internal import BridgeModel
internal import LinuxIO
internal import Matroska

/// The parts of a recording as one row of frames: gaps kept, tracks matched, cut ends left out, and nothing twice.
///
/// A recorder that replaces a dead one begins at the stream's last keyframe, which may be in a part before already, or the sound beside it. There
/// the later part goes on, each track at the frame that both have (`PartJoin`).
struct RecordingParts {
    /// Tracks of the result.
    private(set) var tracks: [MatroskaTrack] = []
    /// Wall-clock time of the result's beginning.
    let startedAt: WallTime
    private var parts: [Part] = []
    private var current = 0
    private var paces: [UInt8: TrackPace] = [:]

    /// Opens the files; those without a readable header are left out. Throws `no_media` when none is left.
    init(paths: [String]) throws(BridgeError) {
        let readers = paths.compactMap { path -> MatroskaReader? in
            guard let file = try? ReadableFile(path: path) else { return nil }
            return try? MatroskaReader { offset, count in file.read(at: offset, count: count) }
        }
        guard let first = readers.first else { throw BridgeError(.noMedia, "Nothing was recorded: no part of the recording can be read.") }
        startedAt = first.startedAt ?? WallTime(nanoseconds: 0)
        for reader in readers {
            var numbers: [UInt8: UInt8] = [:]
            for track in reader.tracks { numbers[track.number] = adopt(track) }
            place(Part(reader: reader, numbers: numbers))
        }
    }

    /// The next frame on the result's timeline; nil at the end. A track's times rise, also where a later part's clock is behind.
    mutating func next() -> MatroskaFrame? {
        while parts.indices.contains(current) {
            guard var frame = parts[current].next() else {
                current += 1
                continue
            }
            frame.time = paces[frame.track, default: TrackPace()].place(frame.time, ofPart: current)
            return frame
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

    /// Puts a part behind those until now, or over their end where both have the same frames.
    private mutating func place(_ part: Part) {
        guard !parts.isEmpty else { return parts.append(part) }
        var part = part
        let beginnings = part.beginnings
        let byClock = part.reader.startedAt.map { .nanoseconds($0.nanoseconds) - Duration.nanoseconds(startedAt.nanoseconds) }
        let join = survey(PartJoin(beginnings: beginnings, offsetByClock: byClock))
        let seams = join.seams()
        part.offset = join.offset(with: seams)
        var hasNews = !beginnings.keys.allSatisfy { seams[$0] != nil }
        for (track, seam) in seams {
            guard let end = join.ends[track], part.reaches(track, beyond: end - seam.offset) else {
                part.leaveOut(track)
                continue
            }
            for index in parts.indices { parts[index].end(track, at: seam.earlier) }
            part.begin(track, at: seam.later)
            hasNews = true
        }
        if hasNews { parts.append(part) }
    }

    /// Shows the search what is used of the parts until now, from the last one back to where the later part can begin.
    private func survey(_ join: PartJoin) -> PartJoin {
        var join = join
        let first = parts.lastIndex { join.isWellAfter($0.offset) } ?? parts.startIndex
        for part in parts[first...] {
            var part = part
            while let frame = part.next() { join.take(frame) }
        }
        return join
    }
}

/// One file and its place in the result.
private struct Part {
    var reader: MatroskaReader
    /// From the part's track numbers to the result's.
    let numbers: [UInt8: UInt8]
    /// Where it begins on the result's timeline.
    var offset: Duration = .zero
    /// Where each track is used from, on the part's own timeline; all of those that are not named.
    private var begins: [UInt8: Duration] = [:]
    /// Where a later part has the track's frames, on the result's timeline.
    private var ends: [UInt8: Duration] = [:]

    init(reader: MatroskaReader, numbers: [UInt8: UInt8]) {
        self.reader = reader
        self.numbers = numbers
    }

    /// The next frame that is used, with the result's time and track.
    mutating func next() -> MatroskaFrame? {
        while var frame = reader.next() {
            guard let number = numbers[frame.track], begins[number].map({ frame.time >= $0 }) ?? true else { continue }
            frame.time += offset
            guard ends[number].map({ frame.time < $0 }) ?? true else { continue }
            frame.track = number
            return frame
        }
        return nil
    }

    /// Uses a track from here on, by the part's own time.
    mutating func begin(_ track: UInt8, at time: Duration) { begins[track] = time }

    /// Uses nothing of a track.
    mutating func leaveOut(_ track: UInt8) { begins[track] = .seconds(Int64.max) }

    /// Uses a track up to here at most, on the result's timeline: a later part goes on.
    mutating func end(_ track: UInt8, at time: Duration) { ends[track] = min(ends[track] ?? time, time) }

    /// How each track begins, by the part's own time.
    var beginnings: [UInt8: PartJoin.Beginning] {
        var copy = self
        let videos = Set(reader.tracks.filter { $0.codec.kind == .video }.compactMap { numbers[$0.number] })
        var beginnings: [UInt8: PartJoin.Beginning] = [:]
        var pending = Set(numbers.values)
        while !pending.isEmpty, let frame = copy.next() {
            guard pending.contains(frame.track) else { continue }
            var beginning = beginnings[frame.track] ?? PartJoin.Beginning(isVideo: videos.contains(frame.track), frames: [])
            beginning.frames.append(frame)
            if beginning.isLongEnough { pending.remove(frame.track) }
            beginnings[frame.track] = beginning
        }
        return beginnings
    }

    /// Whether it has a frame of the track after `time`, by its own time.
    func reaches(_ track: UInt8, beyond time: Duration) -> Bool {
        var reader = reader
        while let frame = reader.next() {
            if numbers[frame.track] == track, frame.time > time { return true }
        }
        return false
    }
}
