package import BridgeModel

/// The uncompressed header of a VP9 key frame (VP9 bitstream specification, section 6.2).
package struct VP9KeyframeHeader: Sendable, Equatable {
    /// 0...3.
    package var profile: UInt8
    /// Of this frame; for a spatial layer that is the layer's.
    package var size: PictureSize

    private static let frameMarker: UInt32 = 2
    private static let syncCode: UInt32 = 0x498342
    /// `CS_RGB` of `color_space`.
    private static let rgb: UInt32 = 7

    /// Reads the beginning of a frame, behind the payload descriptor; nil when it is no key frame, or cut.
    package init?(reading frame: UnsafeRawBufferPointer) {
        var reader = BitReader(frame, from: 0, skipsEmulationPrevention: false)
        guard reader.bits(2) == Self.frameMarker else { return nil }
        let low = reader.byte(bits: 1)
        profile = reader.byte(bits: 1) << 1 | low
        if profile == 3 { reader.skip(1) }
        let showsOldFrame = reader.flag()
        let isPredicted = reader.flag()
        reader.skip(2)  // show_frame, error_resilient_mode
        guard !showsOldFrame, !isPredicted, reader.bits(24) == Self.syncCode else { return nil }
        Self.skipColors(&reader, profile: profile)
        size = PictureSize(width: reader.bits(16) + 1, height: reader.bits(16) + 1)
        guard !reader.isExhausted else { return nil }
    }

    /// As RFC 9628 section 7 has it.
    package var codecProfile: CodecProfile { .vp9(profile: profile) }

    /// `color_config()`.
    private static func skipColors(_ reader: inout BitReader, profile: UInt8) {
        let isOdd = profile & 1 == 1
        if profile >= 2 { reader.skip(1) }  // ten_or_twelve_bit
        let isRGB = reader.bits(3) == rgb
        if !isRGB { reader.skip(isOdd ? 4 : 1) } else if isOdd { reader.skip(1) }
    }
}

/// The header of a VP8 key frame (RFC 6386 section 9.1).
package struct VP8KeyframeHeader: Sendable, Equatable {
    /// Without upscaling.
    package var size: PictureSize

    /// Reads the beginning of a frame, behind the payload descriptor; nil when it is no key frame, or cut.
    package init?(reading frame: UnsafeRawBufferPointer) {
        guard frame.count >= 10, frame[0] & 1 == 0, frame[3] == 0x9D, frame[4] == 0x01, frame[5] == 0x2A else { return nil }
        let width = UInt32(frame[6]) | UInt32(frame[7] & 0x3F) << 8
        let height = UInt32(frame[8]) | UInt32(frame[9] & 0x3F) << 8
        guard width > 0, height > 0 else { return nil }
        size = PictureSize(width: width, height: height)
    }
}
