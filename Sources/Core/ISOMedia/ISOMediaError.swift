package import BridgeModel

/// Why something cannot be written as, or read from, an ISO base media file (ISO/IEC 14496-12).
package enum ISOMediaError: Error, Sendable, Equatable {
    /// MP4 has no sample entry for this codec that players know.
    case unsupportedCodec(Codec)
    /// The codec's initialisation data is missing or too short to describe the track.
    case badConfiguration(Codec)
    /// More than the format, or this code, holds; `what` is the box.
    case tooLarge(FourCC)
    /// A file without a readable `moov`, or without a track that is understood.
    case noMovie
    /// A box that contradicts itself or ends too early.
    case malformed(FourCC)
}

/// The four characters that name a box, a brand or a sample entry.
package struct FourCC: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The characters, the first in the highest byte.
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Of a literal of four ASCII characters; a shorter one is filled with spaces.
    package init(stringLiteral value: StaticString) {
        rawValue = value.withUTF8Buffer { text in (0..<4).reduce(0) { $0 << 8 | UInt32($1 < text.count ? text[$1] : 0x20) } }
    }

    /// The characters; a question mark for each that is not printable ASCII.
    package var description: String {
        let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: rawValue >> UInt32($0)) }
        return String(decoding: bytes.map { (0x20..<0x7F).contains($0) ? $0 : 0x3F }, as: UTF8.self)
    }
}
