package import BridgeModel

/// What a track's samples are, with what a decoder needs before the first of them.
package enum SampleFormat: Sendable, Equatable {
    /// H.264 in samples with lengths; an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1).
    case avc(configuration: [UInt8])
    /// H.265 in samples with lengths; an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3.1).
    case hevc(configuration: [UInt8])
    case vp9(VP9Configuration)
    /// Temporal units without delimiters; an AV1CodecConfigurationRecord (AV1 in ISOBMFF section 2.3.3).
    case av1(configuration: [UInt8])
    /// An identification header, `OpusHead` (RFC 7845 section 5.1).
    case opus(head: [UInt8])
    /// An AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1).
    case aac(configuration: [UInt8])

    /// From a codec's data as Matroska stores it (RFC 9559 codec mappings); `size` (pixels) and `firstKeyframe` are read for VP9 only.
    /// Throws `unsupportedCodec` for VP8 and G.711, and `badConfiguration` when the data does not describe a track.
    package init(
        codec: Codec, codecPrivate: [UInt8], size: (width: Int, height: Int), firstKeyframe: [UInt8]
    ) throws(ISOMediaError) {
        let smallest: Int
        switch codec {
        case .h264: (self, smallest) = (.avc(configuration: codecPrivate), 7)
        case .h265: (self, smallest) = (.hevc(configuration: codecPrivate), 23)
        case .av1: (self, smallest) = (.av1(configuration: codecPrivate), 4)
        case .opus: (self, smallest) = (.opus(head: codecPrivate), 19)
        case .vp9:
            guard let configuration = VP9Configuration(keyframe: firstKeyframe, size: size) else { throw .badConfiguration(codec) }
            (self, smallest) = (.vp9(configuration), 0)
        case .aac:
            guard AudioSpecificConfig(codecPrivate) != nil else { throw .badConfiguration(codec) }
            (self, smallest) = (.aac(configuration: codecPrivate), 2)
        case .vp8, .pcmu, .pcma: throw .unsupportedCodec(codec)
        }
        // Each record but these begins with its version; 0 would be what parsers write that have not seen the parameter sets yet.
        let hasVersion = [.vp9, .opus, .aac].contains(codec) || codecPrivate.first.map { $0 & 0x7F == 1 } ?? false
        guard codecPrivate.count >= smallest, hasVersion else { throw .badConfiguration(codec) }
    }

    /// Audio or video.
    package var kind: MediaKind {
        switch self {
        case .avc, .hevc, .vp9, .av1: .video
        case .opus, .aac: .audio
        }
    }

    /// The codec with its data as Matroska stores it; nil for what recordings never hold.
    package var matroskaData: (codec: Codec, codecPrivate: [UInt8])? {
        switch self {
        case .avc(let record): (.h264, record)
        case .hevc(let record): (.h265, record)
        case .vp9: (.vp9, [])
        case .av1(let record): (.av1, record)
        case .opus(let head): (.opus, head)
        case .aac(let record): (.aac, record)
        }
    }

    /// The name of the sample entry.
    package var entryType: FourCC {
        switch self {
        case .avc: "avc1"
        case .hevc: "hvc1"
        case .vp9: "vp09"
        case .av1: "av01"
        case .opus: "Opus"
        case .aac: "mp4a"
        }
    }

    /// The `codecs` parameter of a media type (RFC 6381; each codec's own binding), for instance `avc1.42E01F`.
    package var codecString: String {
        switch self {
        case .avc(let record): "avc1." + (record + [0, 0, 0, 0])[1...3].map { hexadecimal($0, digits: 2) }.joined()
        case .hevc(let record): hevcString(record)
        case .vp9(let configuration): configuration.codecString
        case .av1(let record): av1String(record)
        case .opus: "opus"
        case .aac(let record): "mp4a.40.\(audioObjectType(record))"
        }
    }
}

/// ISO/IEC 14496-15 section E.3: profile, compatibility (its bits reversed), tier and level, constraints without trailing zeros.
private func hevcString(_ record: [UInt8]) -> String {
    let bytes = record + [UInt8](repeating: 0, count: 23)
    let space = ["", "A", "B", "C"][Int(bytes[1] >> 6)]
    let compatibility = bytes[2...5].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    var reversed: UInt32 = 0
    for bit in 0..<32 where compatibility >> UInt32(bit) & 1 == 1 { reversed |= 1 << UInt32(31 - bit) }
    let tier = bytes[1] & 0x20 == 0 ? "L" : "H"
    var constraints = Array(bytes[6...11])
    while constraints.last == 0 { constraints.removeLast() }
    let parts = ["hvc1", space + String(bytes[1] & 0x1F), hexadecimal(reversed, digits: 1), tier + String(bytes[12])]
    return (parts + constraints.map { hexadecimal($0, digits: 1) }).joined(separator: ".")
}

/// AV1 in ISOBMFF section 5: profile, level with tier, and bit depth.
private func av1String(_ record: [UInt8]) -> String {
    let bytes = record + [0, 0, 0, 0]
    let tier = bytes[2] & 0x80 == 0 ? "M" : "H"
    let depth = bytes[2] & 0x40 == 0 ? "08" : bytes[2] & 0x20 == 0 ? "10" : "12"
    return "av01.\(bytes[1] >> 5).\(decimal(bytes[1] & 0x1F))\(tier).\(depth)"
}

/// The first five bits, with an escape for the higher ones (ISO/IEC 14496-3 section 1.6.2.1).
private func audioObjectType(_ record: [UInt8]) -> UInt8 {
    let bytes = record + [0, 0]
    let type = bytes[0] >> 3
    guard type == 31 else { return type }
    return 32 + ((bytes[0] & 0x07) << 3 | bytes[1] >> 5)
}

/// Capital digits, as the examples of RFC 6381 have them.
private func hexadecimal(_ value: some BinaryInteger, digits: Int) -> String {
    let text = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// Two digits at least.
func decimal(_ value: UInt8) -> String { (value < 10 ? "0" : "") + String(value) }
