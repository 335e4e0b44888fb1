import RTP

/// Calls `body` with a view of the packet in `bytes`; nil when it is malformed.
func withPacket<Result>(_ bytes: [UInt8], _ body: (RTPPacketView) -> Result) -> Result? {
    bytes.withUnsafeBytes { buffer in RTPPacketView(reading: buffer).map(body) }
}

/// A repeatable source of random bytes (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    mutating func bytes(upTo limit: Int) -> [UInt8] {
        (0..<Int.random(in: 0...limit, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}

/// The bytes of a hexadecimal text.
func hexBytes(_ text: String) -> [UInt8] {
    let digits = text.utf8.map { UInt8(hexDigit: $0) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

extension UInt8 {
    fileprivate init(hexDigit: UInt8) { self = hexDigit >= 0x61 ? hexDigit - 0x61 + 10 : hexDigit - 0x30 }
}

/// What `body` writes into a buffer of `capacity` bytes.
func written(capacity: Int = 1500, _ body: (inout RTCPWriter) -> Void) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: capacity)
    let count = bytes.withUnsafeMutableBytes { buffer in
        var writer = RTCPWriter(buffer)
        body(&writer)
        return writer.count
    }
    return Array(bytes[..<count])
}

/// Calls `body` with the first packet of a compound; nil when it is malformed.
func withControlPacket<Result>(_ bytes: [UInt8], _ body: (RTCPPacketView) -> Result?) -> Result? {
    bytes.withUnsafeBytes { buffer in
        var compound = RTCPCompound(buffer)
        return compound.next().flatMap(body)
    }
}

/// A packet with this extension profile and content, which is padded to whole words, and a payload of three bytes.
func packet(profile: UInt16, extension content: [UInt8]) -> [UInt8] {
    let padded = content + [UInt8](repeating: 0, count: (4 - content.count % 4) % 4)
    let header: [UInt8] = [0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
    let words = UInt16(padded.count / 4)
    let block = [UInt8(profile >> 8), UInt8(profile & 0xFF), UInt8(words >> 8), UInt8(words & 0xFF)]
    return header + block + padded + [9, 8, 7]
}
