/// Writes boxes (ISO/IEC 14496-12 section 4.2) one after the other and into each other; each box's size is filled in when it is closed.
struct BoxWriter {
    private(set) var bytes: [UInt8] = []

    /// A box of 32-bit size around what `content` writes.
    mutating func box(_ type: FourCC, _ content: (inout BoxWriter) -> Void) {
        let start = bytes.count
        append(UInt32(0))
        append(type)
        content(&self)
        overwrite(UInt32(clamping: bytes.count - start), at: start)
    }

    /// A box with version and flags.
    mutating func fullBox(_ type: FourCC, version: UInt8 = 0, flags: UInt32 = 0, _ content: (inout BoxWriter) -> Void) {
        box(type) { box in
            box.append(UInt32(version) << 24 | flags & 0xFF_FFFF)
            content(&box)
        }
    }

    mutating func append(_ type: FourCC) { append(type.rawValue) }

    /// Any integer, big-endian.
    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    mutating func append(_ content: [UInt8]) { bytes += content }

    mutating func append(zeros count: Int) { bytes += repeatElement(0, count: count) }

    /// Overwrites four bytes that are there already.
    mutating func overwrite(_ number: UInt32, at offset: Int) {
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: number >> UInt32(24 - 8 * index)) }
    }
}
