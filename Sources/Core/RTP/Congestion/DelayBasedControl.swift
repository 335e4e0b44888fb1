/// The rate that the path takes without a growing queue: additive or multiplicative increase, multiplicative decrease
/// (draft-ietf-rmcat-gcc-02 section 5.5). Times are nanoseconds of our clock.
struct DelayBasedControl: Sendable {
    /// What is left of the acknowledged rate when a queue grows: the queue has to drain.
    static let backOff = 0.85
    /// Growth a second while the path's capacity is unknown.
    private static let growth = 1.08
    /// When at least this much of what is sent comes through, what is sent does not fill the path: a longer way and other senders' queues look like ours.
    private static let comesThrough = 0.9
    /// An estimate beyond this much of what really flows would be a guess.
    private static let headroom = 1.5
    private static let headroomBase = Bitrate.kilobits(10)
    private static let floor = Bitrate.kilobits(30)
    /// A second decrease has to wait until the first shows.
    private static let shortestPause: Int64 = 100_000_000
    /// One packet, the step of additive increase.
    private static let packetBytes = 1200

    private(set) var rate: Bitrate
    private let maximum: Bitrate
    /// The rate at which queues began to grow, smoothed; nil while unknown.
    private var capacity: Bitrate?
    private var isHolding = false
    private var updatedAt: Int64?
    private var decreasedAt: Int64?
    private(set) var hasDecreased = false

    init(start: Bitrate, maximum: Bitrate) {
        rate = start
        self.maximum = maximum
    }

    /// Takes what a feedback showed; `flow` is nil while too little is known. `roundTrip` in nanoseconds.
    mutating func update(_ usage: PathUsage, flow: AcknowledgedRate.Flow?, roundTrip: Int64, now: Int64) {
        let elapsed = updatedAt.map { min(1_000_000_000, max(0, now - $0)) } ?? 0
        updatedAt = now
        switch usage {
        case .over: decrease(flow, roundTrip: roundTrip, now: now)
        case .under:
            isHolding = true
            // A queue drains as fast as the path takes packets, which can be faster than before.
            if let flow { rate = min(maximum, max(rate, flow.arrived * Self.backOff)) }
        case .normal:
            guard !isHolding else {
                isHolding = false
                return
            }
            increase(flow?.arrived, elapsed: elapsed, roundTrip: roundTrip)
        }
    }

    /// A probe showed that the path takes this rate.
    mutating func raise(to probed: Bitrate) {
        guard probed > rate else { return }
        rate = min(probed, maximum)
        if let known = capacity, probed > known * 1.2 { capacity = nil }
    }

    private mutating func increase(_ acknowledged: Bitrate?, elapsed: Int64, roundTrip: Int64) {
        var next: Bitrate
        if let capacity, rate < capacity * 1.1, rate > capacity * 0.7 {
            next = rate + additiveStep(elapsed: elapsed, roundTrip: roundTrip)
        } else {
            if let known = capacity, rate > known * 1.1 { capacity = nil }
            // Small parts of a second: growth^t is 1 + t * ln(growth).
            next = rate * (1 + 0.077 * Double(elapsed) / 1e9)
        }
        if let acknowledged {
            // What flows was never too much; what nobody sends shows nothing.
            next = min(next, max(rate, acknowledged * Self.headroom + Self.headroomBase))
            next = max(next, acknowledged)
        }
        rate = min(next, maximum)
    }

    /// About one packet in each response time (section 5.5).
    private func additiveStep(elapsed: Int64, roundTrip: Int64) -> Bitrate {
        let responseTime = Double(roundTrip + 100_000_000)
        let perSecond = max(4000, Double(Self.packetBytes) * 8 * 1e9 / responseTime)
        return Bitrate(bitsPerSecond: Int64(perSecond * Double(elapsed) / 1e9))
    }

    private mutating func decrease(_ flow: AcknowledgedRate.Flow?, roundTrip: Int64, now: Int64) {
        isHolding = true
        let pause = max(Self.shortestPause, min(roundTrip, 300_000_000))
        if let decreasedAt, now - decreasedAt < pause { return }
        decreasedAt = now
        hasDecreased = true
        guard let flow else {
            rate = max(Self.floor, rate * 0.5)
            return
        }
        let acknowledged = flow.arrived
        guard acknowledged < flow.sent * Self.comesThrough else {
            // An application that sends less than it may has not found the path's end. A queue of its own goes on growing, and step by step the
            // estimate comes down to what is sent.
            rate = max(Self.floor, max(rate, acknowledged) * Self.backOff)
            return
        }
        let known = capacity ?? acknowledged
        // A rate far from what was known: the path is another one.
        capacity = acknowledged < known * 0.7 || acknowledged > known * 1.3 ? acknowledged : known * 0.95 + acknowledged * 0.05
        rate = max(Self.floor, min(rate, acknowledged * Self.backOff))
    }
}
