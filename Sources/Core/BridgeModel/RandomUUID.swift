/// UUIDs of version 4 (RFC 9562 section 5.4) as their lower-case text.
///
/// Foundation's open a file of the system for each, which several requests of each viewer that joins would pay.
package enum RandomUUID {
    /// Another one at each call, from the system's random numbers.
    package static func text() -> String {
        var random = SystemRandomNumberGenerator()
        return text(using: &random)
    }

    /// One of these random numbers.
    package static func text(using random: inout some RandomNumberGenerator) -> String {
        let high = random.next() & ~0xF000 | 0x4000  // the version
        let low = random.next() & ~(0b11 << 62) | 0b10 << 62  // the variant
        return String(unsafeUninitializedCapacity: 36) { text in
            var length = 0
            func append(_ byte: UInt8) {
                text[length] = byte
                length += 1
            }
            for place in 0..<32 {
                if [8, 12, 16, 20].contains(place) { append(UInt8(ascii: "-")) }
                let digit = UInt8(truncatingIfNeeded: (place < 16 ? high : low) >> UInt64(60 - place % 16 * 4)) & 0xF
                append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
            return length
        }
    }
}
