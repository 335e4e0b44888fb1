import RTP

/// An RTP packet, and every accessor of its view; a rewritten header reads back as written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafeRawPointer?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    guard let packet = RTPPacketView(reading: bytes) else { return 0 }
    precondition(packet.payloadRange.upperBound <= count)
    var sum = packet.payload.reduce(0) { $0 &+ Int($1) }
    if let (_, content) = packet.headerExtension { sum = content.reduce(sum) { $0 &+ Int($1) } }
    var copy = Array(bytes)
    let header = RTPHeader(marker: sum % 2 == 0, payloadType: 5, sequence: 6, timestamp: 7, ssrc: 8)
    copy.withUnsafeMutableBytes { header.rewrite($0) }
    copy.withUnsafeBytes { precondition(RTPPacketView(reading: $0).map { RTPHeader($0) } == header) }
    return 0
}
