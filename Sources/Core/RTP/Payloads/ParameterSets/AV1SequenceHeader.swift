package import BridgeModel

/// What matters of an AV1 sequence header (AV1 bitstream specification, section 5.5.1).
package struct AV1SequenceHeader: Sendable, Equatable {
    /// `seq_profile`: 0 main, 1 high, 2 professional.
    package var profile: UInt8 = 0
    /// `seq_level_idx` of the first operating point.
    package var level: UInt8 = 0
    /// `seq_tier` of the first operating point.
    package var tier: UInt8 = 0
    /// The largest frame.
    package var size = PictureSize(width: 0, height: 0)

    /// The type of the OBU (section 6.2.2).
    static let obuType: UInt8 = 1

    /// Reads an OBU with its header, with or without a size of its own; nil for another type and a cut unit.
    package init?(reading unit: UnsafeRawBufferPointer) {
        guard let header = unit.first, header >> 3 & 0x0F == Self.obuType else { return nil }
        var offset = header & 0x04 == 0 ? 1 : 2
        if header & 0x02 != 0 {
            guard let length = LEB128(reading: unit, at: offset) else { return nil }
            offset += length.size
        }
        var reader = BitReader(unit, from: offset, skipsEmulationPrevention: false)
        profile = reader.byte(bits: 3)
        reader.skip(1)  // still_picture
        let isReduced = reader.flag()
        if isReduced { level = reader.byte(bits: 5) } else { readOperatingPoints(&reader) }
        readSize(&reader)
        guard profile <= 2, !reader.isExhausted else { return nil }
    }

    /// As AV1 RTP section 7.2.1 has it.
    package var codecProfile: CodecProfile { .av1(profile: profile, level: level, tier: tier) }

    private mutating func readOperatingPoints(_ reader: inout BitReader) {
        let delayBits = Self.readTiming(&reader)
        let hasDisplayDelay = reader.flag()
        let points = reader.bits(5) + 1
        for index in 0..<points {
            reader.skip(12)  // operating_point_idc
            let level = reader.byte(bits: 5)
            // Levels of 4.0 and above come in two tiers.
            let tier = level > 7 ? reader.byte(bits: 1) : 0
            if index == 0 { (self.level, self.tier) = (level, tier) }
            if let delayBits, reader.flag() { reader.skip(2 * delayBits + 1) }
            if hasDisplayDelay, reader.flag() { reader.skip(4) }
        }
    }

    /// The bits of a buffer delay; nil when there is no decoder model.
    private static func readTiming(_ reader: inout BitReader) -> Int? {
        guard reader.flag() else { return nil }
        reader.skip(64)  // num_units_in_display_tick, time_scale
        if reader.flag() { _ = reader.exponentialGolomb() }  // num_ticks_per_picture_minus_1
        guard reader.flag() else { return nil }
        let delayBits = Int(reader.bits(5)) + 1
        reader.skip(32 + 5 + 5)
        return delayBits
    }

    private mutating func readSize(_ reader: inout BitReader) {
        let widthBits = Int(reader.bits(4)) + 1
        let heightBits = Int(reader.bits(4)) + 1
        size = PictureSize(width: reader.bits(widthBits) + 1, height: reader.bits(heightBits) + 1)
    }
}
