package import BridgeModel

/// When each transport-wide sequence number left, until its feedback comes. One for each viewer, so entries are eight bytes and the ring begins small:
/// it doubles, rarely, while packets that are younger than a second would be overwritten unanswered.
package struct SentPacketHistory: Sendable {
    /// A packet that a feedback speaks of.
    package struct Packet: Sendable, Equatable {
        /// On our monotonic clock, in nanoseconds, to the microsecond.
        package var sentAt: Int64
        package var size: Int
        package var isProbe: Bool
        /// An earlier feedback called it lost.
        package var wasReportedLost: Bool
    }

    private struct Slot {
        /// Microseconds modulo 2^32: 71 minutes.
        var sentAt: UInt32 = 0
        /// 0: nothing is waited for.
        var size: UInt16 = 0
        var isProbe = false
        var wasReportedLost = false
    }

    private static let smallest = 128
    /// A round trip of half a second at 8,000 packets a second.
    private static let largest = 4096
    /// Microseconds after which an unanswered packet is no reason to grow.
    private static let patience: UInt32 = 1_000_000

    private var slots: [Slot] = []
    /// The sequence number that comes next.
    package private(set) var next: UInt16 = 0
    /// How many numbers were given out, as far as the ring reaches.
    private var count = 0

    package init() {}

    /// Bytes on the heap.
    package var byteCount: Int { slots.capacity * MemoryLayout<Slot>.stride }

    /// Takes note of a packet of `size` bytes and returns its sequence number.
    package mutating func record(size: Int, isProbe: Bool, now: MonotonicTime) -> UInt16 {
        let microseconds = UInt32(truncatingIfNeeded: now.nanoseconds / 1000)
        growIfNeeded(microseconds)
        let sequence = next
        slots[Int(sequence) & (slots.count - 1)] = Slot(
            sentAt: microseconds, size: UInt16(clamping: max(1, size)), isProbe: isProbe, wasReportedLost: false)
        next &+= 1
        count = min(count + 1, slots.count)
        return sequence
    }

    /// The packet with this number has arrived. Nil when it was never sent, was answered before, or is too long ago.
    package mutating func acknowledge(_ sequence: UInt16, now: MonotonicTime) -> Packet? {
        guard let index = index(of: sequence) else { return nil }
        defer { slots[index].size = 0 }
        return packet(at: index, now: now)
    }

    /// The packet with this number had not arrived when the feedback was made; it may still come. Nil as for `acknowledge`, and the second time.
    package mutating func reportLost(_ sequence: UInt16, now: MonotonicTime) -> Packet? {
        guard let index = index(of: sequence), !slots[index].wasReportedLost else { return nil }
        slots[index].wasReportedLost = true
        return packet(at: index, now: now)
    }

    private func index(of sequence: UInt16) -> Int? {
        let age = Int(next &- sequence)
        guard age > 0, age <= count else { return nil }
        let index = Int(sequence) & (slots.count - 1)
        return slots[index].size > 0 ? index : nil
    }

    private func packet(at index: Int, now: MonotonicTime) -> Packet {
        let slot = slots[index]
        let present = Int64(clamping: now.nanoseconds / 1000)
        let age = UInt32(truncatingIfNeeded: present) &- slot.sentAt
        return Packet(
            sentAt: (present - Int64(age)) * 1000, size: Int(slot.size), isProbe: slot.isProbe, wasReportedLost: slot.wasReportedLost)
    }

    private mutating func growIfNeeded(_ now: UInt32) {
        guard !slots.isEmpty else {
            slots = [Slot](repeating: Slot(), count: Self.smallest)
            return
        }
        let oldest = slots[Int(next) & (slots.count - 1)]
        guard oldest.size > 0, now &- oldest.sentAt < Self.patience, slots.count < Self.largest else { return }
        var larger = [Slot](repeating: Slot(), count: slots.count * 2)
        for age in 1...count {
            let sequence = next &- UInt16(age)
            larger[Int(sequence) & (larger.count - 1)] = slots[Int(sequence) & (slots.count - 1)]
        }
        slots = larger
    }
}
