/// One source's packets with every form that a header can have, and with sequence numbers that run, jump and wrap.
struct PacketSource {
    let ssrc: UInt32
    /// How often the sequence number wrapped.
    private(set) var rollovers = 0
    private var sequence: UInt16
    private var recent: [(sequence: UInt16, packet: [UInt8])] = []

    /// Packets that can be sent once more, and how far they may lie back: farther than 2^15 they would be taken for new ones.
    private static let recentCount = 500
    private static let farthest: UInt16 = 0x7000
    static let largestPayload = 1460

    /// The first sequence number is below 2^15, as RFC 3711 wishes.
    init(ssrc: UInt32, random: inout SeededRandom) {
        self.ssrc = ssrc
        sequence = UInt16(random.next(below: 0x8000))
    }

    /// The next packet; now and then thousands of sequence numbers ahead, so that rollovers come often.
    mutating func next(random: inout SeededRandom) -> [UInt8] {
        let last = sequence
        sequence &+= random.next(below: 200) == 0 ? UInt16(1 + random.next(below: 20_000)) : 1
        if sequence < last { rollovers += 1 }
        let packet = Self.packet(ssrc: ssrc, sequence: sequence, random: &random)
        let place = random.next(below: Self.recentCount)
        if recent.count < Self.recentCount { recent.append((sequence, packet)) } else { recent[place] = (sequence, packet) }
        return packet
    }

    /// A packet that was sent before, the same octets.
    func again(random: inout SeededRandom) -> [UInt8]? {
        guard !recent.isEmpty else { return nil }
        let candidate = recent[random.next(below: recent.count)]
        return sequence &- candidate.sequence < Self.farthest ? candidate.packet : nil
    }

    /// A packet of any content; one in two has a header extension, one in eight a CSRC list.
    static func packet(ssrc: UInt32, sequence: UInt16, payloadCount: Int? = nil, random: inout SeededRandom) -> [UInt8] {
        let csrcCount = random.next(below: 8) == 0 ? random.next(below: 16) : 0
        let extensionWords = random.happens(percent: 50) ? random.next(below: 12) : nil
        var packet: [UInt8] = [0x80 | (extensionWords == nil ? 0 : 0x10) | UInt8(csrcCount), UInt8(random.next(below: 256))]
        packet += [UInt8(sequence >> 8), UInt8(sequence & 0xFF)]
        packet += random.octets(4) + octets(ssrc) + random.octets(4 * csrcCount)
        if let extensionWords { packet += [0xBE, 0xDE, 0, UInt8(extensionWords)] + random.octets(4 * extensionWords) }
        return packet + random.octets(payloadCount ?? random.next(below: largestPayload + 1))
    }

    /// A sender report by its looks: SRTCP reads no more than its first eight octets.
    static func controlPacket(ssrc: UInt32, random: inout SeededRandom) -> [UInt8] {
        [0x81, 200, 0, 6] + octets(ssrc) + random.octets(4 * random.next(below: 40))
    }

    private static func octets(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
}
