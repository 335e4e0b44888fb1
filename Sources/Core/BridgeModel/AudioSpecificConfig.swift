/// What a decoder of AAC is told before the first of its frames (ISO/IEC 14496-3 section 1.6.2.1): `config` of an SDP, CodecPrivate of Matroska, and part of
/// `esds` in MP4. Only what recordings hold is read: Main, LC, SSR and LTP, also under SBR (HE-AAC), with one of the usual layouts of channels.
package struct AudioSpecificConfig: Sendable, Equatable {
    /// The type that is named first: 1 to 4, or 5 and 29 where SBR or PS around one of those is announced.
    package private(set) var objectType: UInt8
    /// The type of the frames themselves, 1 to 4; 2 is LC.
    package private(set) var coreType: UInt8
    /// Hz, of the frames themselves; SBR plays them at a higher rate.
    package private(set) var sampleRate: UInt32
    /// 1 to 8. SBR with PS makes two of one.
    package private(set) var channels: UInt8
    /// Samples of a frame, at `sampleRate`.
    package private(set) var frameLength: UInt32

    /// How long one frame sounds.
    package var frame: Duration { .nanoseconds((Int64(frameLength) * 1_000_000_000 + Int64(sampleRate) / 2) / Int64(sampleRate)) }

    /// No rate is outside of this, Hz.
    package static let rates: ClosedRange<UInt32> = 7350...96_000

    /// Hostile ones may be long; the longest that is read is far shorter.
    private static let longest = 64

    /// Nil for what is cut, contradicts itself, or is of another kind of sound.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.longest else { return nil }
        var bits = Bits(bytes)
        guard let type = bits.objectType(), let rate = bits.rate(), let layout = bits.take(4) else { return nil }
        (objectType, coreType, sampleRate, frameLength) = (UInt8(clamping: type), UInt8(clamping: type), rate, 1024)
        if type == Self.bandReplication || type == Self.parametricStereo {
            guard bits.rate() != nil, let core = bits.objectType() else { return nil }
            coreType = UInt8(clamping: core)
        }
        // Layouts that the frames would have to describe (0), and those of more than eight channels, are nothing that cameras send.
        guard (1...4).contains(coreType), (1...7).contains(layout) else { return nil }
        channels = layout == 7 ? 8 : UInt8(layout)
        // GASpecificConfig (section 4.4.1): frameLengthFlag, dependsOnCoreCoder with its delay, extensionFlag.
        guard let isShort = bits.take(1), let dependsOnCore = bits.take(1) else { return nil }
        if isShort == 1 { frameLength = 960 }
        if dependsOnCore == 1, bits.take(14) == nil { return nil }
        guard bits.take(1) != nil else { return nil }
    }

    /// From hexadecimal digits, as `config` of an `a=fmtp` has them (RFC 3640 section 4.1).
    package init?(hexadecimal text: some StringProtocol) {
        guard let bytes = Self.bytes(hexadecimal: text) else { return nil }
        self.init(bytes)
    }

    /// Two digits a byte; nil for anything else, and for more than a configuration has.
    package static func bytes(hexadecimal text: some StringProtocol) -> [UInt8]? {
        let digits = text.utf8.count <= longest * 2 ? text.map(\.hexDigitValue) : []
        guard !digits.isEmpty, digits.count % 2 == 0, text.utf8.count == digits.count else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }

    private static let bandReplication: UInt32 = 5
    private static let parametricStereo: UInt32 = 29
}

/// Reads from the highest bit on.
private struct Bits {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Up to 24 bits; nil when there are fewer left.
    mutating func take(_ count: Int) -> UInt32? {
        guard position + count <= bytes.count * 8 else { return nil }
        var value: UInt32 = 0
        for place in position..<position + count {
            let bit = bytes[place / 8] >> (7 - place % 8) & 1
            value = value << 1 | UInt32(bit)
        }
        position += count
        return value
    }

    /// `GetAudioObjectType`: five bits, with an escape for the higher ones.
    mutating func objectType() -> UInt32? {
        guard let type = take(5) else { return nil }
        return type == 31 ? take(6).map { $0 + 32 } : type
    }

    /// A sampling frequency by its number, or written out; nil for a number without one.
    mutating func rate() -> UInt32? {
        guard let index = take(4) else { return nil }
        let rate = index == 15 ? take(24) : Self.rates.indices.contains(Int(index)) ? Self.rates[Int(index)] : nil
        return rate.flatMap { AudioSpecificConfig.rates.contains($0) ? $0 : nil }
    }

    /// ISO/IEC 14496-3 table 1.18.
    private static let rates: [UInt32] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
    ]
}
