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
    /// 8, 10 or 12.
    package var bitDepth: UInt8 = 8
    package var isMonochrome = false
    package var chroma = ChromaSubsampling(horizontal: true, vertical: true)
    /// `chroma_sample_position`: 0 not told, 1 vertical, 2 colocated.
    package var chromaPosition: UInt8 = 0

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
        Self.skipTools(&reader, isReduced: isReduced)
        readColors(&reader)
        guard profile <= 2, !reader.isExhausted else { return nil }
    }

    /// An AV1CodecConfigurationRecord (AV1 in ISOBMFF section 2.3.3) for a track that begins with this header; `unit` is its OBU with a size.
    package func configurationRecord(with unit: [UInt8]) -> [UInt8] {
        let depths: UInt8 = (bitDepth > 8 ? 0x40 : 0) | (bitDepth == 12 ? 0x20 : 0)
        let chroma: UInt8 = (chroma.horizontal ? 0x08 : 0) | (chroma.vertical ? 0x04 : 0) | chromaPosition
        return [0x81, profile << 5 | level, tier << 7 | depths | (isMonochrome ? 0x10 : 0) | chroma, 0] + unit
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

    /// What stands between the size and the colours.
    private static func skipTools(_ reader: inout BitReader, isReduced: Bool) {
        if !isReduced, reader.flag() { reader.skip(4 + 3) }  // frame ids
        reader.skip(3)  // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
        if !isReduced {
            reader.skip(4)  // enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter
            let hasOrderHint = reader.flag()
            if hasOrderHint { reader.skip(2) }  // enable_jnt_comp, enable_ref_frame_mvs
            let choosesScreenContentTools = reader.flag()
            let usesScreenContentTools = choosesScreenContentTools || reader.flag()
            // seq_choose_integer_mv, seq_force_integer_mv
            if usesScreenContentTools, !reader.flag() { reader.skip(1) }
            if hasOrderHint { reader.skip(3) }
        }
        reader.skip(3)  // enable_superres, enable_cdef, enable_restoration
    }

    /// `color_config()` (section 5.5.2).
    private mutating func readColors(_ reader: inout BitReader) {
        if reader.flag() { bitDepth = profile == 2 && reader.flag() ? 12 : 10 }
        isMonochrome = profile != 1 && reader.flag()
        let description = reader.flag() ? reader.bits(24) : 0
        guard !isMonochrome else { return reader.skip(1) }
        // BT.709 primaries with the transfer of sRGB and no matrix: RGB.
        guard description != 0x01_0D_00 else { return chroma = ChromaSubsampling() }
        reader.skip(1)  // color_range
        switch profile {
        case 0: break
        case 1: chroma = ChromaSubsampling()
        default:
            guard bitDepth == 12 else { return chroma = ChromaSubsampling(horizontal: true) }
            let isHalved = reader.flag()
            chroma = ChromaSubsampling(horizontal: isHalved, vertical: isHalved && reader.flag())
        }
        if chroma.horizontal, chroma.vertical { chromaPosition = reader.byte(bits: 2) }
    }
}
