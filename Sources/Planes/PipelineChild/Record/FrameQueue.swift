internal import Foundation

/// From the streaming threads to the writer thread: bounded, and never waiting on the side that pushes.
final class FrameQueue: @unchecked Sendable {
    // Unchecked: everything that changes is guarded by `condition`.
    private let condition = NSCondition()
    private var items: [Item] = []
    private var bytes = 0
    private var isFinishing = false

    /// What a slow disk may hold back: some ten seconds of video.
    private static let byteLimit = 32 * 1024 * 1024

    enum Item {
        case format(track: Int, RecordingAssembler.Format)
        case frame(TimedFrame)
        case end(track: Int)
    }

    /// False when the queue is full and the frame was not taken.
    func push(_ item: Item) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        if case .frame(let frame) = item {
            guard bytes + frame.bytes.count <= Self.byteLimit else { return false }
            bytes += frame.bytes.count
        }
        items.append(item)
        condition.signal()
        return true
    }

    /// No more is to come than what is in the queue: the writer ends.
    func finish() {
        condition.lock()
        isFinishing = true
        condition.signal()
        condition.unlock()
    }

    /// Everything that is there, waiting for `seconds` at most.
    func take(waiting seconds: Double) -> (items: [Item], isFinishing: Bool) {
        condition.lock()
        defer { condition.unlock() }
        if items.isEmpty, !isFinishing { _ = condition.wait(until: Date(timeIntervalSinceNow: seconds)) }
        defer {
            items = []
            bytes = 0
        }
        return (items, isFinishing)
    }
}
