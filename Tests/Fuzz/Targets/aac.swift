import BridgeModel
import RTP

/// A byte of length and an AudioSpecificConfig; then packets, one after the other: a byte of flags (marker, gap, new timestamp), a length of one byte, the
/// payload.
func fuzzAAC(_ bytes: UnsafeRawBufferPointer) {
    guard let length = bytes.first else { return }
    let configuration = Array(bytes[1...].prefix(Int(length)))
    let config = AudioSpecificConfig(configuration)
    if let config {
        precondition(AudioSpecificConfig.rates.contains(config.sampleRate) && (1...8).contains(config.channels))
        precondition(config.frame > .zero && config.frame < .milliseconds(150))
    }
    let text = String(decoding: configuration, as: UTF8.self)
    if let read = AudioSpecificConfig.bytes(hexadecimal: text) { precondition(read.count * 2 == text.utf8.count) }
    let packets = UnsafeRawBufferPointer(rebasing: bytes[(1 + configuration.count)...])
    depacketize(packets, AACDepacketizer(frame: config?.frame ?? .milliseconds(20)))
}

/// Frames have no more bytes than came with their packets.
private func depacketize(_ bytes: UnsafeRawBufferPointer, _ depacketizer: consuming AACDepacketizer) {
    var offset = 0
    var timestamp: UInt32 = 0
    var (taken, given) = (0, 0)
    while offset + 2 <= bytes.count {
        let flags = bytes[offset]
        let size = min(Int(bytes[offset + 1]), bytes.count - offset - 2)
        let payload = UnsafeRawBufferPointer(rebasing: bytes[(offset + 2)..<(offset + 2 + size)])
        offset += 2 + size
        taken += size
        if flags & 4 != 0 { timestamp &+= 1 }
        let moment = PacketMoment(
            timestamp: timestamp, time: MonotonicTime(nanoseconds: UInt64(timestamp)), marker: flags & 1 != 0, isAfterGap: flags & 2 != 0)
        for unit in (try? depacketizer.take(payload, of: moment)) ?? [] {
            precondition(!unit.bytes.isEmpty && unit.bytes.count < 8192)
            given += unit.bytes.count
        }
    }
    precondition(given <= taken)
}
