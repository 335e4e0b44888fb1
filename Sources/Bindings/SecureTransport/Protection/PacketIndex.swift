/// The 48-bit index of an SRTP packet: rollover counter and sequence number (RFC 3711 section 3.3.1).
enum PacketIndex {
    /// The highest one: a key may protect 2^48 packets (RFC 3711 section 9.2).
    static let maximum: UInt64 = 1 << 48 - 1
    /// The highest one of SRTCP: 2^31 packets.
    static let maximumRTCP: UInt64 = 1 << 31 - 1

    /// The index of a packet with this sequence number that is the closest to the highest one so far; nil when it would be beyond the maximum.
    ///
    /// Zero as `highest` serves for a source without packets: its first packet is of rollover counter 0.
    static func estimate(sequence: UInt16, highest: UInt64) -> UInt64? {
        let rollover = highest >> 16
        let last = UInt16(truncatingIfNeeded: highest)
        var guess = rollover
        if last < 0x8000 {
            // There is nothing before rollover counter 0: then it is a packet far ahead.
            if sequence > last, sequence - last > 0x8000, rollover > 0 { guess -= 1 }
        } else if sequence < last - 0x8000 {
            guess += 1
        }
        let index = guess << 16 | UInt64(sequence)
        return index <= maximum ? index : nil
    }

    /// The rollover counter of an index.
    static func rollover(of index: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: index >> 16) }
}
