internal import BridgeModel
internal import RTP

/// What a viewer asked for again and may have: each packet at most once a round trip and a few times in all, all of them within a budget of bytes,
/// so that a flood of requests costs no more than its reading.
struct RetransmissionQueue: Sendable {
    private static let largestTries: UInt8 = 8
    /// Requests that wait; more are refused.
    private static let capacity = 128
    /// Packets whose tries are remembered.
    private static let memory = 64
    /// Nanoseconds; a round trip that seems shorter would let a request be answered twice.
    private static let shortestPause: Int64 = 8_000_000
    /// Part of the bandwidth that retransmissions may take in the long run.
    private static let share = 0.5
    private static let smallestRate = Bitrate.kilobits(200)
    /// Nanoseconds of that rate that may be used at once.
    private static let depth: Int64 = 500_000_000

    private struct Tried: Sendable {
        var sequence: UInt16
        var tries: UInt8
        /// Milliseconds modulo 2^32.
        var last: UInt32
    }

    private var waiting: [UInt16] = []
    private var tried: [Tried] = []
    private var nextTried = 0
    private var budget: Int64?
    private var budgetAt: Int64 = 0
    /// Requests that were not answered: too many, too often or too soon.
    private(set) var refused: UInt64 = 0

    var isEmpty: Bool { waiting.isEmpty }

    /// Bytes on the heap.
    var heapByteCount: Int { waiting.capacity * 2 + tried.capacity * MemoryLayout<Tried>.stride }

    /// The viewer lacks this packet.
    mutating func request(_ sequence: UInt16, roundTrip: Int64, now: Int64) {
        guard waiting.count < Self.capacity, note(sequence, pause: max(roundTrip, Self.shortestPause), now: now) else {
            refused &+= 1
            return
        }
        waiting.append(sequence)
    }

    /// The packet that is sent again next.
    mutating func next() -> UInt16? { waiting.isEmpty ? nil : waiting.removeFirst() }

    /// Whether the budget has room for a packet of this size, which is then spent.
    mutating func spend(_ bytes: Int, bandwidth: Bitrate, now: Int64) -> Bool {
        let rate = max(Self.smallestRate, bandwidth * Self.share)
        let limit = rate.bytes(in: Self.depth)
        let refill = budget == nil ? limit : rate.bytes(in: max(0, now - budgetAt))
        let available = min(limit, (budget ?? 0) + refill)
        budgetAt = now
        guard available >= Int64(bytes) else {
            budget = available
            refused &+= 1
            return false
        }
        budget = available - Int64(bytes)
        return true
    }

    /// Whether a try is allowed now; it is then counted.
    private mutating func note(_ sequence: UInt16, pause: Int64, now: Int64) -> Bool {
        let milliseconds = UInt32(truncatingIfNeeded: now / 1_000_000)
        if let index = tried.firstIndex(where: { $0.sequence == sequence }) {
            let age = Int64(milliseconds &- tried[index].last) * 1_000_000
            // A number that comes round again is another packet: that takes a minute at the least.
            if age > 30_000_000_000 { tried[index].tries = 0 }
            guard age >= pause, tried[index].tries < Self.largestTries else { return false }
            tried[index].tries += 1
            tried[index].last = milliseconds
            return true
        }
        let entry = Tried(sequence: sequence, tries: 1, last: milliseconds)
        if tried.count < Self.memory {
            tried.append(entry)
        } else {
            tried[nextTried] = entry
            nextTried = (nextTried + 1) % Self.memory
        }
        return true
    }
}
