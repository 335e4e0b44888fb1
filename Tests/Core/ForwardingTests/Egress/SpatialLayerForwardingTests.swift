import BridgeModel
import RTP
import Testing

@testable import Forwarding

/// AV1 of two spatial layers with dependency descriptors, from the publisher's packets to what a viewer can decode of them.
@Suite struct SpatialLayerForwardingTests {
    private static let extensions: ExtensionMap = {
        var map = ExtensionMap([.dependencyDescriptor: 12])
        map.allowsMixedForms = true
        return map
    }()
    /// Pictures between two keyframes.
    private static let period = 10

    /// A frame of one layer: what a picture is made of.
    private enum Kind: UInt8 {
        // In the order of the structure's templates.
        case baseKey, base, upperKey, upper

        var isUpper: Bool { self == .upperKey || self == .upper }
    }

    /// What a viewer finds in a packet; each holds a whole frame.
    private struct Sent {
        var timestamp: UInt32
        var marker: Bool
        var number: UInt16
        var kind: Kind
    }

    /// A publisher of two frames a picture, numbered across the end of their range, and one viewer.
    private struct Stage: ~Copyable {
        /// `L2T1_KEY`: upper frames refer to lower ones in key pictures alone.
        let isKeyMode: Bool
        var ingress = PublisherIngress(
            IngressParameters(
                tracks: [
                    IngressTrackParameters(
                        codec: .av1, payloadType: 45, feedback: [.pictureLoss], encodings: [IngressEncodingParameters(ssrc: 0xA0)])
                ], extensions: SpatialLayerForwardingTests.extensions, localSSRC: 1, canonicalName: "bridge"))
        var cache = GOPCache(trackCount: 1)
        var layers = StreamLayers(trackCount: 1)
        var now = MonotonicTime(nanoseconds: 5_000_000_000)
        var picture = 0
        var number: UInt16 = 65_500
        var viewer: EgressViewer
        var sent: [Sent] = []
        var keyframeRequests = 0

        init(isKeyMode: Bool, highestSpatialLayer: UInt8 = .max) {
            self.isKeyMode = isKeyMode
            var video = EgressTrackParameters(
                codec: .av1, encodings: [0], payloadType: 46, ssrc: 0x77, extensions: SpatialLayerForwardingTests.extensions)
            video.sourceExtensions = SpatialLayerForwardingTests.extensions
            video.highestSpatialLayer = highestSpatialLayer
            viewer = EgressViewer(
                EgressViewerParameters(tracks: [video], canonicalName: "viewer"), cache: cache, layers: layers, now: now)
        }

        /// Sends a second of pictures; `limit` holds from the beginning, in the middle between two keyframes.
        mutating func send(limit: LayerCap) {
            viewer.limit(to: limit)
            for _ in 0..<(3 * SpatialLayerForwardingTests.period) { sendPicture() }
        }

        private mutating func sendPicture() {
            let isKey = (picture + SpatialLayerForwardingTests.period / 2) % SpatialLayerForwardingTests.period == 0
            publish(isKey ? .baseKey : .base)
            publish(isKey ? .upperKey : .upper)
            picture += 1
            layers.update(now: now)
            viewer.adapt(to: layers, in: cache, now: now)
            drain()
            now = now.advanced(by: .milliseconds(33))
            if !viewer.takeKeyframeRequests(now: now).isEmpty { keyframeRequests += 1 }
        }

        private mutating func publish(_ kind: Kind) {
            var bytes = packet(kind)
            let verdict = bytes.withUnsafeMutableBytes { ingress.receive($0, arrival: now) }
            guard case .media(let packet) = verdict else {
                Issue.record("\(verdict)")
                return
            }
            let entry = GOPCache.Entry(
                track: 0, epoch: packet.epoch, header: packet.header, arrival: now, descriptor: packet.descriptor)
            bytes.withUnsafeBytes { cache.append(entry, frame: packet.frame, bytes: $0) }
            layers.count(entry, bytes: bytes.count)
            number &+= 1
        }

        private func packet(_ kind: Kind) -> [UInt8] {
            // First and last packet of its frame, the template, the number.
            var descriptor: [UInt8] = [0xC0 | kind.rawValue, UInt8(number >> 8), UInt8(number & 0xFF)]
            if kind == .baseKey { descriptor += structure }
            var block: [UInt8] = [12, UInt8(descriptor.count)] + descriptor
            while block.count % 4 != 0 { block.append(0) }
            let header = RTPHeader(
                marker: kind.isUpper, payloadType: 45, sequence: number &+ 99, timestamp: UInt32(picture * 3000), ssrc: 0xA0)
            var bytes = [UInt8](repeating: 0, count: 12)
            bytes.withUnsafeMutableBytes { header.write(to: $0) }
            bytes[0] |= 0x10
            // One element in each packet (W = 1), a keyframe with N; the rest of an OBU frame, and here the kind.
            let payload: [UInt8] = [kind == .baseKey ? 0x18 : 0x10, 0x30] + [UInt8](repeating: kind.rawValue, count: 300)
            return bytes + [0x10, 0x00, 0, UInt8(block.count / 4)] + block + payload
        }

        /// The flags of the extended fields and `template_dependency_structure()`, bit by bit (AV1 RTP specification, appendix A.8.3).
        private var structure: [UInt8] {
            let flags = "10000"
            let identifierAndTargets = "000000" + "00001"
            let layers = "00" + "10" + "00" + "11"
            // Per template the decode targets "lower" and "both": a switch point 10, needed 11, not part of it 00.
            let indications = "1010" + "1011" + "0010" + "0010"
            let upper = isKeyMode ? "1" + "0001" + "0" : "1" + "0001" + "1" + "0000" + "0"
            let differences = "0" + ("1" + "0001" + "0") + ("1" + "0000" + "0") + upper
            let chainsAndSizes = "0" + "0"
            let bits = Array(flags + identifierAndTargets + layers + indications + differences + chainsAndSizes)
            return stride(from: 0, to: bits.count, by: 8).map { start in
                (start..<start + 8).reduce(0) { $0 << 1 | (bits.indices.contains($1) && bits[$1] == "1" ? 1 : 0) }
            }
        }

        private mutating func drain() {
            while let found = viewer.nextBytes(in: cache, now: now).flatMap(Self.read) { sent.append(found) }
        }

        private static func read(_ bytes: [UInt8]) -> Sent? {
            bytes.withUnsafeBytes { buffer in
                guard let packet = RTPPacketView(reading: buffer), let kind = packet.payload.last.flatMap(Kind.init(rawValue:)) else {
                    return nil
                }
                var number: UInt16 = 0
                for element in HeaderExtensionElements(packet) where element.identifier == 12 {
                    number = UInt16(element.value[1]) << 8 | UInt16(element.value[2])
                }
                return Sent(timestamp: packet.timestamp, marker: packet.marker, number: number, kind: kind)
            }
        }
    }

    /// Whether a decoder has all that each frame refers to.
    private func expectDecodable(_ sent: [Sent], isKeyMode: Bool) {
        var known: Set<UInt16> = []
        for frame in sent {
            let differences: [UInt16] =
                switch frame.kind {
                case .baseKey: []
                case .base: [2]
                case .upperKey: [1]
                case .upper: isKeyMode ? [2] : [2, 1]
                }
            let missing = differences.map { frame.number &- $0 }.filter { !known.contains($0) }
            #expect(missing.isEmpty, "\(frame) refers to \(missing), which was not sent")
            known.insert(frame.number)
        }
    }

    /// Whether each picture ends with the marker bit, and nothing else has it.
    private func expectMarkers(_ sent: [Sent]) {
        for (frame, next) in zip(sent, sent.dropFirst()) {
            #expect(frame.marker == (frame.timestamp != next.timestamp), "\(frame), then \(next)")
        }
    }

    @Test(arguments: [false, true])
    func theUpperLayerLeavesAtOnceAndComesBackWithAKeyPicture(isKeyMode: Bool) throws {
        var stage = Stage(isKeyMode: isKeyMode)
        stage.send(limit: .none)
        let both = stage.sent
        #expect(both.count == 2 * Set(both.map(\.timestamp)).count, "both layers of each picture")
        stage.send(limit: LayerCap(spatial: 0))
        let lower = stage.sent[both.count...]
        #expect(lower.allSatisfy { !$0.kind.isUpper } && lower.count == 3 * Self.period, "\(lower.count) packets")
        let requests = stage.keyframeRequests
        stage.send(limit: .none)
        let again = stage.sent[(both.count + lower.count)...]
        #expect(stage.keyframeRequests > requests, "there is nothing to begin with before a keyframe")
        #expect(again.first { $0.kind.isUpper }?.kind == .upperKey)
        #expect(again.last?.kind == .upper)
        expectDecodable(stage.sent, isKeyMode: isKeyMode)
        expectMarkers(stage.sent)
    }

    @Test func aViewerThatTakesOneLayerGetsNoOther() {
        var stage = Stage(isKeyMode: false, highestSpatialLayer: 0)
        stage.send(limit: .none)
        // One that cannot be had is not waited for.
        stage.send(limit: LayerCap(encodings: 0...0, spatial: 1...1, temporal: 0...UInt8.max))
        #expect(stage.sent.count > 5 * Self.period && stage.sent.allSatisfy { !$0.kind.isUpper }, "\(stage.sent.count) packets")
        #expect(stage.keyframeRequests <= 1, "only to begin with")
        expectDecodable(stage.sent, isKeyMode: false)
        expectMarkers(stage.sent)
    }
}
