import BridgeModel
import NetworkTesting
import RTP
import Testing

@testable import Forwarding

/// AV1 simulcast with dependency descriptors, from the publisher's packets to the viewer's, while the viewer is switched at random.
@Suite struct DependencyDescriptorForwardingTests {
    private static let source = ExtensionMap([.dependencyDescriptor: 12])
    private static let target: ExtensionMap = {
        var map = ExtensionMap([.dependencyDescriptor: 7])
        map.allowsMixedForms = true
        return map
    }()

    /// What a viewer finds in a packet.
    private struct Sent {
        var sequence: UInt16
        var descriptor: [UInt8]
        /// Which encoding it comes from, by its payload.
        var encoding: UInt8
    }

    /// Two encodings of one packet a frame, with a keyframe every ten frames.
    private struct Stage: ~Copyable {
        var ingress = PublisherIngress(
            IngressParameters(
                tracks: [
                    IngressTrackParameters(
                        codec: .av1, payloadType: 45, feedback: [.pictureLoss],
                        encodings: [IngressEncodingParameters(ssrc: 0xA0), IngressEncodingParameters(ssrc: 0xB0)])
                ], extensions: DependencyDescriptorForwardingTests.source, localSSRC: 1, canonicalName: "bridge"))
        var cache = GOPCache(trackCount: 2)
        var layers = StreamLayers(trackCount: 2)
        var now = MonotonicTime(nanoseconds: 5_000_000_000)
        var frame = 0
        /// Numbers of the encodings' frames, near the end of their range.
        var numbers: [UInt16] = [65_530, 100]
        var viewer: EgressViewer
        var sent: [Sent] = []

        init() {
            var video = EgressTrackParameters(
                codec: .av1, encodings: [0, 1], payloadType: 46, ssrc: 0x77, extensions: DependencyDescriptorForwardingTests.target)
            video.sourceExtensions = DependencyDescriptorForwardingTests.source
            viewer = EgressViewer(
                EgressViewerParameters(tracks: [video], canonicalName: "viewer"), cache: cache, layers: layers, now: now)
        }

        mutating func sendFrame() {
            for encoding in 0..<2 {
                var bytes = packet(encoding, isKeyframe: frame % 10 == 0)
                let verdict = bytes.withUnsafeMutableBytes { ingress.receive($0, arrival: now) }
                guard case .media(let packet) = verdict else {
                    Issue.record("\(verdict)")
                    continue
                }
                let entry = GOPCache.Entry(
                    track: UInt8(packet.encoding), epoch: packet.epoch, header: packet.header, arrival: now, descriptor: packet.descriptor)
                bytes.withUnsafeBytes { cache.append(entry, frame: packet.frame, bytes: $0) }
                layers.count(entry, bytes: bytes.count)
                numbers[encoding] &+= 1
            }
            frame += 1
            layers.update(now: now)
            viewer.adapt(to: layers, in: cache, now: now)
            drain()
            now = now.advanced(by: .milliseconds(33))
        }

        /// An RTP packet with its descriptor in the two-byte form (RFC 8285 section 4.3): a keyframe's has a structure of one template.
        private func packet(_ encoding: Int, isKeyframe: Bool) -> [UInt8] {
            var descriptor: [UInt8] = [0xC0, UInt8(numbers[encoding] >> 8), UInt8(numbers[encoding] & 0xFF)]
            // Flags, template offset 0, one target; one layer; a switch point, no differences, no chain; then padding as of a large structure.
            if isKeyframe { descriptor += [0x80, 0x00, 0xE0, 0x00] + [UInt8](repeating: 0, count: 90) }
            var block: [UInt8] = [12, UInt8(descriptor.count)] + descriptor
            while block.count % 4 != 0 { block.append(0) }
            let header = RTPHeader(
                marker: true, payloadType: 45, sequence: UInt16(truncatingIfNeeded: frame + 1000 * encoding),
                timestamp: UInt32(frame * 3000 + 777 * encoding), ssrc: encoding == 0 ? 0xA0 : 0xB0)
            var bytes = [UInt8](repeating: 0, count: 12)
            bytes.withUnsafeMutableBytes { header.write(to: $0) }
            bytes[0] |= 0x10
            // One element in each packet (W = 1), a keyframe with N; the rest of an OBU frame.
            let payload: [UInt8] = [isKeyframe ? 0x18 : 0x10, 0x30] + [UInt8](repeating: UInt8(encoding), count: 300)
            return bytes + [0x10, 0x00, 0, UInt8(block.count / 4)] + block + payload
        }

        private mutating func drain() {
            while let found = viewer.nextBytes(in: cache, now: now).flatMap(Self.read) { sent.append(found) }
        }

        private static func read(_ bytes: [UInt8]) -> Sent? {
            bytes.withUnsafeBytes { buffer in
                guard let packet = RTPPacketView(reading: buffer) else { return nil }
                var descriptor: [UInt8] = []
                for element in HeaderExtensionElements(packet) where element.identifier == 7 { descriptor = Array(element.value) }
                return Sent(sequence: packet.sequence, descriptor: descriptor, encoding: packet.payload.last ?? 9)
            }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func frameNumbersGoOnOverSwitchesAndStructuresArriveWhole(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var stage = Stage()
        for _ in 0..<30 {
            let encoding = UInt8.random(in: 0...1, using: &random)
            stage.viewer.limit(to: LayerCap(encodings: encoding...encoding, spatial: 0...UInt8.max, temporal: 0...UInt8.max))
            for _ in 0..<Int.random(in: 5...40, using: &random) { stage.sendFrame() }
        }
        let sent = stage.sent
        #expect(Set(sent.map(\.encoding)) == [0, 1] && sent.count > 500, "\(sent.count) packets")
        let numbers = try sent.map { item in
            try #require(item.descriptor.count >= 3, "packet \(item.sequence) has no descriptor")
            return UInt16(item.descriptor[1]) << 8 | UInt16(item.descriptor[2])
        }
        for (earlier, later) in zip(numbers, numbers.dropFirst()) { #expect(later == earlier &+ 1) }
        var switches = 0
        for (earlier, later) in zip(sent, sent.dropFirst()) where earlier.encoding != later.encoding {
            switches += 1
            #expect(later.descriptor.count == 97 && later.descriptor[3] & 0x80 != 0, "a switch brings the structure with it")
        }
        #expect(switches > 5, "\(switches) switches")
    }
}
