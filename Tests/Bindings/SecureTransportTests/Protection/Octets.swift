@testable import SecureTransport

/// Octets from their hexadecimal digits; anything else between them is skipped.
func octets(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

extension SecretBytes {
    init(_ octets: [UInt8]) {
        self = octets.span.withUnsafeBytes { SecretBytes(copying: $0) }
    }

    var octets: [UInt8] { withUnsafeBytes { Array($0) } }
}

/// A plain RTP packet of a counted payload.
func rtpPacket(ssrc: UInt32 = 0x1234_5678, sequence: UInt16, payloadCount: Int = 20) -> [UInt8] {
    [0x80, 96, UInt8(sequence >> 8), UInt8(sequence & 0xFF), 0, 0, 0, 1] + networkOctets(ssrc)
        + (0..<payloadCount).map { UInt8(truncatingIfNeeded: $0) }
}

/// A receiver report without blocks, and one more word.
func rtcpPacket(ssrc: UInt32 = 0x1234_5678) -> [UInt8] { [0x80, 201, 0, 2] + networkOctets(ssrc) + [1, 2, 3, 4] }

private func networkOctets(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
