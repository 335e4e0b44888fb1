internal import BridgeModel
internal import Matroska

/// Fills the holes of Opus and AAC tracks with silence, frame by frame as time goes on. Pure.
///
/// Players that count samples need it: Chromium plays what comes after a hole at once, so that each lost packet puts the sound 20 ms ahead of the
/// pictures, and a microphone that was muted for a minute a minute. A hole is filled before the track's own next frame; a track that is silent for
/// longer than the patience is filled beside the others. No sound is left out for it: what comes late after all stands behind the silence.
///
/// A gap, in which nothing came of any track, is filled as well, and only when it is over: nobody knows before that the recording goes on. Its
/// silence is in the longest packets there are, so that a minute of it is some 10 KB.
struct SilenceFiller {
    /// How far clocks move a frame without there being a hole.
    private static let tolerance: Duration = .milliseconds(5)
    /// Nothing of any track for longer than this is a gap.
    static let shortestGap: Duration = .seconds(1)
    /// For a recorder: a publisher that is overloaded sends sound and pictures some seconds apart.
    static let recordersPatience: Duration = .seconds(5)
    /// For who reads what a recorder has written: the recorder's own silence comes first.
    static let readersPatience: Duration = recordersPatience + .seconds(1)

    fileprivate struct Track {
        let form: SoundForm
        /// Its end until now.
        var end: Duration = .zero
        /// How much earlier a player that counts samples plays what comes at `end`. Holes are no whole number of frames: the rest is not forgotten.
        var ahead: Duration = .zero
        /// It has been silent for so long that silence goes on beside the other tracks.
        var isSilent = false
        /// Where the last piece of it stands.
        var last: Duration = .milliseconds(-1)
        /// That is silence of ours.
        var endsInSilence = false
        var pace = TrackPace()
    }

    private let patience: Duration
    private var tracks: [UInt8: Track]
    private var newest: Duration = .zero

    /// `patience` is how long a track's own next frame may still come behind the other tracks'.
    init(tracks: [MatroskaTrack], patience: Duration) {
        self.patience = patience
        let forms = tracks.compactMap { track in SoundForm(track).map { (track.number, Track(form: $0)) } }
        self.tracks = Dictionary(forms, uniquingKeysWith: { first, _ in first })
    }

    /// The frame, at the place where it is to stand, behind the silence that must stand before it.
    mutating func fill(before frame: MatroskaFrame) -> [MatroskaFrame] {
        let isGap = frame.time - newest > Self.shortestGap
        var row: [MatroskaFrame] = []
        for number in tracks.keys.sorted() { row += silence(of: number, before: frame, isGap: isGap) }
        row.sort { $0.time < $1.time }
        newest = max(newest, frame.time)
        var frame = frame
        tracks[frame.track]?.place(&frame)
        return row + [frame]
    }

    private mutating func silence(of number: UInt8, before frame: MatroskaFrame, isGap: Bool) -> [MatroskaFrame] {
        guard var track = tracks[number] else { return [] }
        defer { tracks[number] = track }
        let isOwn = frame.track == number
        track.isSilent = !isOwn && (track.isSilent || isGap || frame.time - track.end > patience)
        guard isOwn || track.isSilent else { return [] }
        var row: [MatroskaFrame] = []
        if isGap, frame.time - newest > track.form.longestGap { track.end = max(track.end, frame.time) }
        if isGap {
            track.fill(number, count: track.frames(newest - track.end), into: &row)
            track.fillGap(number, to: frame.time, into: &row)
        }
        let hole = frame.time - track.end
        guard isOwn else {
            track.fill(number, count: track.frames(hole), into: &row)
            return row
        }
        guard hole > Self.tolerance else { return row }
        let fitting = track.frames(hole + track.form.frame - .nanoseconds(1))
        track.fill(number, count: min(fitting, track.frames(hole + track.ahead + Self.tolerance)), into: &row)
        return row
    }
}

extension SilenceFiller.Track {
    /// Puts a frame that came behind the track's end; its time rises.
    fileprivate mutating func place(_ frame: inout MatroskaFrame) {
        // Rounded times would make every piece a little too long or too short.
        if last >= .zero, max(frame.time - end, end - frame.time) <= form.rounding { frame.time = end }
        // Once: each step after that is the track's own again.
        if endsInSilence, frame.time <= last { _ = pace.place(last, ofPart: 1) }
        endsInSilence = false
        frame.time = pace.place(frame.time, ofPart: 0)
        last = frame.time
        ahead += frame.time - end
        end = frame.time + form.duration(of: frame.bytes)
    }

    fileprivate mutating func fill(_ number: UInt8, count: Int, into row: inout [MatroskaFrame]) {
        guard let packet = form.packet else { return }
        for _ in 0..<max(0, count) { add(packet, frames: 1, number, to: &row) }
    }

    fileprivate mutating func fillGap(_ number: UInt8, to limit: Duration, into row: inout [MatroskaFrame]) {
        while case let count = frames(limit - end), count > 0, let gap = form.gap(count) {
            add(gap.packet, frames: gap.frames, number, to: &row)
        }
    }

    private mutating func add(_ packet: [UInt8], frames: Int, _ number: UInt8, to row: inout [MatroskaFrame]) {
        row.append(MatroskaFrame(track: number, time: end, isKeyframe: true, bytes: packet))
        (last, endsInSilence) = (end, true)
        end += form.frame * frames
    }

    /// Whole frames of silence in it.
    fileprivate func frames(_ time: Duration) -> Int { Int(clamping: time.wholeNanoseconds / form.frame.wholeNanoseconds) }
}

/// How long a packet of Opus sounds (RFC 6716 section 3.1 and 3.2); 20 ms where it does not say.
func opusDuration(_ packet: [UInt8]) -> Duration {
    guard let head = packet.first else { return .milliseconds(20) }
    let configuration = Int(head >> 3)
    let microseconds =
        switch configuration {
        case ..<12: [10_000, 20_000, 40_000, 60_000][configuration & 3]  // SILK
        case 12..<16: [10_000, 20_000][configuration & 1]  // hybrid
        default: [2500, 5000, 10_000, 20_000][configuration & 3]  // CELT
        }
    let frames =
        switch head & 3 {
        case 0: 1
        case 1, 2: 2
        default: packet.count > 1 ? max(1, Int(packet[1] & 0x3F)) : 1
        }
    // No packet is longer than this (section 3.2.5).
    return .microseconds(min(120_000, microseconds * frames))
}
