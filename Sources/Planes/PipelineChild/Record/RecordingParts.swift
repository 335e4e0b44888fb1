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
        let survey = before.survey(lookingFor: part.openings, near: byClock)
        if let meeting = survey.meeting {
            part.offset = meeting
            guard part.reaches(beyond: survey.end) else { return }  // the part before holds all of it
            for index in parts.indices { parts[index].cut(at: meeting, sounds: survey.sounds) }
        } else {
            part.offset = max(byClock ?? .zero, survey.end + Self.smallestGap)
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
    private var cut: Duration?
    /// The same of a track whose frames the two parts put at slightly different times.
    private var trackCuts: [UInt8: Duration] = [:]

    /// How far two recorders' clocks may be apart on one frame.
    private static let clockTolerance: Duration = .seconds(1)
    /// How far one piece of sound may be moved against the picture from one recorder to the other: less than half of the usual 20 ms, or silence,
    /// which is always the same, would be taken for its neighbour.
    private static let soundTolerance: Duration = .milliseconds(9)

    init(reader: MatroskaReader, numbers: [UInt8: UInt8]) {
        self.reader = reader
        self.numbers = numbers
    }

    /// The next frame that is used, with the result's time and track.
    mutating func next() -> MatroskaFrame? {
        while var frame = reader.next() {
            frame.time += offset
            guard let number = numbers[frame.track], isUsed(number, at: frame.time) else { continue }
            frame.track = number
            return frame
        }
        return nil
    }

    private func isUsed(_ track: UInt8, at time: Duration) -> Bool {
        guard let limit = trackCuts[track] ?? cut else { return true }
        return time < limit
    }

    /// Ends the part where a later one goes on; `sounds` says where that is on tracks of their own.
    mutating func cut(at meeting: Duration, sounds: [UInt8: Duration]) {
        cut = min(cut ?? meeting, meeting)
        for (track, time) in sounds { trackCuts[track] = min(trackCuts[track] ?? time, time) }
    }

    /// The first frame of each track: of pictures, which tell parts apart, and of sounds, which do not: silence is always the same.
    struct Openings {
        var picture: MatroskaFrame?
        var sounds: [MatroskaFrame] = []
    }

    var openings: Openings {
        var copy = self
        var openings = Openings()
        var pending = Set(numbers.values)
        let pictures = Set(reader.tracks.filter { $0.codec.kind == .video }.compactMap { numbers[$0.number] })
        while !pending.isEmpty, let frame = copy.next() {
            guard pending.remove(frame.track) != nil else { continue }
            if !pictures.contains(frame.track) {
                openings.sounds.append(frame)
            } else if openings.picture == nil {
                openings.picture = frame
            }
        }
        return openings
    }

    /// What a look through a part found, on the result's timeline.
    struct Survey {
        /// Where its last frame is.
        var end: Duration
        /// Where the later part begins in it; nil when they share no keyframe.
        var meeting: Duration?
        /// Where it holds the first sound that the later part has, too.
        var sounds: [UInt8: Duration] = [:]
    }

    /// Looks for a keyframe that equals the opening picture, the nearest to `moment` if there are several, and for the sounds that belong to it.
    func survey(lookingFor openings: Openings, near moment: Duration?) -> Survey {
        var copy = self
        var survey = Survey(end: offset)
        var nearest = Self.clockTolerance
        var equalSounds: [(opening: MatroskaFrame, time: Duration)] = []
        while let frame = copy.next() {
            survey.end = max(survey.end, frame.time)
            guard let moment else { continue }
            for opening in openings.sounds
            where opening.equals(frame) && (frame.time - moment - opening.time).isWithin(Self.clockTolerance * 2) {
                equalSounds.append((opening, frame.time))
            }
            guard let picture = openings.picture, frame.isKeyframe, picture.equals(frame) else { continue }
            let distance = max(frame.time - moment, moment - frame.time)
            guard distance <= nearest else { continue }
            nearest = distance
            survey.meeting = frame.time - picture.time
        }
        guard let meeting = survey.meeting else { return survey }
        for (opening, time) in equalSounds where (time - meeting - opening.time).isWithin(Self.soundTolerance) {
            survey.sounds[opening.track] = time
        }
        return survey
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

extension MatroskaFrame {
    /// Whether both are the same piece of the same track, whenever it is shown.
    fileprivate func equals(_ other: MatroskaFrame) -> Bool { track == other.track && bytes == other.bytes }
}

extension Duration {
    fileprivate func isWithin(_ limit: Duration) -> Bool { self <= limit && self >= .zero - limit }
}
