package import BridgeModel

/// The uncompressed header of a VP9 key frame (VP9 bitstream specification, section 6.2).
package struct VP9KeyframeHeader: Sendable, Equatable {
    /// 0...3.
    package var profile: UInt8
    /// Of this frame; for a spatial layer that is the layer's.
    package var size: PictureSize
    /// 8, 10 or 12.
    package var bitDepth: UInt8 = 8
    /// `color_space`: 0 not told, 1 BT.601, 2 BT.709, 3 SMPTE 170, 4 SMPTE 240, 5 BT.2020, 7 sRGB (section 7.2.2).
    package var colorSpace: UInt8 = 0
    /// `color_range`: 0...255 instead of 16...235.
    package var isFullRange = false
    package var chroma = ChromaSubsampling(horizontal: true, vertical: true)

    private static let frameMarker: UInt32 = 2
    private static let syncCode: UInt32 = 0x498342
    /// `CS_RGB` of `color_space`.
    private static let rgb: UInt8 = 7

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
        size = PictureSize(width: 0, height: 0)
        readColors(&reader)
        size = PictureSize(width: reader.bits(16) + 1, height: reader.bits(16) + 1)
        guard !reader.isExhausted else { return nil }
    }

    /// As RFC 9628 section 7 has it.
    package var codecProfile: CodecProfile { .vp9(profile: profile) }

    /// `color_config()`; only the odd profiles have anything but 4:2:0.
    private mutating func readColors(_ reader: inout BitReader) {
        let isOdd = profile & 1 == 1
        if profile >= 2 { bitDepth = reader.flag() ? 12 : 10 }
        colorSpace = reader.byte(bits: 3)
        let isRGB = colorSpace == Self.rgb
        isFullRange = isRGB || reader.flag()
        guard isOdd else { return }
        chroma = isRGB ? ChromaSubsampling() : ChromaSubsampling(horizontal: reader.flag(), vertical: reader.flag())
        reader.skip(1)  // reserved_zero
    }
}

/// In which directions a picture has half as many chroma samples as luma samples: both in 4:2:0, none in 4:4:4.
package struct ChromaSubsampling: Sendable, Equatable {
    package var horizontal = false
    package var vertical = false

    package init(horizontal: Bool = false, vertical: Bool = false) {
        self.horizontal = horizontal
        self.vertical = vertical
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
