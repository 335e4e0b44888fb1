/// Groups packets that left together, and compares each group's way through the network with the one's before it (draft-ietf-rmcat-gcc-02 section 5.2).
struct PacketGroups: Sendable {
    /// How much longer the time between two groups was at the receiver than at the sender.
    struct Variation: Sendable, Equatable {
        /// Nanoseconds; positive while queues grow.
        var delay: Int64
        /// Of the newer group's last packet on the receiver's clock, in nanoseconds.
        var arrival: Int64
    }

    /// Packets that leave within this time are one group: a pacer's burst.
    private static let burst: Int64 = 5_000_000
    /// Packets that a queue let go at once belong together, up to this time.
    private static let longestBurst: Int64 = 100_000_000
    /// A clock that leaps by more than this was set.
    private static let leap: Int64 = 3_000_000_000

    private struct Group {
        var firstSent: Int64
        var lastSent: Int64
        var firstArrival: Int64
        var lastArrival: Int64
    }

    private var current: Group?
    private var previous: Group?

    /// Takes the next packet, in the order of sending; a result when it begins a new group and two are complete.
    mutating func add(sent: Int64, arrival: Int64) -> Variation? {
        guard var group = current else {
            current = Group(firstSent: sent, lastSent: sent, firstArrival: arrival, lastArrival: arrival)
            return nil
        }
        // A retransmitted feedback or a packet out of order tells nothing new.
        guard sent >= group.firstSent else { return nil }
        guard !belongs(sent, arrival, to: group) else {
            group.lastSent = max(group.lastSent, sent)
            group.lastArrival = max(group.lastArrival, arrival)
            current = group
            return nil
        }
        let variation = compare(group)
        previous = group
        current = Group(firstSent: sent, lastSent: sent, firstArrival: arrival, lastArrival: arrival)
        return variation
    }

    private func belongs(_ sent: Int64, _ arrival: Int64, to group: Group) -> Bool {
        if sent - group.firstSent <= Self.burst { return true }
        let arrivalStep = arrival - group.lastArrival
        let delayStep = arrivalStep - (sent - group.lastSent)
        return delayStep < 0 && arrivalStep <= Self.burst && arrival - group.firstArrival < Self.longestBurst
    }

    private mutating func compare(_ group: Group) -> Variation? {
        guard let previous else { return nil }
        let arrivalStep = group.lastArrival - previous.lastArrival
        let sendStep = group.lastSent - previous.lastSent
        guard arrivalStep >= 0, arrivalStep - sendStep < Self.leap, sendStep - arrivalStep < Self.leap else { return nil }
        return Variation(delay: arrivalStep - sendStep, arrival: group.lastArrival)
    }
}
