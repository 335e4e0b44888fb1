/// Reads bits, the most significant first, without allocation. Past the end it gives zeros and remembers it in `isExhausted`, so that a header is read
/// straight through and judged once; loops over counts that were read must bound them.
struct BitReader {
    private let bytes: UnsafeRawBufferPointer
    private let skipsEmulationPrevention: Bool
    private var offset: Int
    private var bitsLeft = 0
    private var current: UInt8 = 0
    private var zeros = 0

    /// A bit was read that is not there, or a number was longer than 32 bits: what was read is worth nothing.
    private(set) var isExhausted = false

    /// With `skipsEmulationPrevention` the third byte of 00 00 03 is passed over (H.264 section 7.4.1, H.265 section 7.4.2).
    init(_ bytes: UnsafeRawBufferPointer, from offset: Int, skipsEmulationPrevention: Bool) {
        self.bytes = bytes
        self.offset = offset
        self.skipsEmulationPrevention = skipsEmulationPrevention
    }

    mutating func bit() -> UInt32 {
        if bitsLeft == 0 { load() }
        guard bitsLeft > 0 else {
            isExhausted = true
            return 0
        }
        bitsLeft -= 1
        return UInt32(current >> bitsLeft & 1)
    }

    mutating func flag() -> Bool { bit() == 1 }

    /// An unsigned number of up to 32 bits.
    mutating func bits(_ count: Int) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count { value = value << 1 | bit() }
        return value
    }

    /// A number of up to eight bits.
    mutating func byte(bits count: Int = 8) -> UInt8 { UInt8(truncatingIfNeeded: bits(count)) }

    mutating func skip(_ count: Int) {
        for _ in 0..<count { _ = bit() }
    }

    /// `ue(v)` (H.264 section 9.1); AV1's `uvlc()` is the same for numbers below 2^32 - 1.
    mutating func exponentialGolomb() -> UInt32 {
        var leadingZeros = 0
        while !isExhausted, bit() == 0 { leadingZeros += 1 }
        guard !isExhausted, leadingZeros < 32 else {
            isExhausted = true
            return 0
        }
        return (1 << leadingZeros) - 1 + bits(leadingZeros)
    }

    /// `se(v)` (H.264 section 9.1.1).
    mutating func signedExponentialGolomb() -> Int64 {
        let code = Int64(exponentialGolomb())
        return code.isMultiple(of: 2) ? -(code / 2) : code / 2 + 1
    }

    private mutating func load() {
        if skipsEmulationPrevention, zeros >= 2, offset < bytes.count, bytes[offset] == 3 {
            offset += 1
            zeros = 0
        }
        guard offset < bytes.count else { return }
        current = bytes[offset]
        offset += 1
        bitsLeft = 8
        zeros = current == 0 ? zeros + 1 : 0
    }
}
