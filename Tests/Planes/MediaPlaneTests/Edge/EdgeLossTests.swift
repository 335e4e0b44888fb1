import Bridge
import BridgeModel
import EdgeTesting
import MediaPlane
import RTP
import SecureTransport
import Testing

/// A network that loses packets on both of its sides.
@Suite(.serialized) struct EdgeLossTests {
    /// A client that answers requests for lost packets by sending the same again, as one without RTX does.
    private final class RepairingPublisher {
        let client: EdgeClient
        private var sent: [UInt16: [UInt8]] = [:]
        private var answered = 0

        init(_ client: EdgeClient) { self.client = client }

        /// Sends a packet, unless it is to be lost.
        func send(_ packet: [UInt8], isLost: Bool) throws {
            sent[UInt16(packet[2]) << 8 | UInt16(packet[3])] = packet
            if !isLost { try client.send(rtp: packet) }
        }

        /// Answers what was asked for since the last call.
        func repair() throws {
            client.receive(wait: 1)
            let compounds = client.controls[answered...]
            answered = client.controls.count
            for sequence in compounds.flatMap({ EdgeLossTests.lost(in: $0) }) {
                if let packet = sent[sequence] { try client.send(rtp: packet) }
            }
        }
    }

    /// Sequence numbers that a compound asks for.
    private static func lost(in compound: [UInt8]) -> [UInt16] {
        compound.withUnsafeBytes { bytes in
            var all: [UInt16] = []
            for packet in RTCPCompound(bytes) {
                if case .nack(_, let lost)? = RTCPFeedback(packet) { all += Array(lost) }
            }
            return all
        }
    }

    @Test func everythingArrivesOverALossyNetwork() async throws {
        var random = SeededGenerator(seed: 7)
        let stage = try EdgeStage()
        var source = VP8Source()
        let guest = try await stage.connectedPublisher()
        let publisher = RepairingPublisher(guest.client)
        for packet in source.nextFrame(keyframe: true) { try publisher.send(packet, isLost: false) }
        #expect(await waitForPackets(3, in: stage.hub))
        let viewer = try stage.viewer()
        try viewer.client.connect()
        try viewer.client.pump("the keyframe") { viewer.client.packets.count >= 3 }
        viewer.client.loses = { $0 == .rtp && Int.random(in: 0..<10, using: &random) == 0 }
        for _ in 0..<60 {
            for packet in source.nextFrame(keyframe: false) {
                try publisher.send(packet, isLost: Int.random(in: 0..<10, using: &random) == 0)
            }
            try publisher.repair()
            viewer.client.receive(wait: 1)
        }
        // The end is not lost: nobody could ask for what nothing followed.
        for packet in source.nextFrame(keyframe: false) { try publisher.send(packet, isLost: false) }
        viewer.client.loses = { $0 == .rtp && Int.random(in: 0..<20, using: &random) == 0 }
        let wanted = 62 * 3
        try viewer.client.pump(within: .seconds(20), "all packets") {
            try? publisher.repair()
            let missing = Self.missing(in: viewer.client, of: wanted)
            if !missing.isEmpty { try? viewer.client.send(rtcp: Self.nacks(missing)) }
            return missing.isEmpty
        }
    }

    /// Sequence numbers that the viewer has neither by itself nor as a retransmission (RFC 4588 section 4).
    private static func missing(in client: EdgeClient, of count: Int) -> [UInt16] {
        guard let first = client.headers.first?.sequence else { return [] }
        var present: Set<UInt16> = []
        for (header, bytes) in zip(client.headers, client.packets) {
            present.insert(header.ssrc == EdgeSections.viewerRTX ? UInt16(bytes[12]) << 8 | UInt16(bytes[13]) : header.sequence)
        }
        return (0..<count).map { first &+ UInt16($0) }.filter { !present.contains($0) }
    }

    private static func nacks(_ sequences: [UInt16]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
            var writer = RTCPWriter(UnsafeMutableRawBufferPointer(buffer))
            _ = writer.appendReceiverReport(sender: 9)
            for (index, sequence) in sequences.enumerated() {
                let isTaken =
                    index == 0
                    ? writer.appendNack(sender: 9, media: EdgeSections.viewerSSRC, lost: sequence) : writer.appendLost(sequence)
                guard isTaken else { break }
            }
            count = writer.count
        }
    }
}

/// SplitMix64: the same numbers in every run.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
