internal import BridgeModel
internal import RTP

/// What `vpcC` says of a VP9 track (VP Codec ISO Media File Format Binding, section 2.2).
package struct VP9Configuration: Sendable, Equatable {
    /// 0...3.
    package var profile: UInt8
    /// Ten times the level, for instance 31.
    package var level: UInt8
    /// 8, 10 or 12.
    package var bitDepth: UInt8
    /// 0 and 1: 4:2:0, 2: 4:2:2, 3: 4:4:4.
    package var chromaSubsampling: UInt8
    package var isFullRange: Bool
    /// Colour primaries, transfer and matrix by the code points of ISO/IEC 23091-2; 2 is 'not told'.
    package var colors: Colors

    /// Code points of ISO/IEC 23091-2.
    package struct Colors: Sendable, Equatable {
        package var primaries: UInt8
        package var transfer: UInt8
        package var matrix: UInt8
    }

    /// Reads the header of a key frame; nil when it is none. The level is that of pictures of `size` (pixels; of the frame itself where that is
    /// larger), 30 a second.
    package init?(keyframe: [UInt8], size: (width: Int, height: Int)) {
        guard let header = keyframe.withUnsafeBytes({ VP9KeyframeHeader(reading: $0) }) else { return nil }
        profile = header.profile
        let announced = max(0, min(65_536, size.width)) * max(0, min(65_536, size.height))
        level = Self.level(area: max(Int(header.size.width) * Int(header.size.height), announced))
        bitDepth = header.bitDepth
        chromaSubsampling = header.chroma.codePoint
        isFullRange = header.isFullRange
        colors = Colors(colorSpace: header.colorSpace)
    }

    /// The content of `vpcC`, behind version and flags.
    init?(reading content: ArraySlice<UInt8>) {
        let bytes = Array(content.prefix(6))
        guard bytes.count == 6, bytes[0] <= 3 else { return nil }
        (profile, level, bitDepth) = (bytes[0], bytes[1], bytes[2] >> 4)
        chromaSubsampling = bytes[2] >> 1 & 0x07
        isFullRange = bytes[2] & 1 == 1
        colors = Colors(primaries: bytes[3], transfer: bytes[4], matrix: bytes[5])
    }

    /// `vp09.` with profile, level and bit depth, for instance `vp09.00.10.08`.
    package var codecString: String { "vp09.\(decimal(profile)).\(decimal(level)).\(decimal(bitDepth))" }

    /// The content of `vpcC`; no codec initialisation data, which VP9 never has.
    var record: [UInt8] {
        let depths = bitDepth << 4 | (chromaSubsampling & 0x07) << 1 | (isFullRange ? 1 : 0)
        return [profile, level, depths, colors.primaries, colors.transfer, colors.matrix, 0, 0]
    }

    /// Levels with their largest picture and luma samples a second (VP9 levels, annex A of the bitstream specification).
    private static let levels: [(level: UInt8, area: Int, rate: Int)] = [
        (10, 36_864, 829_440), (11, 73_728, 2_764_800), (20, 122_880, 4_608_000), (21, 245_760, 9_216_000), (30, 552_960, 20_736_000),
        (31, 983_040, 36_864_000), (40, 2_228_224, 83_558_400), (41, 2_228_224, 160_432_128), (50, 8_912_896, 311_951_360),
        (51, 8_912_896, 588_251_136), (52, 8_912_896, 1_176_502_272), (60, 35_651_584, 1_176_502_272), (61, 35_651_584, 2_353_004_544),
    ]

    private static func level(area: Int) -> UInt8 {
        levels.first { area <= $0.area && area * 30 <= $0.rate }?.level ?? 62
    }
}

extension VP9Configuration.Colors {
    /// From `color_space` (VP9 bitstream specification, section 7.2.2).
    fileprivate init(colorSpace: UInt8) {
        switch colorSpace {
        case 1, 3: self.init(primaries: 6, transfer: 6, matrix: 6)  // BT.601, SMPTE 170
        case 2: self.init(primaries: 1, transfer: 1, matrix: 1)  // BT.709
        case 4: self.init(primaries: 7, transfer: 7, matrix: 7)  // SMPTE 240
        case 5: self.init(primaries: 9, transfer: 14, matrix: 9)  // BT.2020
        case 7: self.init(primaries: 1, transfer: 13, matrix: 0)  // sRGB
        default: self.init(primaries: 2, transfer: 2, matrix: 2)
        }
    }
}

extension ChromaSubsampling {
    /// `chroma_subsampling` of `vpcC`; 4:2:0 is sited with the luma samples, as VP9 decoders take it. 4:4:0 has no number.
    fileprivate var codePoint: UInt8 {
        switch (horizontal, vertical) {
        case (true, true): 1
        case (true, false): 2
        case (false, _): 3
        }
    }
}
