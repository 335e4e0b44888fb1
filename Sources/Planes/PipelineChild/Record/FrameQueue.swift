internal import LinuxIO

/// From the threads that make frames to the one that takes them: bounded, and never waiting on the side that pushes.
final class FrameQueue: @unchecked Sendable {
    // Unchecked: everything that changes is guarded by `condition`.
    private let condition = SteadyCondition()
    private var items: [Item] = []
    private var bytes = 0
    private var isFinishing = false
    /// A track has ended, or a frame has come that is in a hurry: the taker is waited for.
    private var isUrgent = false
    private let wakesWithFrames: Bool

    /// What a slow disk may hold back: some ten seconds of video.
    private static let byteLimit = 32 * 1024 * 1024

    enum Item {
        case format(track: Int, RecordingAssembler.Format)
        case frame(TimedFrame)
        case end(track: Int)
    }

    /// A recorder's frames wake nobody, and its writer looks from time to time: `wakesWithFrames` is for pictures that somebody looks at.
    init(wakesWithFrames: Bool = false) { self.wakesWithFrames = wakesWithFrames }

    /// False when the queue is full and the frame was not taken.
    func push(_ item: Item) -> Bool {
        condition.withLock {
            if case .frame(let frame) = item {
                guard bytes + frame.bytes.count <= Self.byteLimit else { return false }
                bytes += frame.bytes.count
            }
            items.append(item)
            switch item {
            case .end: isUrgent = true
            case .frame: isUrgent = isUrgent || wakesWithFrames
            case .format: break
            }
            if isUrgent { condition.signal() }
            return true
        }
    }

    /// No more is to come than what is in the queue: the writer ends.
    func finish() {
        condition.withLock {
            isFinishing = true
            condition.signal()
        }
    }

    /// Everything that is there after `limit`, earlier at the end of a track and of all.
    func take(waiting limit: Duration) -> (items: [Item], isFinishing: Bool) {
        condition.withLock {
            // A wake-up without a reason shortens one wait, which does no harm.
            if !isFinishing, !isUrgent { condition.wait(for: limit) }
            isUrgent = false
            defer {
                items = []
                bytes = 0
            }
            return (items, isFinishing)
        }
    }
}
