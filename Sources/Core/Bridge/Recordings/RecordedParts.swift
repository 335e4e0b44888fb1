internal import BridgeModel

/// The files of one segment, in order: each is one recorder's, and only the newest can be the running recorder's.
struct RecordedParts: Sendable {
    struct Part: Sendable, Equatable {
        let number: Int
        /// Its recorder runs, or has not said yet that it ended.
        var isOpen = true
        /// Its recorder completed the file.
        var isClean = false
        var bytes: Int64 = 0
        var duration: Duration = .zero
        /// Wall-clock time of its first frame; nil before that.
        var startedAt: WallTime?
        /// The complete MP4 that its recorder wrote beside it.
        var movie: WrittenFile?
        /// That MP4 is not to be the segment's file, whatever there is of it.
        var hasGivenUpMovie = false
        /// From the part's beginning.
        var gaps: [RecordingGap] = []

        /// Where its media ends, as far as is known.
        var endsAt: WallTime? { startedAt?.advanced(by: duration) }
    }

    private(set) var all: [Part] = []

    init() {}

    /// Parts that lie on the disk; their recorders have ended.
    init(closed numbers: [Int]) { all = numbers.map { Part(number: $0, isOpen: false) } }

    /// The newest.
    var last: Part? { all.last }
    var hasOpen: Bool { all.contains(where: \.isOpen) }
    var open: [Part] { all.filter(\.isOpen) }
    var bytes: Int64 { all.reduce(0) { $0 + $1.bytes } }
    /// What a file can be made of. A part without media has no bytes in its clean end; what a dead recorder left is only known from the disk.
    var useful: [Part] { all.filter { !$0.isClean || $0.bytes > 0 } }
    /// The longest with anything in it.
    var longest: Part? { all.max { $0.duration < $1.duration }.flatMap { $0.bytes > 0 ? $0 : nil } }

    /// Part `number` was completed by its recorder.
    func isClean(_ number: Int) -> Bool { all.contains { $0.number == number && $0.isClean } }
    func contains(_ number: Int) -> Bool { all.contains { $0.number == number } }

    /// A new part behind the others.
    mutating func begin(_ number: Int) { all.append(Part(number: number)) }

    /// Changes part `number`, if it is one of these.
    mutating func update(_ number: Int, _ change: (inout Part) -> Void) {
        guard let index = all.firstIndex(where: { $0.number == number }) else { return }
        change(&all[index])
    }

    /// Part `number` ends with its recorder's last word; false when it had ended before.
    mutating func close(_ number: Int, with event: PipelineEvent) -> Bool {
        guard let index = all.firstIndex(where: { $0.number == number && $0.isOpen }) else { return false }
        all[index].isOpen = false
        switch event {
        case .finished(let bytes, let duration): (all[index].isClean, all[index].bytes, all[index].duration) = (true, bytes, duration)
        // A recorder that met a full disk closed its file before it said so.
        case .failed(let error): all[index].isClean = error.code == .storageFull
        default: break
        }
        return true
    }

    /// The MP4 beside a part is of no use any more. False when that was known, and for parts that have none: only a segment's first is written so.
    mutating func giveUpMovie(of number: Int) -> Bool {
        guard all.first?.number == number, !all[0].hasGivenUpMovie else { return false }
        (all[0].movie, all[0].hasGivenUpMovie) = (nil, true)
        return true
    }

    /// Gives up on all recorders.
    mutating func abandonAll() {
        for index in all.indices { all[index].isOpen = false }
    }

    /// Times without media from the first part's beginning: those that recorders saw, and those between parts, whose cause is `between`.
    func gaps(between cause: RecordingGap.Cause) -> [RecordingGap] {
        guard let start = useful.first?.startedAt else { return [] }
        var gaps: [RecordingGap] = []
        var end: WallTime?
        for part in useful {
            guard let begin = part.startedAt else { continue }
            if let end, begin.nanoseconds - end.nanoseconds >= Self.shortestGap {
                gaps.append(RecordingGap(offset: end.since(start), length: begin.since(end), cause: cause))
            }
            gaps += part.gaps.map { RecordingGap(offset: begin.since(start) + $0.offset, length: $0.length, cause: $0.cause) }
            end = part.endsAt
        }
        return gaps
    }

    /// What lies between two parts is a gap from this on, ns.
    private static let shortestGap: Int64 = 100_000_000
}

extension WallTime {
    /// The time from `other` until this moment.
    fileprivate func since(_ other: WallTime) -> Duration { .nanoseconds(nanoseconds &- other.nanoseconds) }
}

/// A segment while its file is being made.
struct RecordedSegment: Sendable {
    enum Phase: Equatable {
        /// Parts are, or may still be, added.
        case open
        /// It has all its parts, and waits for the finisher.
        case closed
        /// `run`: counted from 1.
        case finishing(run: Int)
        /// Its file is in its place, or there is none.
        case complete
    }

    var row: SegmentRow
    var parts = RecordedParts()
    var phase = Phase.open
    /// Why there may be gaps between its parts.
    var gapsBetween = RecordingGap.Cause.recorder

    /// The row with what its parts tell of it.
    mutating func sumUp() {
        row.startedAt = parts.useful.first?.startedAt ?? row.startedAt
        // Of parts that were written before the bridge started anew, only the row knows it.
        if parts.useful.contains(where: { $0.startedAt != nil }) { row.gaps = parts.gaps(between: gapsBetween) }
    }
}
