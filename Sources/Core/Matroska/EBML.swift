/// Element ids of EBML (RFC 8794) and Matroska (RFC 9559 section 5) that a recording uses, with their length marker.
enum ElementID {
    static let ebml: UInt32 = 0x1A45_DFA3
    static let ebmlVersion: UInt32 = 0x4286
    static let ebmlReadVersion: UInt32 = 0x42F7
    static let ebmlMaximumIDLength: UInt32 = 0x42F2
    static let ebmlMaximumSizeLength: UInt32 = 0x42F3
    static let documentType: UInt32 = 0x4282
    static let documentTypeVersion: UInt32 = 0x4287
    static let documentTypeReadVersion: UInt32 = 0x4285
    static let void: UInt32 = 0xEC
    static let segment: UInt32 = 0x1853_8067
    static let seekHead: UInt32 = 0x114D_9B74
    static let seek: UInt32 = 0x4DBB
    static let seekID: UInt32 = 0x53AB
    static let seekPosition: UInt32 = 0x53AC
    static let info: UInt32 = 0x1549_A966
    static let timestampScale: UInt32 = 0x2AD7B1
    static let duration: UInt32 = 0x4489
    static let dateUTC: UInt32 = 0x4461
    static let muxingApp: UInt32 = 0x4D80
    static let writingApp: UInt32 = 0x5741
    static let tracks: UInt32 = 0x1654_AE6B
    static let trackEntry: UInt32 = 0xAE
    static let trackNumber: UInt32 = 0xD7
    static let trackUID: UInt32 = 0x73C5
    static let trackType: UInt32 = 0x83
    static let flagLacing: UInt32 = 0x9C
    static let language: UInt32 = 0x22B59C
    static let codecID: UInt32 = 0x86
    static let codecPrivate: UInt32 = 0x63A2
    static let seekPreRoll: UInt32 = 0x56BB
    static let video: UInt32 = 0xE0
    static let pixelWidth: UInt32 = 0xB0
    static let pixelHeight: UInt32 = 0xBA
    static let audio: UInt32 = 0xE1
    static let samplingFrequency: UInt32 = 0xB5
    static let channels: UInt32 = 0x9F
    static let cluster: UInt32 = 0x1F43_B675
    static let timestamp: UInt32 = 0xE7
    static let simpleBlock: UInt32 = 0xA3
    static let cues: UInt32 = 0x1C53_BB6B
    static let cuePoint: UInt32 = 0xBB
    static let cueTime: UInt32 = 0xB3
    static let cueTrackPositions: UInt32 = 0xB7
    static let cueTrack: UInt32 = 0xF7
    static let cueClusterPosition: UInt32 = 0xF1
}

/// Writes EBML elements (RFC 8794) into bytes.
enum EBML {
    /// A size field of eight bytes that says 'unknown': the element lasts until one that cannot be its child (RFC 8794 section 6.2).
    static let unknownSize: [UInt8] = [0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]

    static func id(_ value: UInt32) -> [UInt8] { bigEndian(UInt64(value)) }

    /// A size in the fewest bytes (RFC 8794 section 4); all ones is reserved for 'unknown'.
    static func size(_ value: UInt64) -> [UInt8] {
        for length in 1...8 where value < (1 << (7 * length)) - 1 {
            return fixedWidth(value | 1 << (7 * length), bytes: length)
        }
        return unknownSize
    }

    /// A size in eight bytes, so that it can be overwritten in place.
    static func wideSize(_ value: UInt64) -> [UInt8] { fixedWidth(value & 0x00FF_FFFF_FFFF_FFFF | 1 << 56, bytes: 8) }

    static func element(_ id: UInt32, _ content: [UInt8]) -> [UInt8] {
        Self.id(id) + size(UInt64(content.count)) + content
    }

    static func element(_ id: UInt32, unsigned value: UInt64) -> [UInt8] { element(id, bigEndian(value)) }

    static func element(_ id: UInt32, text: String) -> [UInt8] { element(id, Array(text.utf8)) }

    static func element(_ id: UInt32, float value: Double) -> [UInt8] { element(id, fixedWidth(value.bitPattern, bytes: 8)) }

    /// An empty element that takes up exactly `count` bytes, 9 at least.
    static func void(_ count: Int) -> [UInt8] {
        id(ElementID.void) + wideSize(UInt64(count - 9)) + [UInt8](repeating: 0, count: count - 9)
    }

    static func fixedWidth(_ value: UInt64, bytes: Int) -> [UInt8] {
        (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }

    /// The fewest bytes, one at least.
    private static func bigEndian(_ value: UInt64) -> [UInt8] {
        fixedWidth(value, bytes: max(1, (71 - value.leadingZeroBitCount) / 8))
    }
}
