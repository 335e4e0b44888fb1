package import BridgeModel

/// The two names of the format: WebM is Matroska with a short list of codecs.
package enum DocumentType: String, Sendable, Equatable, CaseIterable {
    case webm, matroska
}

/// A track of a recording as its header says.
package struct MatroskaTrack: Sendable, Equatable {
    /// From 1; it names the track in every block, and is the same in all parts of a recording.
    package var number: UInt8
    package var codec: Codec
    /// Pixels, video only, as at the beginning; the coded pictures may change later.
    package var width: Int
    package var height: Int
    /// Audio only.
    package var channels: Int
    /// The codec's initialisation data (`avcC`, `hvcC`, `av1C`, OpusHead, AudioSpecificConfig); empty where the codec has none.
    package var codecPrivate: [UInt8]

    package init(number: UInt8, codec: Codec, width: Int = 0, height: Int = 0, channels: Int = 1, codecPrivate: [UInt8] = []) {
        self.number = number
        self.codec = codec
        self.width = width
        self.height = height
        self.channels = channels
        self.codecPrivate = codecPrivate
    }

    /// Hz, audio only.
    package var sampleRate: UInt32 {
        guard codec == .aac, let config = AudioSpecificConfig(codecPrivate) else { return codec.clockRate }
        return config.sampleRate
    }
}

/// One coded picture or piece of sound.
package struct MatroskaFrame: Sendable, Equatable {
    /// The track's number.
    package var track: UInt8
    /// From the beginning of the file, kept to the millisecond.
    package var time: Duration
    /// Decoding can begin here; true for all audio.
    package var isKeyframe: Bool
    package var bytes: [UInt8]

    package init(track: UInt8, time: Duration, isKeyframe: Bool, bytes: [UInt8]) {
        self.track = track
        self.time = time
        self.isKeyframe = isKeyframe
        self.bytes = bytes
    }
}

extension Codec {
    /// The name of RFC 9559's codec registry. G.711 has none of its own and goes as a WAVEFORMATEX.
    var matroskaID: String {
        switch self {
        case .h264: "V_MPEG4/ISO/AVC"
        case .h265: "V_MPEGH/ISO/HEVC"
        case .vp8: "V_VP8"
        case .vp9: "V_VP9"
        case .av1: "V_AV1"
        case .opus: "A_OPUS"
        case .aac: "A_AAC"
        case .pcmu, .pcma: "A_MS/ACM"
        }
    }

    /// The reverse of `matroskaID`; G.711 is told by its format tag.
    init?(matroskaID: String, codecPrivate: [UInt8]) {
        guard matroskaID == "A_MS/ACM" else {
            guard let codec = Codec.allCases.first(where: { $0.matroskaID == matroskaID }) else { return nil }
            self = codec
            return
        }
        switch codecPrivate.first {
        case WaveFormat.muLaw: self = .pcmu
        case WaveFormat.aLaw: self = .pcma
        default: return nil
        }
    }

    /// True when WebM lists it.
    package var isWebM: Bool {
        switch self {
        case .vp8, .vp9, .av1, .opus: true
        case .h264, .h265, .pcmu, .pcma, .aac: false
        }
    }
}

/// Format tags of WAVEFORMATEX (RFC 2361).
enum WaveFormat {
    static let aLaw: UInt8 = 6
    static let muLaw: UInt8 = 7

    /// 18 bytes, little-endian: tag, channels, rate, bytes a second, block, bits, no more.
    static func header(_ codec: Codec, channels: UInt8) -> [UInt8] {
        let rate = codec.clockRate
        let wide = { (value: UInt32) in (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        return [codec == .pcmu ? muLaw : aLaw, 0, channels, 0] + wide(rate) + wide(rate * UInt32(channels)) + [channels, 0, 8, 0, 0, 0]
    }
}

/// The codec data of G.711 in a recording: a WAVEFORMATEX.
package func waveFormat(_ codec: Codec, channels: UInt8) -> [UInt8] { WaveFormat.header(codec, channels: channels) }

/// The identification header of Opus (RFC 7845 section 5.1) for sound that was joined in the middle: nothing is to be skipped.
package func opusHead(channels: UInt8) -> [UInt8] {
    let rate: [UInt8] = [0x80, 0xBB, 0, 0]  // 48,000 Hz, little-endian
    return Array("OpusHead".utf8) + [1, channels, 0, 0] + rate + [0, 0, 0]
}
