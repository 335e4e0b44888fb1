/// What a publisher of ours writes at the end of each video payload: when the packet was sent, and which one of its stream it is.
///
/// Seven bits stand in each byte, under a set highest one: no byte is zero, so that a NAL unit that holds a stamp never looks like a start code
/// (H.264 section 7.4.1), and its last byte is never zero.
package struct PacketStamp: Equatable, Sendable {
    /// Wall-clock microseconds since 1970. Viewers on another machine measure as well as both clocks agree.
    package var microseconds: UInt64
    /// Counts the stream's video packets from 0, retransmissions not.
    package var counter: UInt64

    /// Bytes of a stamp.
    package static let size = 4 + timeSize + counterSize
    private static let magic: [UInt8] = [0xD6, 0xE9, 0xC1, 0xE4]
    /// 63 bits.
    private static let timeSize = 9
    /// 42 bits: four months at 400,000 packets a second.
    private static let counterSize = 6

    package init(microseconds: UInt64, counter: UInt64) {
        self.microseconds = microseconds
        self.counter = counter
    }

    /// Reads the stamp at the end of a payload; nil when there is none: another program publishes.
    package init?(endOf payload: UnsafeRawBufferPointer) {
        guard payload.count >= Self.size else { return nil }
        let start = payload.count - Self.size
        for (index, byte) in Self.magic.enumerated() where payload[start + index] != byte { return nil }
        microseconds = Self.read(payload, at: start + 4, count: Self.timeSize)
        counter = Self.read(payload, at: start + 4 + Self.timeSize, count: Self.counterSize)
    }

    /// Writes the stamp over the last bytes of `payload`, which has to be `size` long at least.
    package func write(toEndOf payload: UnsafeMutableRawBufferPointer) {
        precondition(payload.count >= Self.size, "a payload has room for its stamp")
        let start = payload.count - Self.size
        payload.copy(Self.magic, to: start)
        Self.write(microseconds, to: payload, at: start + 4, count: Self.timeSize)
        Self.write(counter, to: payload, at: start + 4 + Self.timeSize, count: Self.counterSize)
    }

    private static func read(_ bytes: UnsafeRawBufferPointer, at offset: Int, count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<count { value = value << 7 | UInt64(bytes[offset + index] & 0x7F) }
        return value
    }

    private static func write(_ value: UInt64, to bytes: UnsafeMutableRawBufferPointer, at offset: Int, count: Int) {
        for index in 0..<count {
            bytes[offset + index] = 0x80 | UInt8(truncatingIfNeeded: value >> UInt64(7 * (count - 1 - index))) & 0x7F
        }
    }
}
