import Bridge
import BridgeModel
import EdgeTesting
import MediaPlane
import RTP
import Testing

@Suite(.serialized) struct EdgeFlowTests {
    /// One VP8 frame in packets of `size` bytes of payload.
    private func frame(number: Int, packets: Int, keyframe: Bool, sequence: inout UInt16, size: Int = 1000) -> [[UInt8]] {
        (0..<packets).map { place in
            let header = RTPHeader(
                marker: place == packets - 1, payloadType: 96, sequence: sequence, timestamp: UInt32(number) &* 3000, ssrc: 0xCAFE)
            sequence &+= 1
            let start: [UInt8] = [place == 0 ? 0x10 : 0x00, keyframe ? 0 : 1, 0, 0, 0x9D, 0x01, 0x2A]
            return Publisher.packet(header, start + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size - start.count))
        }
    }

    @Test func whatAPublisherSendsAViewerGets() async throws {
        let stage = try EdgeStage()
        let publisher = try stage.publisher()
        try publisher.client.connect()
        var sequence: UInt16 = 100
        for packet in frame(number: 1, packets: 5, keyframe: true, sequence: &sequence) { try publisher.client.send(rtp: packet) }
        let isIn = await waitForPackets(5, in: stage.hub)
        #expect(isIn)
        let viewer = try stage.viewer()
        try viewer.client.connect()
        try viewer.client.pump("the cached keyframe") { viewer.client.packets.count >= 5 }
        for number in 2..<12 {
            for packet in frame(number: number, packets: 3, keyframe: false, sequence: &sequence) { try publisher.client.send(rtp: packet) }
        }
        try viewer.client.pump("live packets") { viewer.client.packets.count >= 35 }
        let views = viewer.client.packets.compactMap { bytes in bytes.withUnsafeBytes { RTPPacketView(reading: $0).map { RTPHeader($0) } } }
        #expect(views.allSatisfy { $0.ssrc == 0x5151_0001 && $0.payloadType == 96 })
        let sequences = views.map(\.sequence)
        #expect(zip(sequences, sequences.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
        #expect(viewer.client.packets.map(\.count).allSatisfy { $0 >= 1012 })
    }
}
