package import BridgeModel
internal import RTP

/// The audio of one publisher: Opus, 20 ms of silence a packet.
package struct AudioPublisher {
    /// Configuration 31 (CELT, full band, 20 ms), mono, one frame: what encoders send for silence (RFC 6716 section 3.1).
    static let silence: [UInt8] = [0xF8, 0xFF, 0xFE]
    private static let interval: Duration = .milliseconds(20)
    private static let samples: UInt32 = 960

    private let track: SentTrack
    private var sequence: UInt16
    private var timestamp: UInt32
    /// When the next packet is due.
    package private(set) var deadline: MonotonicTime
    private var packets: UInt32 = 0

    /// `seed` makes the first numbers; the first packet is due at `now`.
    package init(track: SentTrack, seed: UInt64, now: MonotonicTime) {
        self.track = track
        sequence = UInt16(truncatingIfNeeded: seed >> 4) & 0x3FFF
        timestamp = UInt32(truncatingIfNeeded: seed >> 20)
        deadline = now
    }

    /// Writes the packet that is due. Its length; 0 when none is due or `slot` is too small.
    package mutating func writePacket(to slot: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> Int {
        let size = RTPPacketView.fixedHeaderSize + Self.silence.count
        guard deadline <= now, slot.count >= size else { return 0 }
        RTPHeader(marker: packets == 0, payloadType: track.payloadType, sequence: sequence, timestamp: timestamp, ssrc: track.ssrc)
            .write(to: slot)
        slot.copy(Self.silence, to: RTPPacketView.fixedHeaderSize)
        sequence &+= 1
        timestamp &+= Self.samples
        packets &+= 1
        deadline = now.duration(since: deadline) > .seconds(1) ? now : deadline.advanced(by: Self.interval)
        return size
    }

    /// What the sender report says; `ntp` is the instant of the next packet, as near as it matters.
    package func report(ntp: UInt64) -> SenderReport {
        SenderReport(
            ssrc: track.ssrc, ntp: ntp, timestamp: timestamp, packets: packets, octets: packets &* UInt32(Self.silence.count))
    }
}
