import BridgeModel
import Forwarding
import RTP

/// A viewer of a hostile publisher that is hostile itself: RTP of any content goes into the cache, RTCP of any content comes back, and time passes.
/// Each record of the input is a kind, a length and as many bytes.
func fuzzEgress(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 2 else { return }
    var scene = EgressScene(codec: bytes[0], options: bytes[1])
    var offset = 2
    while offset + 2 <= bytes.count {
        let end = min(bytes.count, offset + 2 + Int(bytes[offset + 1]))
        let content = UnsafeRawBufferPointer(rebasing: bytes[offset + 2..<end])
        switch bytes[offset] & 0x03 {
        case 0: scene.publish(content, step: bytes[offset] >> 2)
        case 1: scene.publishRaw(content)
        case 2: scene.answer(content)
        default: scene.pass(content)
        }
        scene.drain()
        offset = end
    }
}

private struct EgressScene: ~Copyable {
    private var cache = GOPCache(trackCount: 2)
    private var layers = StreamLayers(trackCount: 2)
    private var viewer: EgressViewer
    private var ingress: [IngressTrack]
    private let codec: Codec
    private var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private var sequence: UInt16 = 65_500
    private var timestamp: UInt32 = .max - 10_000

    init(codec choice: UInt8, options: UInt8) {
        let codec: Codec = [.vp8, .vp9, .h264, .av1][Int(choice & 0x03)]
        self.codec = codec
        ingress = (0..<2).map { IngressTrack(TrackDescription(index: $0, codec: codec, payloadType: 96, mid: "0")) }
        var parameters = EgressTrackParameters(codec: codec, encodings: [0, 1], payloadType: 100, ssrc: 1)
        if options & 1 != 0 { parameters.retransmission = RetransmissionFormat(payloadType: 101, ssrc: 2) }
        if options & 2 != 0 {
            parameters.extensions = ExtensionMap([.transportSequence: 1, .absoluteSendTime: 2, .audioLevel: 3, .videoOrientation: 20])
        }
        parameters.sourceExtensions = ExtensionMap([.transportSequence: 4, .audioLevel: 2, .videoOrientation: 1])
        viewer = EgressViewer(
            EgressViewerParameters(tracks: [parameters], canonicalName: "fuzz"), cache: cache, layers: layers, now: now)
    }

    /// A packet with a sensible header; `step` moves sequence number and time.
    mutating func publish(_ payload: UnsafeRawBufferPointer, step: UInt8) {
        sequence &+= UInt16(truncatingIfNeeded: Int(step & 0x07) - 1)
        timestamp &+= step & 0x08 != 0 ? 3000 : 0
        let header = RTPHeader(
            marker: step & 0x10 != 0, payloadType: 96, sequence: sequence, timestamp: timestamp, ssrc: step & 0x20 != 0 ? 7 : 8)
        var packet = [UInt8](repeating: 0, count: RTPPacketView.fixedHeaderSize) + payload
        packet.withUnsafeMutableBytes { header.write(to: $0) }
        packet.withUnsafeBytes { store($0, track: header.ssrc == 7 ? 0 : 1) }
    }

    mutating func publishRaw(_ packet: UnsafeRawBufferPointer) { store(packet, track: 0) }

    private mutating func store(_ packet: UnsafeRawBufferPointer, track: Int) {
        guard let view = RTPPacketView(reading: packet), let accepted = ingress[track].accept(view, arrival: now) else { return }
        if accepted.beginsEpoch { cache.breakGOP(of: UInt8(track)) }
        let entry = GOPCache.Entry(
            track: UInt8(track), epoch: ingress[track].epoch, header: accepted.header, arrival: now,
            descriptor: PacketDescriptor(codec: codec, packet: view))
        cache.append(entry, frame: accepted.frame, bytes: packet)
        layers.count(entry, bytes: packet.count)
    }

    mutating func answer(_ compound: UnsafeRawBufferPointer) {
        for packet in RTCPCompound(compound) { viewer.receive(packet, in: cache, now: now) }
        viewer.adapt(to: layers, in: cache, now: now)
    }

    /// Time passes, the viewer chooses, the publisher reports.
    mutating func pass(_ content: UnsafeRawBufferPointer) {
        now = now.advanced(by: .milliseconds(Int(content.first ?? 1)))
        if content.count > 3 {
            viewer.limit(to: LayerCap(encoding: content[1] & 1, spatial: content[2] & 3, temporal: content[3] & 3))
        }
        if content.count > 12 {
            let report = SenderReportView(
                ssrc: 7, ntp: content.loadUnaligned(fromByteOffset: 4, as: UInt64.self), rtp: UInt32(content[3]) << 24)
            cache.append(report, track: content[1] & 1, epoch: ingress[Int(content[1] & 1)].epoch, arrival: now)
        }
        layers.update(now: now)
        viewer.adapt(to: layers, in: cache, now: now)
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { bytes in
            let size = viewer.writeReport(in: cache, now: now, into: bytes)
            precondition(size == 0 || RTCPCompound.check(UnsafeRawBufferPointer(rebasing: bytes[..<size])))
        }
        _ = viewer.takeKeyframeRequests(now: now)
        _ = viewer.deadline
    }

    /// What is sent has to be a whole RTP packet.
    mutating func drain() {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { bytes in
            for _ in 0..<64 {
                guard let packet = viewer.next(in: cache, now: now, header: bytes) else { return }
                let head = packet.headerSize + packet.prefixSize
                precondition(head <= EgressPacket.headerCapacity)
                let size = packet.withPayload(in: cache) { payload in
                    UnsafeMutableRawBufferPointer(rebasing: bytes[head...]).copyMemory(from: payload)
                    return head + payload.count
                }
                precondition(size == packet.size)
                let whole = RTPPacketView(reading: UnsafeRawBufferPointer(rebasing: bytes[..<size]))
                precondition(whole?.payloadRange.lowerBound == packet.headerSize)
            }
        }
    }
}
