import RTP

/// An RTP packet, and every accessor of its view; a rewritten header reads back as written.
func fuzzRTP(_ bytes: UnsafeRawBufferPointer) {
    guard let packet = RTPPacketView(reading: bytes) else { return }
    precondition(packet.payloadRange.upperBound <= bytes.count)
    var sum = packet.payload.reduce(0) { $0 &+ Int($1) }
    if let (_, content) = packet.headerExtension { sum = content.reduce(sum) { $0 &+ Int($1) } }
    var copy = Array(bytes)
    let header = RTPHeader(marker: sum % 2 == 0, payloadType: 5, sequence: 6, timestamp: 7, ssrc: 8)
    copy.withUnsafeMutableBytes { header.rewrite($0) }
    copy.withUnsafeBytes { precondition(RTPPacketView(reading: $0).map { RTPHeader($0) } == header) }
}
