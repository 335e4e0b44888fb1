import BridgeModel
import Forwarding
import RTP

/// Makes RTP packets with header extensions.
struct PacketBuilder {
    static let extensions = ExtensionMap([
        .audioLevel: 1, .absoluteSendTime: 2, .transportSequence: 3, .mid: 4, .streamID: 10, .repairedStreamID: 11,
        .dependencyDescriptor: 12,
    ])
    /// The beginning of a VP8 keyframe of 640 x 360, and of another frame.
    static let keyframe: [UInt8] = [0x10, 0x00, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01]
    static let delta: [UInt8] = [0x10, 0x01, 0, 0]

    var header: RTPHeader
    var payload: [UInt8] = Self.delta
    var mid: String?
    var rid: String?
    var repairedRID: String?
    var transportSequence: UInt16?
    var absoluteSendTime: UInt32?
    /// The value of the AV1 dependency descriptor.
    var dependencies: [UInt8]?
    /// Bytes of padding behind the payload, itself counted.
    var padding: UInt8 = 0

    init(_ sequence: UInt16, timestamp: UInt32 = 0, ssrc: UInt32 = 0xA0, payloadType: UInt8 = 96, marker: Bool = false) {
        header = RTPHeader(marker: marker, payloadType: payloadType, sequence: sequence, timestamp: timestamp, ssrc: ssrc)
    }

    /// The same packet with some of it changed.
    func with(_ change: (inout PacketBuilder) -> Void) -> PacketBuilder {
        var copy = self
        change(&copy)
        return copy
    }

    /// This packet as RFC 4588 sends it again.
    func retransmission(sequence: UInt16, ssrc: UInt32 = 0xA1, payloadType: UInt8 = 97) -> PacketBuilder {
        with {
            $0.payload = [UInt8(header.sequence >> 8), UInt8(header.sequence & 0xFF)] + payload
            $0.header.sequence = sequence
            $0.header.ssrc = ssrc
            $0.header.payloadType = payloadType
        }
    }

    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 120)
        let headerSize = bytes.withUnsafeMutableBytes { buffer in
            header.write(to: buffer)
            let size = writeExtensions(to: UnsafeMutableRawBufferPointer(rebasing: buffer[12...]))
            if size > 0 { buffer[0] |= 0x10 }
            if padding > 0 { buffer[0] |= 0x20 }
            return 12 + size
        }
        var tail = [UInt8](repeating: 0, count: Int(padding))
        if padding > 0 { tail[tail.count - 1] = padding }
        return bytes[..<headerSize] + payload + tail
    }

    private func writeExtensions(to buffer: UnsafeMutableRawBufferPointer) -> Int {
        var writer = ExtensionWriter(buffer, form: .oneByte)
        for (kind, text) in [(.mid, mid), (.streamID, rid), (.repairedStreamID, repairedRID)] as [(HeaderExtensionKind, String?)] {
            if let id = Self.extensions[kind], let token = text.flatMap({ ExtensionToken($0) }) { _ = writer.append(id, token) }
        }
        if let transportSequence, let id = Self.extensions[.transportSequence] { _ = writer.append(id, transportSequence) }
        if let absoluteSendTime, let id = Self.extensions[.absoluteSendTime] { _ = writer.append(id, lower24Bits: absoluteSendTime) }
        if let dependencies, let id = Self.extensions[.dependencyDescriptor] {
            dependencies.withUnsafeBytes { _ = writer.append(id, $0) }
        }
        return writer.finish()
    }
}

/// A publisher's ingress with a clock and the control that it writes.
struct IngressStage: ~Copyable {
    var ingress: PublisherIngress
    var now = MonotonicTime(nanoseconds: 50_000_000_000)
    private(set) var events: [IngressControlEvent] = []

    init(_ tracks: [IngressTrackParameters], reducedSize: Bool = true) {
        ingress = PublisherIngress(
            IngressParameters(
                tracks: tracks, extensions: PacketBuilder.extensions, localSSRC: 0xFEED, canonicalName: "bridge",
                usesReducedSizeRTCP: reducedSize))
    }

    static func video(
        feedback: RTCPFeedbackKinds = [.nack, .pictureLoss, .transportWide], encodings: [IngressEncodingParameters] = [.init()]
    ) -> IngressTrackParameters {
        IngressTrackParameters(
            codec: .vp8, mid: ExtensionToken("1"), payloadType: 96, rtxPayloadType: 97, feedback: feedback, encodings: encodings)
    }

    static let audio = IngressTrackParameters(codec: .opus, mid: ExtensionToken("0"), payloadType: 111)

    mutating func advance(_ duration: Duration) { now = now.advanced(by: duration) }

    mutating func receive(_ packet: PacketBuilder) -> IngressVerdict { receive(packet.bytes) }

    mutating func receive(_ bytes: [UInt8]) -> IngressVerdict {
        var bytes = bytes
        return bytes.withUnsafeMutableBytes { ingress.receive($0, arrival: now) }
    }

    mutating func receiveControl(_ body: (inout RTCPWriter) -> Void) {
        var bytes = [UInt8](repeating: 0, count: 1500)
        bytes.withUnsafeMutableBytes { buffer in
            var writer = RTCPWriter(buffer)
            body(&writer)
            ingress.receiveControl(
                UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<writer.count]), arrival: now, events: &events)
        }
    }

    /// The compounds that are due now.
    mutating func control() -> [[UInt8]] {
        var compounds: [[UInt8]] = []
        while true {
            var bytes = [UInt8](repeating: 0xEE, count: PublisherIngress.controlCapacity)
            let size = bytes.withUnsafeMutableBytes { ingress.writeControl(to: $0, now: now) }
            guard size > 0 else { return compounds }
            compounds.append(Array(bytes[..<size]))
        }
    }

    /// What the compounds that are due now say, in short.
    mutating func controlTexts() -> [String] { control().flatMap(Self.texts) }

    /// The packets of a compound in short.
    static func texts(_ compound: [UInt8]) -> [String] {
        compound.withUnsafeBytes { RTCPCompound($0).map { text(RTCPMessage($0)) } }
    }

    private static func text(_ message: RTCPMessage?) -> String {
        switch message {
        case .senderReport?: "SR"
        case .receiverReport(_, let blocks)?: "RR " + blocks.map { String($0.ssrc, radix: 16) }.joined(separator: ",")
        case .sourceDescription?: "SDES"
        case .goodbye?: "BYE"
        case .feedback(.pictureLossIndication(let media))?: "PLI " + String(media, radix: 16)
        case .feedback(.fullIntraRequest(let entries))?:
            "FIR " + entries.map { String($0.ssrc, radix: 16) + "/\($0.sequence)" }.joined(separator: ",")
        case .feedback(.nack(_, let lost))?: "NACK " + lost.map { String($0) }.joined(separator: ",")
        case .receiverEstimate?: "REMB"
        case .transportFeedback?: "TWCC"
        case nil: "?"
        }
    }
}

extension IngressVerdict {
    var packet: IngressPacket? {
        guard case .media(let packet) = self else { return nil }
        return packet
    }

    var refusal: IngressRefusal? {
        guard case .refused(let refusal) = self else { return nil }
        return refusal
    }

    var isPadding: Bool {
        guard case .padding = self else { return false }
        return true
    }
}
