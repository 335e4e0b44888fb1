package import BridgeModel

/// What matters of an H.265 sequence parameter set (H.265 section 7.3.2.2.1).
package struct H265SequenceParameterSet: Sendable, Equatable {
    /// The general profile, tier and level.
    package var profileTierLevel: H265ProfileTierLevel
    /// After the conformance window.
    package var size: PictureSize

    /// Reads a NAL unit of type 33 with its header of two bytes; nil for another type, a cut unit and impossible sizes.
    package init?(reading unit: UnsafeRawBufferPointer) {
        guard unit.count > 2, unit[0] >> 1 & 0x3F == 33 else { return nil }
        var reader = BitReader(unit, from: 2, skipsEmulationPrevention: true)
        reader.skip(4)  // sps_video_parameter_set_id
        let subLayers = Int(reader.bits(3))
        guard subLayers <= 6 else { return nil }
        reader.skip(1)  // sps_temporal_id_nesting_flag
        profileTierLevel = Self.readProfile(&reader, subLayers: subLayers)
        _ = reader.exponentialGolomb()  // sps_seq_parameter_set_id
        guard let size = Self.readSize(&reader) else { return nil }
        self.size = size
    }

    /// As RFC 7798 section 7.1 has it.
    package var codecProfile: CodecProfile { .h265(profileTierLevel) }

    /// Level 6.2 with its largest picture of 35,651,584 samples: sides of at most sqrt(8 * that) (H.265 section A.4.1).
    private static let longestSide: UInt32 = 16_888

    /// Section 7.3.3.
    private static func readProfile(_ reader: inout BitReader, subLayers: Int) -> H265ProfileTierLevel {
        let space = reader.byte(bits: 2)
        let tier = reader.byte(bits: 1)
        let profile = reader.byte(bits: 5)
        reader.skip(32 + 48)  // compatibility and constraint flags
        let level = reader.byte()
        skipSubLayers(&reader, count: subLayers)
        return H265ProfileTierLevel(profileSpace: space, tier: tier, profile: profile, level: level)
    }

    private static func skipSubLayers(_ reader: inout BitReader, count: Int) {
        guard count > 0 else { return }
        var bits = 0
        for _ in 0..<count {
            if reader.flag() { bits += 88 }
            if reader.flag() { bits += 8 }
        }
        reader.skip((8 - count) * 2 + bits)
    }

    private static func readSize(_ reader: inout BitReader) -> PictureSize? {
        let chroma = reader.exponentialGolomb()
        guard chroma <= 3 else { return nil }
        let planesAreApart = chroma == 3 && reader.flag()
        let width = reader.exponentialGolomb()
        let height = reader.exponentialGolomb()
        guard (1...longestSide).contains(width), (1...longestSide).contains(height) else { return nil }
        let isHalved = !planesAreApart && (chroma == 1 || chroma == 2)
        var window = CroppingWindow(unitWidth: isHalved ? 2 : 1, unitHeight: chroma == 1 ? 2 : 1)
        if reader.flag() { window.read(&reader) }
        guard !reader.isExhausted else { return nil }
        return window.applied(to: PictureSize(width: width, height: height))
    }
}
