import BridgeModel
import RTP

/// The codec in the first byte; then packets, one after the other: a byte of flags (marker, gap, new timestamp), a length of one byte, the payload.
func fuzzDepacketizers(_ bytes: UnsafeRawBufferPointer) {
    guard let codec = bytes.first else { return }
    let packets = UnsafeRawBufferPointer(rebasing: bytes[1...])
    switch codec % 3 {
    case 0: depacketize(packets, H264Picture(), added: 255 * 4100)
    case 1: depacketize(packets, VP8Picture(), added: 0)
    default: depacketize(packets, VP9Picture(), added: 0)
    }
}

/// A picture has no more bytes than came with its packets, lengths before units, and `added`: parameter sets from before.
private func depacketize(_ bytes: UnsafeRawBufferPointer, _ picture: some PictureAssembly, added: Int) {
    var depacketizer = FrameDepacketizer(picture)
    var offset = 0
    var timestamp: UInt32 = 0
    var taken = 0
    while offset + 2 <= bytes.count {
        let flags = bytes[offset]
        let size = min(Int(bytes[offset + 1]), bytes.count - offset - 2)
        let payload = UnsafeRawBufferPointer(rebasing: bytes[(offset + 2)..<(offset + 2 + size)])
        offset += 2 + size
        taken += size
        if flags & 4 != 0 { timestamp &+= 1 }
        let moment = PacketMoment(
            timestamp: timestamp, time: MonotonicTime(nanoseconds: UInt64(timestamp)), marker: flags & 1 != 0, isAfterGap: flags & 2 != 0)
        try? depacketizer.take(payload, of: moment) { frame in
            precondition(!frame.bytes.isEmpty && frame.bytes.count <= 5 * taken + added)
            precondition(!frame.isKeyframe || frame.format != nil)
        }
    }
}
