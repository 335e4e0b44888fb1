import EdgeTesting
import RTP

/// VP8 frames of an edge publisher, with the frame's number in each byte of the payload behind the header.
struct VP8Source {
    private(set) var sequence: UInt16 = 100
    private(set) var frames = 0
    let ssrc: UInt32
    /// Width and height of the picture.
    private let side: UInt16

    init(ssrc: UInt32 = 0xCAFE, side: UInt16 = 240) {
        self.ssrc = ssrc
        self.side = side
    }

    /// The packets of the next frame.
    mutating func nextFrame(keyframe: Bool, packets: Int = 3, size: Int = 1000) -> [[UInt8]] {
        frames += 1
        return (0..<packets).map { place in
            let header = RTPHeader(
                marker: place == packets - 1, payloadType: 96, sequence: sequence, timestamp: UInt32(frames) &* 3000, ssrc: ssrc)
            sequence &+= 1
            // A descriptor without extension, then a key frame's start code and size (RFC 7741 section 4.3).
            let sides = [side, side].flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
            let start = [place == 0 ? 0x10 : 0x00, keyframe ? 0 : 1, 0, 0, 0x9D, 0x01, 0x2A] + sides
            return Publisher.packet(header, start + [UInt8](repeating: UInt8(truncatingIfNeeded: frames), count: size - start.count))
        }
    }

    /// A packet without payload, as publishers without RTX measure their path with: between the frames, with a number of theirs.
    mutating func nextPadding(size: UInt8 = 200) -> [UInt8] {
        let header = RTPHeader(payloadType: 96, sequence: sequence, timestamp: UInt32(frames) &* 3000, ssrc: ssrc)
        sequence &+= 1
        var packet = Publisher.packet(header, [UInt8](repeating: 0, count: Int(size) - 1) + [size])
        // P (RFC 3550 section 5.1)
        packet[0] |= 0x20
        return packet
    }

    /// Sends the next frame.
    mutating func sendFrame(by client: EdgeClient, keyframe: Bool = false, packets: Int = 3) throws {
        for packet in nextFrame(keyframe: keyframe, packets: packets) { try client.send(rtp: packet) }
    }
}

extension EdgeClient {
    /// Headers of what came, in order of arrival.
    var headers: [RTPHeader] {
        packets.compactMap { bytes in bytes.withUnsafeBytes { RTPPacketView(reading: $0).map { RTPHeader($0) } } }
    }

    /// RTCP packets that came, taken out of their compounds.
    func receivedControl(of type: UInt8, format: UInt8? = nil) -> Int {
        controls.reduce(0) { count, compound in
            count
                + compound.withUnsafeBytes { bytes in
                    var found = 0
                    for packet in RTCPCompound(bytes) where packet.type == type && format ?? packet.countOrFormat == packet.countOrFormat {
                        found += 1
                    }
                    return found
                }
        }
    }
}
