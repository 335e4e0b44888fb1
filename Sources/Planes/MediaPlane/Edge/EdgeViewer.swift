import Bridge
import BridgeModel
import Forwarding
import PeerTransport
import RTP
import SecureTransport

/// A connected peer's place in the stream that it watches. It belongs to one media worker.
final class EdgeViewer {
    /// Whose transport carries it. The peer owns the viewer and outlives it.
    unowned let peer: EdgePeer
    /// Its place among the stream's viewers.
    var place = 0
    private let protection: PacketProtection
    private var egress: EgressViewer
    /// Packets that could not be protected: a key is used up.
    private var failed: UInt64 = 0

    /// Joins the stream as its cache stands.
    init(peer: EdgePeer, protection: PacketProtection, parameters: EgressViewerParameters, stream: MediaStream, now: MonotonicTime) {
        self.peer = peer
        self.protection = protection
        egress = EgressViewer(parameters, cache: stream.cache, layers: stream.layers, now: now)
    }

    /// What is known of the viewer now; allocates.
    var statistics: EgressViewerStatistics { egress.statistics }
    /// Packets that could not be protected.
    var failures: UInt64 { failed }

    /// When `serve` is to be called although no packet came.
    var deadline: MonotonicTime? { egress.deadline }

    /// Sends what is due, and chooses layers when it is time. False when the port has no room: what is left stays in the cache.
    func serve(_ stream: MediaStream, isDue: Bool, port: inout EdgePort, now: MonotonicTime) -> Bool {
        guard let path = peer.transport.mediaPath(now: now) else { return true }
        if isDue { egress.adapt(to: stream.layers, in: stream.cache, now: now) }
        port.begin(path)
        let (hasRoom, failures) = Self.send(&egress, protection: protection, cache: stream.cache, port: &port, now: now)
        failed += failures
        if isDue, hasRoom { sendReport(of: stream, port: &port, now: now) }
        return hasRoom
    }

    /// Cache tracks whose publisher is to be asked for a keyframe; each call clears them.
    func takeKeyframeRequests(now: MonotonicTime) -> TrackSet { egress.takeKeyframeRequests(now: now) }

    /// Takes an RTCP compound of the viewer's that was authentic.
    func receive(_ compound: UnsafeRawBufferPointer, stream: MediaStream, now: MonotonicTime) {
        for packet in RTCPCompound(compound) { egress.receive(packet, in: stream.cache, now: now) }
        egress.adapt(to: stream.layers, in: stream.cache, now: now)
    }

    /// The viewer's choice of layers.
    func limit(to bounds: LayerBounds, ofTrack track: UInt8) {
        _ = egress.limit(
            to: LayerCap(encodings: bounds.encodings, spatial: bounds.spatial, temporal: bounds.temporal), ofTrackWith: track)
    }

    /// The publisher's encodings of each track, the smallest first: other ones, or in another order.
    func use(_ encodings: [[UInt8]], of stream: MediaStream) { egress.use(encodings, in: stream.cache) }

    /// The publisher was replaced by one that negotiated other header extensions.
    func setSourceExtensions(_ map: ExtensionMap, trackCount: Int) {
        for track in 0..<trackCount { egress.setSourceExtensions(map, of: UInt8(clamping: track)) }
    }

    /// The hot loop: everything is a parameter, so that no access is checked per packet. Says whether the port has room left, and how many packets
    /// could not be protected.
    private static func send(
        _ egress: inout EgressViewer, protection: PacketProtection, cache: borrowing GOPCache, port: inout EdgePort, now: MonotonicTime
    ) -> (hasRoom: Bool, failures: UInt64) {
        var failures: UInt64 = 0
        while let slot = port.slot() {
            guard let packet = egress.next(in: cache, now: now, header: slot) else { return (true, failures) }
            let header = UnsafeRawBufferPointer(rebasing: slot[..<(packet.headerSize + packet.prefixSize)])
            let size = packet.withPayload(in: cache) { payload in
                (try? protection.protect(header: header, payload: payload, into: slot)) ?? 0
            }
            if size > 0 {
                port.commit(size)
            } else {
                failures += 1
            }
        }
        return (false, failures)
    }

    private func sendReport(of stream: MediaStream, port: inout EdgePort, now: MonotonicTime) {
        guard let slot = port.slot(Self.reportRoom) else { return }
        let size = egress.writeReport(in: stream.cache, now: now, into: UnsafeMutableRawBufferPointer(rebasing: slot[..<Self.reportSize]))
        guard size > 0 else { return }
        let report = UnsafeRawBufferPointer(rebasing: slot[..<size])
        guard let protected = try? protection.protectRTCP(report, into: slot) else { return }
        port.commit(protected)
    }

    /// Sender reports and a source description of four tracks, and what SRTCP adds.
    private static let reportSize = 512
    private static let reportRoom = 576
}
