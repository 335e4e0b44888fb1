import BridgeModel
import RTP
import Testing

/// Random bytes, and valid packets with a few bytes changed, never trap and never give a view that reaches past its buffer.
@Suite struct HostileInputTests {
    private let rounds = 20_000

    @Test func randomBytesNeverTrapAPacketView() {
        var random = SeededRandom(seed: 1)
        var accepted = 0
        for _ in 0..<rounds {
            var bytes = random.bytes(upTo: 64)
            // Most random bytes fail at the version: help them past it.
            if let first = bytes.first { bytes[0] = first & 0x3F | 0x80 }
            let size: Int? = withPacket(bytes) { packet in
                accepted += 1
                return packet.payload.count + (packet.headerExtension?.content.count ?? 0) + Int(packet.sequence & 1)
            }
            #expect((size ?? 0) <= bytes.count)
        }
        #expect(accepted > rounds / 100, "the test must reach the accessors")
    }

    @Test func randomBytesNeverTrapACompound() {
        var random = SeededRandom(seed: 2)
        var accepted = 0
        for _ in 0..<rounds {
            var bytes = random.bytes(upTo: 64)
            if bytes.count >= 4 {
                bytes[0] = bytes[0] & 0x3F | 0x80
                bytes[1] = UInt8.random(in: 200...206, using: &random)
                bytes[2] = 0
                bytes[3] &= 0x0F
            }
            bytes.withUnsafeBytes { accepted += Self.read($0) }
        }
        #expect(accepted > rounds / 100, "the test must reach the accessors")
    }

    private static func read(_ bytes: UnsafeRawBufferPointer) -> Int {
        var packets = 0
        for packet in RTCPCompound(bytes) {
            packets += 1
            _ = SenderReportView(packet)
            switch RTCPFeedback(packet) {
            case .fullIntraRequest(let entries)?: for _ in entries {}
            case .nack(_, let lost)?: for _ in lost {}
            case .pictureLossIndication?, nil: break
            }
        }
        return packets
    }

    @Test(arguments: Codec.allCases) func randomBytesNeverTrapAPayloadDescriptor(codec: Codec) {
        var random = SeededRandom(seed: 3)
        var accepted = 0
        for _ in 0..<rounds {
            let bytes = random.bytes(upTo: 24)
            if bytes.withUnsafeBytes({ PayloadTraits(codec: codec, payload: $0) }) != nil { accepted += 1 }
        }
        #expect(accepted > rounds / 1000, "the test must reach the accessors")
    }
}
