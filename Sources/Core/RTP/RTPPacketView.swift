/// One RTP packet (RFC 3550 section 5.1), read in place.
///
/// A view borrows its bytes: it must not outlive the closure or buffer that they came from. Making one checks every length of the packet,
/// so that no accessor can fail afterwards; nothing is allocated.
package struct RTPPacketView {
    /// Bytes of the header that every packet has.
    package static let fixedHeaderSize = 12

    private let bytes: UnsafeRawBufferPointer
    /// Where the payload lies in the packet: after CSRC list and header extension, before padding.
    package let payloadRange: Range<Int>
    /// Where the content of the header extension lies in the packet, behind its profile and length; nil without one.
    package let headerExtensionRange: Range<Int>?

    /// Checks version, CSRC list, header extension and padding; nil when any of them does not fit into `bytes`.
    package init?(reading bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.fixedHeaderSize, bytes[0] >> 6 == 2 else { return nil }
        var start = Self.fixedHeaderSize + 4 * Int(bytes[0] & 0x0F)
        var extensionRange: Range<Int>?
        if bytes[0] & 0x10 != 0 {
            guard bytes.count >= start + 4 else { return nil }
            let words = Int(bytes.uint16(at: start + 2))
            extensionRange = start + 4..<start + 4 + 4 * words
            start += 4 + 4 * words
        }
        var end = bytes.count
        guard start <= end else { return nil }
        if bytes[0] & 0x20 != 0 {
            // The last byte counts the padding, itself included (section 5.1): never zero, never more than what follows the header.
            let padding = Int(bytes[end - 1])
            guard padding > 0, padding <= end - start else { return nil }
            end -= padding
        }
        self.bytes = bytes
        headerExtensionRange = extensionRange
        payloadRange = start..<end
    }

    /// The marker bit: for video the last packet of a frame, for audio the first of a talk spurt (RFC 3551 section 4.1).
    package var marker: Bool { bytes[1] & 0x80 != 0 }

    /// 0...127.
    package var payloadType: UInt8 { bytes[1] & 0x7F }

    /// Counts packets of one SSRC, modulo 2^16.
    package var sequence: UInt16 { bytes.uint16(at: 2) }

    /// Sampling instant in units of the codec's clock rate, modulo 2^32.
    package var timestamp: UInt32 { bytes.uint32(at: 4) }

    /// The synchronisation source.
    package var ssrc: UInt32 { bytes.uint32(at: 8) }

    /// The codec's bytes, padding removed; may be empty.
    package var payload: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[payloadRange]) }

    /// Profile and content of the header extension (section 5.3.1), nil without one.
    package var headerExtension: (profile: UInt16, content: UnsafeRawBufferPointer)? {
        guard let extensionRange = headerExtensionRange else { return nil }
        return (bytes.uint16(at: extensionRange.lowerBound - 4), UnsafeRawBufferPointer(rebasing: bytes[extensionRange]))
    }
}
