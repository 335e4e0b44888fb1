package import BridgeModel

/// What matters of an H.264 sequence parameter set (H.264 section 7.3.2.1.1).
package struct H264SequenceParameterSet: Sendable, Equatable {
    /// `profile_idc`.
    package var profile: UInt8
    /// The byte of `constraint_set0_flag` (0x80) and its neighbours.
    package var constraints: UInt8
    /// `level_idc`: ten times the level, 9 or 11 with `constraint_set3_flag` for 1b.
    package var level: UInt8
    /// `seq_parameter_set_id`.
    package var id: UInt32
    package var sampling: Sampling
    /// After cropping.
    package var size: PictureSize

    /// How samples are stored; profiles that do not tell have 4:2:0 with eight bits.
    package struct Sampling: Sendable, Equatable {
        /// `chroma_format_idc`: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
        package var chromaFormat: UInt8 = 1
        /// `separate_colour_plane_flag`.
        package var planesAreApart = false
        /// Bits above eight.
        package var extraLumaBits: UInt8 = 0
        package var extraChromaBits: UInt8 = 0
    }

    /// Reads a NAL unit of type 7 with its header byte; nil for another type, a cut unit and impossible sizes.
    package init?(reading unit: UnsafeRawBufferPointer) {
        guard unit.count > 4, unit[0] & 0x1F == 7 else { return nil }
        var reader = BitReader(unit, from: 1, skipsEmulationPrevention: true)
        profile = reader.byte()
        constraints = reader.byte()
        level = reader.byte()
        id = reader.exponentialGolomb()
        let sampling = Self.readSampling(&reader, profile: profile)
        guard let sampling, Self.skipOrder(&reader), let size = Self.readSize(&reader, sampling) else { return nil }
        self.sampling = sampling
        self.size = size
    }

    /// As `profile-level-id` has it (RFC 6184 section 8.1).
    package var codecProfile: CodecProfile { .h264(profile: profile, constraints: constraints, level: level) }

    /// Profiles with `chroma_format_idc` and scaling lists in their SPS.
    private static let fidelityRange: Set<UInt8> = [44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244]
    /// Level 6.2 has at most 139,264 macroblocks and sides of at most sqrt(8 * that) (H.264 section A.3.1).
    private static let longestSide: UInt32 = 1055

    /// Nil when it is impossible.
    private static func readSampling(_ reader: inout BitReader, profile: UInt8) -> Sampling? {
        guard fidelityRange.contains(profile) else { return Sampling() }
        let format = reader.exponentialGolomb()
        guard format <= 3 else { return nil }
        let planesAreApart = format == 3 && reader.flag()
        let (luma, chroma) = (reader.exponentialGolomb(), reader.exponentialGolomb())
        guard luma <= 6, chroma <= 6 else { return nil }
        reader.skip(1)  // qpprime_y_zero_transform_bypass_flag
        if reader.flag() {
            for index in 0..<(format == 3 ? 12 : 8) where reader.flag() { skipScalingList(&reader, count: index < 6 ? 16 : 64) }
        }
        return Sampling(
            chromaFormat: UInt8(format), planesAreApart: planesAreApart, extraLumaBits: UInt8(luma), extraChromaBits: UInt8(chroma))
    }

    /// Section 7.3.2.1.1.1.
    private static func skipScalingList(_ reader: inout BitReader, count: Int) {
        var last: Int64 = 8
        var next: Int64 = 8
        for _ in 0..<count where next != 0 {
            next = (last + reader.signedExponentialGolomb() + 256) % 256
            if next != 0 { last = next }
        }
    }

    /// Frame numbers and picture order count.
    private static func skipOrder(_ reader: inout BitReader) -> Bool {
        _ = reader.exponentialGolomb()  // log2_max_frame_num_minus4
        switch reader.exponentialGolomb() {
        case 0: _ = reader.exponentialGolomb()  // log2_max_pic_order_cnt_lsb_minus4
        case 1:
            reader.skip(1)
            _ = reader.signedExponentialGolomb()
            _ = reader.signedExponentialGolomb()
            let frames = reader.exponentialGolomb()
            guard frames <= 255 else { return false }
            for _ in 0..<frames { _ = reader.signedExponentialGolomb() }
        case 2: break
        default: return false
        }
        _ = reader.exponentialGolomb()  // max_num_ref_frames
        reader.skip(1)  // gaps_in_frame_num_value_allowed_flag
        return true
    }

    private static func readSize(_ reader: inout BitReader, _ sampling: Sampling) -> PictureSize? {
        let chroma = sampling.planesAreApart ? 0 : sampling.chromaFormat
        let columns = reader.exponentialGolomb()
        let rows = reader.exponentialGolomb()
        guard columns < longestSide, rows < longestSide else { return nil }
        let hasOnlyFrames = reader.flag()
        if !hasOnlyFrames { reader.skip(1) }  // mb_adaptive_frame_field_flag
        reader.skip(1)  // direct_8x8_inference_flag
        let fields: UInt32 = hasOnlyFrames ? 1 : 2
        var window = CroppingWindow(unitWidth: chroma == 1 || chroma == 2 ? 2 : 1, unitHeight: fields * (chroma == 1 ? 2 : 1))
        if reader.flag() { window.read(&reader) }
        guard !reader.isExhausted else { return nil }
        return window.applied(to: PictureSize(width: (columns + 1) * 16, height: (rows + 1) * 16 * fields))
    }
}

/// `frame_cropping` of H.264 and the conformance window of H.265: what is cut off at the sides, in chroma samples.
struct CroppingWindow {
    private let unitWidth: UInt32
    private let unitHeight: UInt32
    private var horizontal: UInt32 = 0
    private var vertical: UInt32 = 0

    init(unitWidth: UInt32, unitHeight: UInt32) {
        self.unitWidth = unitWidth
        self.unitHeight = unitHeight
    }

    mutating func read(_ reader: inout BitReader) {
        horizontal = reader.exponentialGolomb().addingClamped(reader.exponentialGolomb())
        vertical = reader.exponentialGolomb().addingClamped(reader.exponentialGolomb())
    }

    /// Nil when nothing would be left.
    func applied(to size: PictureSize) -> PictureSize? {
        guard horizontal < (size.width + unitWidth - 1) / unitWidth, vertical < (size.height + unitHeight - 1) / unitHeight else {
            return nil
        }
        return PictureSize(width: size.width - horizontal * unitWidth, height: size.height - vertical * unitHeight)
    }
}

extension UInt32 {
    fileprivate func addingClamped(_ other: UInt32) -> UInt32 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
