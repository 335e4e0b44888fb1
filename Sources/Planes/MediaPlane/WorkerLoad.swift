import BridgeModel
import Synchronization

/// How busy a worker is: the share of a second in which it did not wait, of the last two seconds the lesser one, so that many who join at the same
/// time are not taken for a load that stays. Written by the worker, read by whoever admits viewers.
final class WorkerLoad: Sendable {
    private let permille = Atomic<Int>(0)

    /// 0...1.
    var share: Double { Double(permille.load(ordering: .relaxed)) / 1000 }

    fileprivate func store(_ share: Double) { permille.store(Int(share * 1000), ordering: .relaxed) }
}

/// The worker's side of it.
struct LoadMeter {
    private static let window: Duration = .seconds(1)

    private let load: WorkerLoad
    private var windowStart: MonotonicTime
    private var waited: Duration = .zero
    private var lastShare = 0.0

    init(_ load: WorkerLoad, now: MonotonicTime) {
        self.load = load
        windowStart = now
    }

    /// The worker waited from `start` to `end`.
    mutating func waited(from start: MonotonicTime, to end: MonotonicTime) {
        waited += end.duration(since: start)
        let passed = end.duration(since: windowStart)
        guard passed >= Self.window else { return }
        let share = min(max(0, 1 - waited / passed), 1)
        load.store(min(share, lastShare))
        lastShare = share
        windowStart = end
        waited = .zero
    }
}
