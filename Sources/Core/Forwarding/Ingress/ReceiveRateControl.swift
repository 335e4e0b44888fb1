package import BridgeModel
package import RTP

/// An estimate of what a publisher may send, for one that takes nothing but REMB.
///
/// Where the absolute send time was negotiated, the one-way delay against its smallest value of the last seconds shows a queue that grows: then the
/// estimate falls below what arrives. Loss does the same. Otherwise it rises, up to a little above what arrives: more was never tried.
package struct ReceiveRateControl: Sendable {
    private static let window: Int64 = 500_000_000
    /// A standing queue of this length is overuse; once it is half of it, the estimate may rise again.
    private static let longestQueue: Int64 = 60_000_000
    /// The smallest delay is looked for in this time and the one before.
    private static let baseline: Int64 = 5_000_000_000
    /// REMB is repeated this often (the sender forgets none, but it may be lost); a fall is told at once.
    private static let repetition: Int64 = 1_000_000_000
    /// Never less: below this no picture is worth sending.
    private static let minimum = Bitrate(bitsPerSecond: 50_000)

    /// Bits a second that the publisher may send, for all its tracks together.
    package private(set) var estimate: Bitrate
    private let maximum: Bitrate
    private var windowStart: Int64?
    private var windowBytes: Int64 = 0
    private var windowPackets: Int64 = 0
    private var queue = DelayBaseline(span: Self.baseline)
    private var isOverused = false
    private var toldAt: Int64?
    private var told = Bitrate.zero

    /// Begins with `start`; never tells more than `maximum`.
    package init(start: Bitrate = .kilobits(2000), maximum: Bitrate) {
        estimate = min(start, maximum)
        self.maximum = maximum
    }

    /// Takes a packet of `bytes`; `sendTime` is the 24-bit absolute send time, where there is one.
    package mutating func receive(bytes: Int, sendTime: UInt32?, arrival: MonotonicTime) {
        let now = Int64(clamping: arrival.nanoseconds)
        if windowStart == nil { windowStart = now }
        windowBytes += Int64(bytes)
        windowPackets += 1
        if let sendTime { queue.observe(sendTime: sendTime, arrival: now) }
    }

    /// Ends a window when it is due; `lost` is how many packets the network lost since the last call that returned true. True when the estimate was renewed.
    package mutating func update(lost: Int64, now: MonotonicTime) -> Bool {
        let time = Int64(clamping: now.nanoseconds)
        guard let start = windowStart, time - start >= Self.window else { return false }
        let incoming = Bitrate(bytes: windowBytes, nanoseconds: time - start)
        let loss = Double(max(0, lost)) / Double(max(1, windowPackets + max(0, lost)))
        windowStart = time
        windowBytes = 0
        windowPackets = 0
        isOverused = queue.delay > (isOverused ? Self.longestQueue / 2 : Self.longestQueue)
        if isOverused {
            estimate = min(estimate, incoming * 0.85)
        } else if loss > 0.1 {
            estimate = estimate * (1 - loss / 2)
        } else if loss < 0.02 {
            estimate = max(estimate, min(estimate * 1.08, incoming * 1.5))
        }
        estimate = min(max(estimate, Self.minimum), maximum)
        return true
    }

    /// Whether the publisher is to be told now; `markTold` when it was.
    package func isDue(now: MonotonicTime) -> Bool {
        guard windowStart != nil else { return false }
        guard let toldAt else { return true }
        return Int64(clamping: now.nanoseconds) - toldAt >= Self.repetition || estimate < told * 0.97
    }

    /// The estimate was sent.
    package mutating func markTold(now: MonotonicTime) {
        toldAt = Int64(clamping: now.nanoseconds)
        told = estimate
    }

    /// When `update` or `isDue` changes next; nil before the first packet.
    package var deadline: MonotonicTime? {
        windowStart.map { MonotonicTime(nanoseconds: UInt64(max(0, $0 + Self.window))) }
    }
}

/// How long packets wait in the network: their one-way delay, of which only changes can be known, against its smallest value lately.
///
/// Arithmetic wraps: a sender that lies about its clock gets a wrong estimate, and no more.
struct DelayBaseline: Sendable {
    private struct Previous: Sendable {
        var sendTime: UInt32
        var arrival: Int64
    }

    private let span: Int64
    private var previous: Previous?
    /// The delay minus that of the first packet.
    private var relative: Int64 = 0
    private var smallest = Int64.max
    private var smallestBefore = Int64.max
    private var spanStart: Int64?
    private var smoothed: Int64 = 0

    /// `span` in nanoseconds: the smallest delay of this time and the same before it counts.
    init(span: Int64) { self.span = span }

    /// Smoothed waiting time in nanoseconds.
    var delay: Int64 { smoothed }

    /// Takes a packet's 24-bit absolute send time and when it came, in nanoseconds.
    mutating func observe(sendTime: UInt32, arrival: Int64) {
        if let previous {
            // Moved up by eight bits the 24-bit time wraps as a timestamp does; 2^-26 s are 1,953,125 / 2^17 ns.
            let step = TimestampUnwrapper.distance(from: previous.sendTime << 8, to: sendTime << 8)
            let sent = (step * 1_953_125) >> 17
            relative = relative &+ (arrival &- previous.arrival) &- sent
        }
        previous = Previous(sendTime: sendTime, arrival: arrival)
        if spanStart.map({ arrival &- $0 > span }) ?? true {
            spanStart = arrival
            smallestBefore = smallest
            smallest = relative
        }
        smallest = min(smallest, relative)
        smoothed = smoothed &+ (relative &- min(smallest, smallestBefore) &- smoothed) / 16
    }
}
