internal import RTP

/// One packet to send: new bytes that the viewer wrote into the caller's buffer, then a range of a cached packet that all viewers share.
///
/// The first `headerSize` bytes of the buffer are the RTP header with its extension: authenticated, not encrypted. The `prefixSize` bytes behind them
/// are the rewritten beginning of the payload (RTX's original sequence number, a codec's payload descriptor): encrypted together with the shared bytes.
package struct EgressPacket: Sendable {
    /// Bytes that a caller's buffer must have: an RTP header, the largest block of extensions, RTX and the longest rewritten payload descriptor.
    package static let headerCapacity = 12 + ExtensionRewriter.maximumBlockSize + 2 + 8

    /// Why it is sent.
    package enum Purpose: UInt8, Sendable {
        case media
        /// Again, since the viewer asked for it or to measure the path.
        case retransmission
        /// No payload: to measure the path, or in place of a packet that the viewer is not to get.
        case padding
    }

    package var purpose: Purpose
    /// Size of the RTP header in the caller's buffer.
    package var headerSize: Int
    /// Size of the payload's rewritten beginning behind it.
    package var prefixSize: Int
    /// Number of the cached packet; meaningless when `payload` is empty.
    package var index: UInt64
    /// What of the cached packet follows.
    package var payload: Range<Int>
    /// Zero bytes behind all that, the last of which holds this count (RFC 3550 section 5.1, the P bit is set in the header).
    package var paddingSize: UInt8
    /// Last packet of its frame: what was collected may leave.
    package var endsFrame: Bool

    /// Bytes of the RTP packet before protection.
    package var size: Int { headerSize + prefixSize + payload.count + Int(paddingSize) }
}

extension EgressPacket {
    /// The shared bytes that follow the header and prefix, for the time of `body`.
    package func withPayload<Result>(in cache: borrowing GOPCache, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard paddingSize == 0 else {
            return Self.paddingBlock.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0.suffix(Int(paddingSize)))) }
        }
        guard !payload.isEmpty else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return cache.withPacket(index) { body(UnsafeRawBufferPointer(rebasing: $0[payload])) }
    }

    /// Only whole blocks are sent as padding, so that the last byte is the count.
    static let paddingBlock: [UInt8] = [UInt8](repeating: 0, count: 254) + [255]
}
