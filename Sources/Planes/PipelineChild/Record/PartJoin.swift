internal import Matroska

/// Where a track goes over from the parts until now to a later one: at a frame that both hold.
struct Seam: Equatable {
    /// Its time in the parts until now, which end here; on the result's timeline.
    var earlier: Duration
    /// The time in the later part that it is used from, on its own timeline: the shared frame's, or of what only the later part has before it.
    var later: Duration
    /// What brings the later part's times of this track onto the result's timeline.
    let offset: Duration

    /// A seam at a frame with these times.
    init(earlier: Duration, later: Duration) {
        self.earlier = earlier
        self.later = later
        offset = earlier - later
    }
}

/// Looks for the frames that a part shares with those before it, track by track. Pure.
///
/// Frames are known again by their bytes, since the two recorders' clocks do not agree to the frame: not on the time of day, and not on the time
/// between a sound and the picture beside it. Where nothing is shared, everything in the later part is new.
struct PartJoin {
    /// How one track of the later part begins, on that part's own timeline.
    struct Beginning {
        var isVideo: Bool
        /// In their order, one at least: a picture tells by itself where it belongs, sound only by what is beside it.
        var frames: [MatroskaFrame]

        /// How many frames are enough to know the place again.
        var isLongEnough: Bool { isVideo || frames.count >= 100 }
    }

    /// How far two recorders' clocks may be apart on one frame.
    static let clockTolerance: Duration = .seconds(1)
    /// How far they may have moved a sound against a picture that both have: a publisher that is overloaded sends the two some seconds apart.
    static let soundTolerance: Duration = .seconds(4)
    /// Between the frames of two parts whose clocks would let them overlap.
    private static let smallestGap: Duration = .milliseconds(20)

    private let beginnings: [UInt8: Beginning]
    private let offsetByClock: Duration?
    /// The frames until now that the beginnings may be among.
    private var rows: [UInt8: [MatroskaFrame]] = [:]
    /// Where each track ends until now, on the result's timeline.
    private(set) var ends: [UInt8: Duration] = [:]

    /// Tracks have the result's numbers; `offsetByClock` is where the later part begins on the result's timeline by the time of day, nil when it
    /// does not know that.
    init(beginnings: [UInt8: Beginning], offsetByClock: Duration?) {
        self.beginnings = beginnings
        self.offsetByClock = offsetByClock
    }

    /// Whether the later part begins so long after this moment of the result's timeline that it holds nothing from before it.
    func isWellAfter(_ moment: Duration) -> Bool {
        guard let offsetByClock else { return true }
        return moment < offsetByClock - Self.clockTolerance * 2 - Self.soundTolerance
    }

    /// Takes the frames of the parts until now, those of a track in their order.
    mutating func take(_ frame: MatroskaFrame) {
        ends[frame.track] = max(ends[frame.track] ?? frame.time, frame.time)
        guard let offsetByClock, let beginning = beginnings[frame.track] else { return }
        guard let first = beginning.frames.first, let last = beginning.frames.last else { return }
        let (time, tolerance) = (frame.time - offsetByClock, Self.clockTolerance + Self.soundTolerance)
        guard time >= first.time - tolerance, time <= last.time + tolerance else { return }
        guard !beginning.isVideo || (frame.isKeyframe && frame.bytes == first.bytes) else { return }
        rows[frame.track, default: []].append(frame)
    }

    /// Where the tracks go over; those that share nothing have no seam.
    func seams() -> [UInt8: Seam] {
        guard let offsetByClock else { return [:] }
        var seams: [UInt8: Seam] = [:]
        for (track, beginning) in beginnings where beginning.isVideo {
            seams[track] = nearestPicture(rows[track] ?? [], to: beginning, offset: offsetByClock)
        }
        // Where a picture is shared, the parts do overlap, however far sound and picture are apart. Otherwise only the clock says so.
        let picture = leading(seams, isVideo: true)
        for (track, beginning) in beginnings where !beginning.isVideo {
            seams[track] =
                SoundMatch(
                    earlier: rows[track] ?? [], later: beginning.frames, offset: picture?.offset ?? offsetByClock,
                    reach: picture == nil ? Self.clockTolerance : Self.soundTolerance
                ).seam
        }
        return seams
    }

    /// What brings the later part onto the result's timeline: pictures stand where they stood, and what shares nothing comes after what there is.
    func offset(with seams: [UInt8: Seam]) -> Duration {
        if let picture = leading(seams, isVideo: true) { return picture.offset }
        guard let sound = leading(seams, isVideo: false) else {
            guard let end = ends.values.max() else { return offsetByClock ?? .zero }
            return max(offsetByClock ?? .zero, end + Self.smallestGap)
        }
        let others = beginnings.compactMap { track, beginning -> Duration? in
            guard seams[track] == nil, let end = ends[track], let first = beginning.frames.first else { return nil }
            return end + Self.smallestGap - first.time
        }
        return others.reduce(sound.offset, max)
    }

    private func leading(_ seams: [UInt8: Seam], isVideo: Bool) -> Seam? {
        seams.filter { beginnings[$0.key]?.isVideo == isVideo }.min { $0.key < $1.key }?.value
    }

    private func nearestPicture(_ row: [MatroskaFrame], to beginning: Beginning, offset: Duration) -> Seam? {
        guard let first = beginning.frames.first else { return nil }
        return row.map { Seam(earlier: $0.time, later: first.time) }
            .filter { $0.distance(from: offset) <= Self.clockTolerance }
            .min { $0.distance(from: offset) < $1.distance(from: offset) }
    }
}

extension Seam {
    /// How far it is from a place that was foretold by another offset.
    func distance(from foretold: Duration) -> Duration { max(offset - foretold, foretold - offset) }
}
