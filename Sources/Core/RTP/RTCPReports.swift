/// The sender information of a sender report (RFC 3550 section 6.4.1): ties a source's RTP timestamps to its wall clock.
package struct SenderReportView: Equatable, Sendable {
    /// Bytes of header and sender information, without report blocks.
    package static let size = 28

    package var ssrc: UInt32
    /// 32.32 fixed point, seconds since 1900 (RFC 3550 section 4).
    package var ntp: UInt64
    /// The same instant in units of the codec's clock rate.
    package var rtp: UInt32
    package var packetCount: UInt32
    package var octetCount: UInt32

    package init(ssrc: UInt32, ntp: UInt64, rtp: UInt32, packetCount: UInt32 = 0, octetCount: UInt32 = 0) {
        self.ssrc = ssrc
        self.ntp = ntp
        self.rtp = rtp
        self.packetCount = packetCount
        self.octetCount = octetCount
    }

    /// Reads a sender report; nil when the packet is of another type or too short for its sender information.
    package init?(_ packet: RTCPPacketView) {
        guard packet.type == RTCPPacketView.PacketType.senderReport, packet.bytes.count >= Self.size else { return nil }
        let bytes = packet.bytes
        self.init(
            ssrc: bytes.uint32(at: 4), ntp: bytes.uint64(at: 8), rtp: bytes.uint32(at: 16), packetCount: bytes.uint32(at: 20),
            octetCount: bytes.uint32(at: 24))
    }

    /// The first sender report of a compound; nil when there is none.
    package init?(inCompound bytes: UnsafeRawBufferPointer) {
        for packet in RTCPCompound(bytes) {
            guard let report = SenderReportView(packet) else { continue }
            self = report
            return
        }
        return nil
    }

    /// Writes a sender report without report blocks into the first `size` bytes.
    package func write(to bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count >= Self.size, "a report buffer holds the report")
        bytes[0] = 0x80
        bytes[1] = RTCPPacketView.PacketType.senderReport
        bytes.storeBytes(of: UInt16(Self.size / 4 - 1).bigEndian, toByteOffset: 2, as: UInt16.self)
        bytes.storeBytes(of: ssrc.bigEndian, toByteOffset: 4, as: UInt32.self)
        bytes.storeBytes(of: ntp.bigEndian, toByteOffset: 8, as: UInt64.self)
        bytes.storeBytes(of: rtp.bigEndian, toByteOffset: 16, as: UInt32.self)
        bytes.storeBytes(of: packetCount.bigEndian, toByteOffset: 20, as: UInt32.self)
        bytes.storeBytes(of: octetCount.bigEndian, toByteOffset: 24, as: UInt32.self)
    }
}
