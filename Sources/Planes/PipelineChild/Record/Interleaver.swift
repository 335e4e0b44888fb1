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
struct Interleaver {
    /// More than the difference in delay between a source's tracks; it adds to what a crash costs.
    static let patience: UInt64 = 300_000_000

    private var queues: [[TimedFrame]]

    init(tracks: Int) { queues = Array(repeating: [], count: tracks) }

    /// Adds a frame; a track's frames come in order.
    mutating func add(_ frame: TimedFrame) {
        guard queues.indices.contains(frame.track) else { return }
        queues[frame.track].append(frame)
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
            let everyTrackIsThere = queues.indices.allSatisfy { heads[$0] < queues[$0].count }
            guard isLast || everyTrackIsThere || now >= frame.receivedAt + Self.patience else { break }
            released.append(frame)
            heads[next] += 1
        }
        for index in queues.indices { queues[index].removeFirst(heads[index]) }
        return released
    }

    private func earliest(_ heads: [Int]) -> Int? {
        queues.indices.filter { heads[$0] < queues[$0].count }.min { queues[$0][heads[$0]].time < queues[$1][heads[$1]].time }
    }
}
