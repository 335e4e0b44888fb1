package import BridgeModel
package import RTP

/// The packets of one source that are missing and worth asking for (RFC 4585 section 6.2.1).
///
/// A missing packet is asked for once it is later than reordering explains, then again each round trip, `maximumTries` times in all. A keyframe
/// makes what came before it useless. The list is bounded; when it overflows, or a packet is given up, only a keyframe helps.
package struct NackList: Sendable {
    /// Requests for one packet.
    static let maximumTries: UInt8 = 10
    /// Packets that are asked for at a time; of more, the oldest are given up.
    static let capacity = 512
    /// Retries come no faster than this, however short the round trip.
    private static let shortestRetry: Int64 = 20_000_000
    private static let longestRoundTrip: Int64 = 1_000_000_000
    /// How long a packet is taken for reordered rather than lost: learnt within these limits.
    private static let shortestPatience: Int64 = 5_000_000
    private static let longestPatience: Int64 = 50_000_000

    /// Times in nanoseconds of the monotonic clock.
    private struct Missing: Sendable {
        var sequence: Int64
        var noticedAt: Int64
        var dueAt: Int64
        var askedAt: Int64 = 0
        var tries: UInt8 = 0
    }

    /// In ascending order.
    private var missing: [Missing] = []
    private var patience = Self.shortestPatience
    private var roundTripTime: Int64
    private let hasOwnStream: Bool
    /// When the first of `missing` is due; nil when there is none.
    private var earliest: Int64?
    /// Packets that came because they were asked for.
    package private(set) var recovered: UInt64 = 0
    /// Packets that were given up: not those that a keyframe made useless.
    package private(set) var abandoned: UInt64 = 0
    /// Requests for packets: each packet counts each time.
    package private(set) var requested: UInt64 = 0

    /// `roundTrip` is used until retransmissions have measured it. `hasOwnStream`: retransmissions come in a stream of their own (RFC 4588), so that
    /// a packet that was asked for and comes as it is was only late.
    package init(roundTrip: Duration, hasOwnStream: Bool) {
        roundTripTime = min(max(0, roundTrip.wholeNanoseconds), Self.longestRoundTrip)
        self.hasOwnStream = hasOwnStream
    }

    /// Packets that are missing now.
    package var count: Int { missing.count }

    /// The smoothed time from a request to its answer.
    package var roundTrip: Duration { .nanoseconds(roundTripTime) }

    /// When `write` has something to ask for; nil while nothing is missing.
    package var deadline: MonotonicTime? { earliest.map { MonotonicTime(nanoseconds: UInt64(max(0, $0))) } }

    /// The packets of `range` did not come, although the one behind them did.
    package mutating func notice(_ range: Range<Int64>, now: MonotonicTime) {
        let kept = range.suffix(Self.capacity)
        let excess = missing.count + kept.count - Self.capacity
        abandoned += UInt64(range.count - kept.count + max(0, excess))
        if excess > 0 { missing.removeFirst(excess) }
        if missing.capacity < Self.capacity { missing.reserveCapacity(Self.capacity) }
        let noticed = Int64(clamping: now.nanoseconds)
        for sequence in kept { missing.append(Missing(sequence: sequence, noticedAt: noticed, dueAt: noticed + patience)) }
        findEarliest()
    }

    /// A packet that is not the newest came, as it is or as a retransmission.
    package mutating func receive(_ sequence: Int64, isRetransmission: Bool, now: MonotonicTime) {
        guard !missing.isEmpty, let index = index(of: sequence) else { return }
        let entry = missing.remove(at: index)
        let arrival = Int64(clamping: now.nanoseconds)
        if entry.tries == 0 || hasOwnStream && !isRetransmission {
            // Only late: from now on it is waited for a little longer than this took.
            patience = min(max(patience, (arrival - entry.noticedAt) * 5 / 4), Self.longestPatience)
        } else {
            recovered += 1
            // Of a packet that was asked for twice nobody knows which request was answered (Karn's rule).
            if entry.tries == 1 { measureRoundTrip(arrival - entry.askedAt) }
        }
        findEarliest()
    }

    /// A keyframe begins behind `sequence`: what came before that is not needed any more.
    package mutating func forget(before sequence: Int64) {
        guard let first = missing.first, first.sequence < sequence else { return }
        missing.removeAll { $0.sequence < sequence }
        findEarliest()
    }

    /// The source was replaced.
    package mutating func reset() {
        missing.removeAll(keepingCapacity: true)
        earliest = nil
    }

    /// Writes a request for all packets that are due; what does not fit stays due. Counts a packet that was asked for often enough as given up.
    package mutating func write(to writer: inout RTCPWriter, sender: UInt32, media: UInt32, now: MonotonicTime) {
        let time = Int64(clamping: now.nanoseconds)
        guard let earliest, earliest <= time else { return }
        let before = missing.count
        missing.removeAll { $0.tries >= Self.maximumTries && $0.dueAt <= time }
        abandoned += UInt64(before - missing.count)
        var hasBegun = false
        for index in missing.indices where missing[index].dueAt <= time {
            let sequence = UInt16(truncatingIfNeeded: missing[index].sequence)
            let isWritten = hasBegun ? writer.appendLost(sequence) : writer.appendNack(sender: sender, media: media, lost: sequence)
            guard isWritten else { break }
            hasBegun = true
            ask(index, at: time)
        }
        // Patience goes back to short by and by: a path that reordered once need not do so for ever.
        if hasBegun { patience = max(Self.shortestPatience, patience - patience / 64) }
        findEarliest()
    }

    private mutating func ask(_ index: Int, at time: Int64) {
        missing[index].tries += 1
        missing[index].askedAt = time
        missing[index].dueAt = time + max(Self.shortestRetry, roundTripTime + roundTripTime / 4)
        requested += 1
    }

    private mutating func measureRoundTrip(_ sample: Int64) {
        let bounded = min(max(0, sample), Self.longestRoundTrip)
        // RFC 6298's smoothing.
        roundTripTime += (bounded - roundTripTime) / 8
    }

    private mutating func findEarliest() { earliest = missing.lazy.map(\.dueAt).min() }

    private func index(of sequence: Int64) -> Int? {
        var low = 0
        var high = missing.count
        while low < high {
            let middle = (low + high) / 2
            if missing[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low < missing.count && missing[low].sequence == sequence ? low : nil
    }
}
