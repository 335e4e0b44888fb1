internal import BridgeModel
internal import RTP

/// A leaky bucket in virtual time: each packet moves the time at which the path is free again. While that is less than a burst ahead, packets leave at
/// once, so that an ordinary frame is not spread; only what is more, a keyframe or a joiner's GOP, leaves at the bucket's rate.
struct EgressPacer: Sendable {
    /// An ordinary frame of some Mbit/s.
    private static let burst = 14_400
    /// At high rates a burst lasts as long as a timer is precise.
    private static let shortestBurst: Int64 = 5_000_000
    /// A probe is even, or it would measure its own bursts: a timer's step.
    private static let probeAllowance: Int64 = 1_000_000

    private(set) var rate: Bitrate
    private var isProbing = false
    /// Nanoseconds for each byte.
    private var cost: Double
    /// How far ahead the path may be taken.
    private var allowance: Int64
    private var freeAt: Int64 = 0

    init(rate: Bitrate) {
        self.rate = rate
        (cost, allowance) = Self.derive(rate, isProbing: false)
    }

    /// Paces at another rate from now on. At a higher one the path is free of what left already so much sooner; a probe waits for none of it, since it is
    /// to show what the path takes beyond that.
    mutating func pace(at rate: Bitrate, isProbing: Bool = false, now: Int64) {
        guard rate != self.rate || isProbing != self.isProbing else { return }
        let before = cost
        let startsProbe = isProbing && !self.isProbing
        self.rate = rate
        self.isProbing = isProbing
        (cost, allowance) = Self.derive(rate, isProbing: isProbing)
        guard freeAt > now else { return }
        freeAt = startsProbe ? now : now + Int64(Double(freeAt - now) * min(1, cost / before))
    }

    /// Whether a packet may leave now.
    func isOpen(now: Int64) -> Bool { freeAt - now <= allowance }

    /// When a packet may leave.
    var opensAt: Int64 { freeAt - allowance }

    /// A packet left.
    mutating func sent(_ bytes: Int, now: Int64) {
        freeAt = max(freeAt, now) + Int64(Double(bytes) * cost)
    }

    private static func derive(_ rate: Bitrate, isProbing: Bool) -> (cost: Double, allowance: Int64) {
        let cost = 8e9 / Double(max(1000, rate.bitsPerSecond))
        guard !isProbing else { return (cost, probeAllowance) }
        return (cost, max(shortestBurst, Int64(Double(burst) * cost)))
    }
}
