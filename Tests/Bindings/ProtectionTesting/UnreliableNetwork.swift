/// Loses, delays, duplicates and changes packets, and brings back some that are long gone.
struct UnreliableNetwork {
    struct Arrival {
        var packet: [UInt8]
        var isChanged = false
    }

    /// How many packets may wait: the reach of reordering.
    private static let reach = 40
    /// More than any replay window holds.
    private static let memory = 3000

    private var waiting: [[UInt8]] = []
    private var past: [[UInt8]] = []
    private var duplicates: [Arrival] = []

    mutating func send(_ packet: [UInt8], random: inout SeededRandom) {
        if !random.happens(percent: 3) { waiting.append(packet) }
    }

    /// The next packet that arrives, if one does now.
    mutating func receive(random: inout SeededRandom) -> Arrival? {
        if let duplicate = duplicates.popLast() { return duplicate }
        guard !waiting.isEmpty, waiting.count > Self.reach || random.happens(percent: 50) else { return nil }
        // Most come in order; one in ten overtakes.
        let position = random.happens(percent: 10) ? random.next(below: waiting.count) : 0
        let packet = waiting.remove(at: position)
        remember(packet, random: &random)
        if random.happens(percent: 3) { duplicates.append(Arrival(packet: packet)) }
        if random.happens(percent: 3) { duplicates.append(Arrival(packet: past[random.next(below: past.count)])) }
        guard random.happens(percent: 3) else { return Arrival(packet: packet) }
        // What was changed comes first, and then the packet as it was: it must still be accepted.
        duplicates.append(Arrival(packet: packet))
        return Arrival(packet: changed(packet, random: &random), isChanged: true)
    }

    private mutating func remember(_ packet: [UInt8], random: inout SeededRandom) {
        if past.count < Self.memory { past.append(packet) } else { past[random.next(below: past.count)] = packet }
    }

    private func changed(_ packet: [UInt8], random: inout SeededRandom) -> [UInt8] {
        var packet = packet
        packet[random.next(below: packet.count)] ^= 1 << UInt8(random.next(below: 8))
        return packet
    }
}
