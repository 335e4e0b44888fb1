internal import BridgeModel
internal import LinuxIO
internal import Matroska

/// The parts of a recording as one row of frames: gaps kept, tracks matched, cut ends left out, and nothing twice.
///
/// A recorder that replaces a dead one begins at the stream's last keyframe, which may be in the part before already. There the later part goes
/// on: its first keyframe is looked for among the earlier part's, byte for byte, since the two clocks do not agree to the frame.
struct RecordingParts {
    /// Tracks of the result.
    private(set) var tracks: [MatroskaTrack] = []
    /// Wall-clock time of the result's beginning.
    let startedAt: WallTime
    private var parts: [Part] = []
    private var current = 0

    /// Between the frames of two parts whose clocks would let them overlap.
    private static let smallestGap: Duration = .milliseconds(20)

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

    /// The next frame on the result's timeline; nil at the end.
    mutating func next() -> MatroskaFrame? {
        while parts.indices.contains(current) {
            if let frame = parts[current].next() { return frame }
            current += 1
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

    /// Puts a part behind the one before it, or over that one's end where both have the same frames.
    private mutating func place(_ part: Part) {
        guard let before = parts.last else { return parts.append(part) }
        var part = part
        let byClock = part.reader.startedAt.map { Duration.nanoseconds($0.nanoseconds - startedAt.nanoseconds) }
        let (end, meeting) = before.survey(lookingFor: part.opening, near: byClock)
        if let meeting {
            part.offset = meeting
            guard part.reaches(beyond: end) else { return }  // the part before holds all of it
            for index in parts.indices { parts[index].cut = min(parts[index].cut ?? meeting, meeting) }
        } else {
            part.offset = max(byClock ?? .zero, end + Self.smallestGap)
        }
        parts.append(part)
    }
}

/// One file and its place in the result.
private struct Part {
    var reader: MatroskaReader
    /// From the part's track numbers to the result's.
    let numbers: [UInt8: UInt8]
    /// Where it begins on the result's timeline.
    var offset: Duration = .zero
    /// From here on a later part has its frames; nil when it is used to its end.
    var cut: Duration?

    /// How far two recorders' clocks may be apart on one frame.
    private static let clockTolerance: Duration = .seconds(1)

    init(reader: MatroskaReader, numbers: [UInt8: UInt8]) {
        self.reader = reader
        self.numbers = numbers
    }

    /// The next frame that is used, with the result's time and track.
    mutating func next() -> MatroskaFrame? {
        while var frame = reader.next() {
            frame.time += offset
            guard let number = numbers[frame.track], cut.map({ frame.time < $0 }) ?? true else { continue }
            frame.track = number
            return frame
        }
        return nil
    }

    /// The picture that the part begins with; nil where there is none. Sound does not tell parts apart: silence is always the same.
    var opening: MatroskaFrame? {
        guard reader.tracks.contains(where: { $0.codec.kind == .video }) else { return nil }
        var copy = self
        while let frame = copy.next() {
            let isPicture = reader.tracks.contains { numbers[$0.number] == frame.track && $0.codec.kind == .video }
            if isPicture { return frame }
        }
        return nil
    }

    /// Where its last frame is, and where it has a keyframe that equals `opening`, the nearest to `moment` if there are several; both on the
    /// result's timeline.
    func survey(lookingFor opening: MatroskaFrame?, near moment: Duration?) -> (end: Duration, meeting: Duration?) {
        var copy = self
        var end = offset
        var meeting: (place: Duration, distance: Duration)?
        while let frame = copy.next() {
            end = max(end, frame.time)
            guard let opening, let moment, frame.isKeyframe, frame.track == opening.track, frame.bytes == opening.bytes else { continue }
            let distance = max(frame.time - moment, moment - frame.time)
            guard distance <= meeting?.distance ?? Self.clockTolerance else { continue }
            meeting = (frame.time - opening.time, distance)
        }
        return (end, meeting?.place)
    }

    /// True when it has a frame after `moment` of the result's timeline.
    func reaches(beyond moment: Duration) -> Bool {
        var copy = self
        while let frame = copy.next() {
            if frame.time > moment { return true }
        }
        return false
    }
}
