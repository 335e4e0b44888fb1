import BridgeModel
import RTP

/// Packets, one after the other: a byte of flags (marker, gap, new timestamp), a length of one byte, the payload.
func fuzzAV1Depacketizer(_ bytes: UnsafeRawBufferPointer) {
    var depacketizer = AV1Depacketizer()
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
        let units = try? depacketizer.take(
            payload, timestamp: timestamp, time: MonotonicTime(nanoseconds: UInt64(timestamp)), marker: flags & 1 != 0,
            isAfterGap: flags & 2 != 0)
        for unit in units ?? [] {
            precondition(!unit.bytes.isEmpty && unit.bytes.count <= 5 * taken)
            if let header = unit.sequenceHeader { _ = header.withUnsafeBytes { AV1SequenceHeader(reading: $0) } }
        }
    }
}
