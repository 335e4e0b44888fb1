import BridgeModel
import NetworkTesting
import RTP

/// A sender that sends what its estimator allows over a virtual link, and a receiver that answers with transport-wide feedback every 50 ms.
struct SimulatedPath {
    struct Packet: Sendable {
        var sequence: UInt16
        var size: Int
    }

    private static let step: Int64 = 1_000_000
    private static let feedbackInterval: Int64 = 50_000_000
    private static let packetSize = 1200

    var estimator: BandwidthEstimator
    /// What the application could use.
    var wanted: Bitrate
    /// The application sends no more than this, whatever the estimate; nil: it fills the estimate.
    var applicationLimit: Bitrate?
    private(set) var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private(set) var link: VirtualLink<Packet>
    private let returnDelay: Duration
    private var credit = 0.0
    private var arrivals: [(sequence: Int, time: MonotonicTime)] = []
    private var unwrapper = SequenceUnwrapper()
    private var nextToReport = 0
    private var feedbackAt: MonotonicTime
    private var inFlightFeedback: [(due: MonotonicTime, content: [(UInt16, Int64?)])] = []
    /// The receiver's clock is another one.
    private let clockOffset: Int64 = 77_777_000_000

    init(_ conditions: LinkConditions, seed: UInt64, start: Bitrate = .kilobits(1000), wanted: Bitrate = .kilobits(8000)) {
        estimator = BandwidthEstimator(start: start, maximum: .kilobits(20_000))
        self.wanted = wanted
        link = VirtualLink(conditions, seed: seed)
        returnDelay = conditions.delay
        feedbackAt = now
    }

    mutating func change(_ conditions: LinkConditions) { link.change(conditions, now: now) }

    mutating func run(for duration: Duration) {
        let end = now.advanced(by: duration)
        while now < end {
            now = now.advanced(by: .nanoseconds(Self.step))
            send()
            receive()
            answer()
        }
    }

    /// Runs and returns the mean estimate.
    mutating func meanEstimate(over duration: Duration) -> Double {
        var sum = 0.0
        let parts = 20
        for _ in 0..<parts {
            run(for: duration / parts)
            sum += Double(estimator.estimate.bitsPerSecond)
        }
        return sum / Double(parts)
    }

    private mutating func send() {
        estimator.update(wanted: wanted, now: now)
        let media = min(estimator.estimate, applicationLimit ?? estimator.estimate)
        let rate = max(media, estimator.probeRate ?? .zero)
        credit = min(credit + Double(rate.bitsPerSecond) * Double(Self.step) / 8e9, Double(Self.packetSize) * 3)
        while credit >= Double(Self.packetSize) {
            credit -= Double(Self.packetSize)
            let sequence = estimator.nextSequence
            estimator.sent(size: Self.packetSize, now: now)
            link.send(Packet(sequence: sequence, size: Self.packetSize), size: Self.packetSize, now: now)
        }
    }

    private mutating func receive() {
        while let arrival = link.receive(now: now) {
            arrivals.append((Int(unwrapper.unwrap(arrival.payload.sequence)), arrival.time))
        }
        guard now >= feedbackAt else { return }
        feedbackAt = now.advanced(by: .nanoseconds(Self.feedbackInterval))
        guard let last = arrivals.map(\.sequence).max() else { return }
        var content: [(UInt16, Int64?)] = []
        let times = Dictionary(arrivals.map { ($0.sequence, $0.time) }, uniquingKeysWith: { first, _ in first })
        for sequence in min(nextToReport, arrivals.map(\.sequence).min() ?? 0)...last {
            // Feedback has steps of 250 us.
            let time = times[sequence].map { (Int64($0.nanoseconds) + clockOffset) / 250_000 * 250_000 }
            content.append((UInt16(truncatingIfNeeded: sequence), time))
        }
        nextToReport = last + 1
        arrivals.removeAll()
        inFlightFeedback.append((now.advanced(by: returnDelay), content))
    }

    private mutating func answer() {
        while let first = inFlightFeedback.first, first.due <= now {
            inFlightFeedback.removeFirst()
            for (sequence, arrival) in first.content {
                if let arrival {
                    estimator.packetArrived(sequence, arrival: arrival, now: now)
                } else {
                    estimator.packetMissing(sequence, now: now)
                }
            }
            estimator.endFeedback(now: now)
        }
    }
}
