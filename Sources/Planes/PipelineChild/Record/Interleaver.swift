/// A frame on its way into the file.
struct TimedFrame: Equatable {
    /// Index of its track in the plan.
    var track: Int
    /// Presentation time on the local monotonic clock, ns.
    var time: UInt64
    var isKeyframe: Bool
    var bytes: [UInt8]
    /// When it was handed over, ns.
    var receivedAt: UInt64
    /// The format that begins with it; nil where it is that of the frame before.
    var beginsFormat: RecordingAssembler.Format?
}

/// Puts the frames of several tracks into the order of time. It waits for a track that is behind, but never longer than `patience`, so that a muted
/// microphone or a stopped camera keeps nothing from the disk. Pure.
///
/// After a standstill (of the machine, of the bridge, of the line) many seconds come at once, each track at its own speed: a track that was there before is
/// waited for longer then, as long as it brings something. Else its sound would stand behind pictures of much later.
struct Interleaver {
    /// More than the difference in delay between a source's tracks; it adds to what a crash costs.
    static let patience: UInt64 = 300_000_000
    /// The longest wait for what a standstill held back.
    static let patienceAfterStandstill: UInt64 = 3_000_000_000
    /// Frames that come so much later than they are presented were held back, ns.
    private static let standstill: UInt64 = 1_000_000_000
    /// A track was there at a time if it has a frame from so shortly before it, and still brings something if the last came so lately, ns.
    private static let presence: UInt64 = 2_000_000_000
    private static let pause: UInt64 = 1_500_000_000

    private var queues: [[TimedFrame]]
    /// Of each track's newest frame.
    private var newest: [(time: UInt64, receivedAt: UInt64)?]

    init(tracks: Int) {
        queues = Array(repeating: [], count: tracks)
        newest = Array(repeating: nil, count: tracks)
    }

    /// Adds a frame; a track's frames come in order.
    mutating func add(_ frame: TimedFrame) {
        guard queues.indices.contains(frame.track) else { return }
        queues[frame.track].append(frame)
        newest[frame.track] = (frame.time, frame.receivedAt)
    }

    /// Takes away the frames of a track that were handed over before `moment`.
    mutating func drop(ofTrack track: Int, receivedBefore moment: UInt64) {
        guard queues.indices.contains(track) else { return }
        queues[track].removeAll { $0.receivedAt < moment }
    }

    /// Takes away what was from before `time`.
    mutating func drop(before time: UInt64) {
        for index in queues.indices { queues[index].removeAll { $0.time < time } }
    }

    /// Takes the frames that may be written now, in order; all of them when `isLast`.
    mutating func release(now: UInt64, isLast: Bool = false) -> [TimedFrame] {
        var released: [TimedFrame] = []
        var heads = [Int](repeating: 0, count: queues.count)
        while let next = earliest(heads) {
            let frame = queues[next][heads[next]]
            let waits = queues.indices.contains { heads[$0] >= queues[$0].count && isWaitedFor($0, before: frame, now: now) }
            guard isLast || !waits else { break }
            released.append(frame)
            heads[next] += 1
        }
        for index in queues.indices { queues[index].removeFirst(heads[index]) }
        return released
    }

    private func isWaitedFor(_ track: Int, before frame: TimedFrame, now: UInt64) -> Bool {
        if now < frame.receivedAt + Self.patience { return true }
        let wasHeldBack = frame.receivedAt >= frame.time + Self.standstill
        guard wasHeldBack, now < frame.receivedAt + Self.patienceAfterStandstill, let newest = newest[track] else { return false }
        return frame.time < newest.time + Self.presence || now < newest.receivedAt + Self.pause
    }

    private func earliest(_ heads: [Int]) -> Int? {
        queues.indices.filter { heads[$0] < queues[$0].count }.min { queues[$0][heads[$0]].time < queues[$1][heads[$1]].time }
    }
}
