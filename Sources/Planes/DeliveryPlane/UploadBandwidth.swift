internal import Bridge
internal import BridgeModel
internal import Synchronization

/// What all transfers of files share.
struct TransferServices: Sendable {
    /// For reading files.
    var pool: BlockingPool
    var bandwidth: UploadBandwidth
    /// The longest time in which no byte moves, the wait for the reply included.
    var stallTimeout: Duration
}

/// Shares `uploads.bandwidth` among all uploads.
final class UploadBandwidth: Sendable {
    private let bucket: Mutex<TokenBucket?>
    private let start = ContinuousClock.now

    /// `bytesPerSecond`: 0 for as much as there is.
    init(bytesPerSecond: Int) {
        bucket = Mutex(bytesPerSecond > 0 ? TokenBucket(rate: Int64(bytesPerSecond), now: MonotonicTime(nanoseconds: 0)) : nil)
    }

    private static let step: Duration = .seconds(1)

    /// Returns when so many bytes may be sent, or when the task is cancelled. `whileWaiting`: called every second at least.
    func wait(for count: Int, whileWaiting: () -> Void) async {
        let now = MonotonicTime(nanoseconds: UInt64(clamping: (ContinuousClock.now - start).wholeNanoseconds))
        var pause = bucket.withLock { $0?.take(count, now: now) ?? .zero }
        while pause > .zero, !Task.isCancelled {
            whileWaiting()
            try? await Task.sleep(for: min(pause, Self.step))
            pause -= Self.step
        }
    }
}
