package import BridgeModel

/// When each transport-wide sequence number left, until its feedback comes. One for each viewer, so entries are four bytes and the ring begins small:
/// it doubles, rarely, while packets that are younger than half a second would be overwritten unanswered.
package struct SentPacketHistory: Sendable {
    /// A packet that a feedback speaks of.
    package struct Packet: Sendable, Equatable {
        /// On our monotonic clock, in nanoseconds, to 128 us.
        package var sentAt: Int64
        package var size: Int
        package var isProbe: Bool
        /// An earlier feedback called it lost.
        package var wasReportedLost: Bool
    }

    /// Time in units of 128 us modulo 2^18 (33 s), then the size in bytes, then two marks. A size of zero: nothing is waited for.
    private struct Slot {
        private static let timeBits: UInt32 = 18
        private static let sizeBits: UInt32 = 12
        private static let probe: UInt32 = 1 << 30
        private static let reportedLost: UInt32 = 1 << 31
        static let unit: Int64 = 128
        static let range: Int64 = 1 << Int64(timeBits)

        private var bits: UInt32 = 0

        init() {}

        init(sentAt units: Int64, size: Int, isProbe: Bool) {
            let size = UInt32(min(max(1, size), 1 << Int(Self.sizeBits) - 1))
            bits = UInt32(units & (Self.range - 1)) | size << Self.timeBits | (isProbe ? Self.probe : 0)
        }

        var time: Int64 { Int64(bits) & (Self.range - 1) }
        var size: Int { Int(bits >> Self.timeBits & (1 << Self.sizeBits - 1)) }
        var isWaiting: Bool { size > 0 }
        var isProbe: Bool { bits & Self.probe != 0 }
        var wasReportedLost: Bool { bits & Self.reportedLost != 0 }

        mutating func noteLost() { bits |= Self.reportedLost }
        mutating func clear() { bits = 0 }

        /// Units since it was sent, `now` in units.
        func age(_ now: Int64) -> Int64 { (now - time) & (Self.range - 1) }
    }

    private static let smallest = 128
    /// A round trip of half a second at 8,000 packets a second.
    private static let largest = 4096
    /// Microseconds after which an unanswered packet is no reason to grow.
    private static let patience: Int64 = 500_000

    private var slots: [Slot] = []
    /// The sequence number that comes next.
    package private(set) var next: UInt16 = 0
    /// How many numbers were given out, as far as the ring reaches.
    private var count = 0

    /// Nanoseconds by which a time of sending may be too early.
    static let resolution = Slot.unit * 1000

    package init() {}

    /// Bytes on the heap.
    package var byteCount: Int { slots.capacity * MemoryLayout<Slot>.stride }

    /// Takes note of a packet of `size` bytes and returns its sequence number.
    package mutating func record(size: Int, isProbe: Bool, now: MonotonicTime) -> UInt16 {
        let units = Self.units(now)
        growIfNeeded(units)
        let sequence = next
        slots[Int(sequence) & (slots.count - 1)] = Slot(sentAt: units, size: size, isProbe: isProbe)
        next &+= 1
        count = min(count + 1, slots.count)
        return sequence
    }

    /// The packet with this number has arrived. Nil when it was never sent, was answered before, or is too long ago.
    package mutating func acknowledge(_ sequence: UInt16, now: MonotonicTime) -> Packet? {
        guard let index = index(of: sequence) else { return nil }
        defer { slots[index].clear() }
        return packet(at: index, now: now)
    }

    /// The packet with this number had not arrived when the feedback was made; it may still come. Nil as for `acknowledge`, and the second time.
    package mutating func reportLost(_ sequence: UInt16, now: MonotonicTime) -> Packet? {
        guard let index = index(of: sequence), !slots[index].wasReportedLost else { return nil }
        slots[index].noteLost()
        return packet(at: index, now: now)
    }

    private func index(of sequence: UInt16) -> Int? {
        let age = Int(next &- sequence)
        guard age > 0, age <= count else { return nil }
        let index = Int(sequence) & (slots.count - 1)
        return slots[index].isWaiting ? index : nil
    }

    private func packet(at index: Int, now: MonotonicTime) -> Packet {
        let slot = slots[index]
        let units = Self.units(now)
        return Packet(
            sentAt: (units - slot.age(units)) * Slot.unit * 1000, size: slot.size, isProbe: slot.isProbe,
            wasReportedLost: slot.wasReportedLost)
    }

    private static func units(_ time: MonotonicTime) -> Int64 { Int64(clamping: time.nanoseconds) / (Slot.unit * 1000) }

    private mutating func growIfNeeded(_ now: Int64) {
        guard !slots.isEmpty else {
            slots = [Slot](repeating: Slot(), count: Self.smallest)
            return
        }
        let oldest = slots[Int(next) & (slots.count - 1)]
        guard oldest.isWaiting, !oldest.wasReportedLost, oldest.age(now) * Slot.unit < Self.patience, slots.count < Self.largest else {
            return
        }
        var larger = [Slot](repeating: Slot(), count: slots.count * 2)
        for age in 1...count {
            let sequence = next &- UInt16(age)
            larger[Int(sequence) & (larger.count - 1)] = slots[Int(sequence) & (slots.count - 1)]
        }
        slots = larger
    }
}
