import BridgeModel
import Forwarding
import PeerTransport
import RTP
import SecureTransport

/// A connected peer's place in the stream that it watches. It belongs to one media worker.
final class EdgeViewer {
    /// Whose transport carries it. The peer owns the viewer and outlives it.
    unowned let peer: EdgePeer
    private let protection: PacketProtection
    private var egress: EgressViewer
    private var counters = Counters()

    /// What left, since the viewer joined.
    struct Counters {
        var packets: UInt64 = 0
        var bytes: UInt64 = 0
        var retransmissions: UInt64 = 0
        /// Packets that could not be protected: a bug, or a key that is used up.
        var failed: UInt64 = 0
    }

    /// Joins the stream as its cache stands.
    init(peer: EdgePeer, protection: PacketProtection, parameters: EgressViewerParameters, stream: MediaStream, now: MonotonicTime) {
        self.peer = peer
        self.protection = protection
        egress = EgressViewer(parameters, cache: stream.cache, now: now)
    }

    var statistics: Counters { counters }
    /// When `pump` is to be called although no packet came.
    var deadline: MonotonicTime? { egress.deadline }

    /// Sends what is due. False when the port has no room: what is left stays in the cache.
    func pump(_ stream: MediaStream, port: inout EdgePort, now: MonotonicTime) -> Bool {
        guard let path = peer.transport.mediaPath(now: now) else { return true }
        port.begin(path)
        let hasRoom = Self.send(
            &egress, counters: &counters, protection: protection, cache: stream.cache, port: &port, now: now)
        sendReport(of: stream, port: &port, now: now)
        return hasRoom
    }

    /// Cache tracks whose publisher is to be asked for a keyframe; each call clears them.
    func takeKeyframeRequests() -> TrackSet { egress.takeKeyframeRequests() }

    /// Takes an RTCP compound of the viewer's that was authentic.
    func receive(_ compound: UnsafeRawBufferPointer, stream: MediaStream, now: MonotonicTime) {
        for packet in RTCPCompound(compound) { egress.receive(packet, in: stream.cache, now: now) }
        egress.adapt(to: stream.layers, now: now)
    }

    /// Chooses layers by the estimate, when the deadline has come.
    func adapt(to stream: MediaStream, now: MonotonicTime) {
        guard let deadline = egress.deadline, now >= deadline else { return }
        egress.adapt(to: stream.layers, now: now)
    }

    /// The hot loop: everything is a parameter, so that no access is checked per packet. False when the port is full.
    private static func send(
        _ egress: inout EgressViewer, counters: inout Counters, protection: PacketProtection, cache: borrowing GOPCache,
        port: inout EdgePort, now: MonotonicTime
    ) -> Bool {
        while let slot = port.slot() {
            guard let packet = egress.next(in: cache, now: now, header: slot) else { return true }
            let header = UnsafeRawBufferPointer(rebasing: slot[..<(packet.headerSize + packet.prefixSize)])
            let size = packet.withPayload(in: cache) { payload in
                (try? protection.protect(header: header, payload: payload, into: slot)) ?? 0
            }
            guard size > 0 else {
                counters.failed += 1
                continue
            }
            port.commit(size)
            counters.packets += 1
            counters.bytes += UInt64(size)
            if packet.purpose == .retransmission { counters.retransmissions += 1 }
        }
        return false
    }

    private func sendReport(of stream: MediaStream, port: inout EdgePort, now: MonotonicTime) {
        guard let slot = port.slot(Self.reportRoom) else { return }
        let size = egress.writeReport(in: stream.cache, now: now, into: UnsafeMutableRawBufferPointer(rebasing: slot[..<Self.reportSize]))
        guard size > 0 else { return }
        let report = UnsafeRawBufferPointer(rebasing: slot[..<size])
        guard let protected = try? protection.protectRTCP(report, into: slot) else { return }
        port.commit(protected)
    }

    /// Sender reports and a source description of two tracks, and what SRTCP adds.
    private static let reportSize = 512
    private static let reportRoom = 576
}
