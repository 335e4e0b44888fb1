import Bridge
import BridgeModel
import Forwarding
import PeerTransport
import RTP
import SecureTransport

/// A peer's way out, shared by all that is sent to it. It belongs to one media worker.
final class EdgeLine {
    fileprivate struct Outlet: ~Copyable {
        let protection: PacketProtection
        var path: EgressPath
    }

    /// Whose transport carries it. The peer owns what is sent and outlives it.
    unowned let peer: EdgePeer
    fileprivate var outlet: Outlet

    /// `isMeasured`: the peer will say what arrives.
    init(to peer: EdgePeer, protection: PacketProtection, rules: EgressViewerRules, isMeasured: Bool) {
        self.peer = peer
        outlet = Outlet(protection: protection, path: EgressPath(rules, isMeasured: isMeasured))
    }

    /// Takes an RTCP packet of the peer's that was authentic, as far as it is about the path.
    func receive(_ packet: RTCPPacketView, now: MonotonicTime) { outlet.path.receive(packet, now: now) }
}

/// A connected peer's place in a stream: all that it watches, or what it gets in one of its sections. It belongs to one media worker.
final class EdgeViewer {
    let line: EdgeLine
    /// The section of a subscribing peer; nil: it is all that the peer watches.
    let mid: String?
    /// Its place among the stream's viewers.
    var place = 0
    private var feed: EgressFeed
    /// Packets that could not be protected: a key is used up.
    private var failed: UInt64 = 0

    /// Joins the stream as its cache stands.
    init(_ parameters: EgressViewerParameters, over line: EdgeLine, section mid: String? = nil, stream: MediaStream, now: MonotonicTime) {
        self.line = line
        self.mid = mid
        feed = EgressFeed(parameters, over: &line.outlet.path, cache: stream.cache, layers: stream.layers, now: now)
    }

    var peer: EdgePeer { line.peer }
    /// What is known of the viewer now; allocates.
    var statistics: EgressViewerStatistics { feed.statistics(over: line.outlet.path) }
    /// Packets that could not be protected.
    var failures: UInt64 { failed }

    /// When `serve` is to be called although no packet came.
    var deadline: MonotonicTime? { feed.deadline(over: line.outlet.path) }

    /// Whether it is to be served now although no packet came.
    func isDue(now: MonotonicTime) -> Bool { feed.isDue(over: line.outlet.path, now: now) }

    /// The stream's tracks whose packets are for it.
    var interest: TrackSet { feed.interest }

    /// It gets nothing more: its part of the path is for the peer's other sections.
    func leave() { feed.leave(&line.outlet.path) }

    /// Sends what is due, and chooses layers when it is time. False when the port has no room: what is left stays in the cache.
    func serve(_ stream: MediaStream, isDue: Bool, port: inout EdgePort, now: MonotonicTime) -> Bool {
        guard let path = peer.transport.mediaPath(now: now) else { return true }
        if isDue { feed.adapt(to: stream.layers, in: stream.cache, over: &line.outlet.path, now: now) }
        port.begin(path)
        let (hasRoom, failures) = Self.send(&feed, over: &line.outlet, cache: stream.cache, port: &port, now: now)
        failed += failures
        if isDue, hasRoom { sendReport(of: stream, port: &port, now: now) }
        return hasRoom
    }

    /// Cache tracks whose publisher is to be asked for a keyframe; each call clears them.
    func takeKeyframeRequests(now: MonotonicTime) -> TrackSet { feed.takeKeyframeRequests(now: now) }

    /// Takes an RTCP compound of a peer that watches nothing else.
    func receive(_ compound: UnsafeRawBufferPointer, stream: MediaStream, now: MonotonicTime) {
        for packet in RTCPCompound(compound) {
            line.receive(packet, now: now)
            receive(packet, now: now)
        }
        adapt(to: stream, now: now)
    }

    /// Takes an RTCP packet of the peer's that was authentic, as far as it is about what is sent here.
    func receive(_ packet: RTCPPacketView, now: MonotonicTime) { feed.receive(packet, over: &line.outlet.path, now: now) }

    /// The peer has spoken of the path, or of what is sent.
    func adapt(to stream: MediaStream, now: MonotonicTime) {
        feed.adapt(to: stream.layers, in: stream.cache, over: &line.outlet.path, now: now)
    }

    /// The viewer's choice of layers.
    func limit(to bounds: LayerBounds, ofTrack track: UInt8) {
        _ = feed.limit(to: LayerCap(bounds), ofTrackWith: track)
    }

    /// What may be sent in the section.
    func bound(by bounds: SectionBounds) {
        feed.limit(to: LayerCap(bounds.layers))
        feed.pause(bounds.isPaused)
        feed.weigh(bounds.weight, over: &line.outlet.path)
    }

    /// The publisher's encodings of each track, the smallest first: other ones, or in another order.
    func use(_ encodings: [[UInt8]], of stream: MediaStream) { feed.use(encodings, in: stream.cache) }

    /// The publisher was replaced by one that negotiated other header extensions.
    func setSourceExtensions(_ map: ExtensionMap, trackCount: Int) {
        for track in 0..<trackCount { feed.setSourceExtensions(map, of: UInt8(clamping: track)) }
    }

    /// The hot loop: everything is a parameter, so that no access is checked per packet. Says whether the port has room left, and how many packets
    /// could not be protected.
    private static func send(
        _ feed: inout EgressFeed, over outlet: inout EdgeLine.Outlet, cache: borrowing GOPCache, port: inout EdgePort, now: MonotonicTime
    ) -> (hasRoom: Bool, failures: UInt64) {
        var failures: UInt64 = 0
        while let slot = port.slot() {
            guard let packet = feed.next(in: cache, over: &outlet.path, now: now, header: slot) else { return (true, failures) }
            let header = UnsafeRawBufferPointer(rebasing: slot[..<(packet.headerSize + packet.prefixSize)])
            let size = packet.withPayload(in: cache) { payload in
                (try? outlet.protection.protect(header: header, payload: payload, into: slot)) ?? 0
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
        let size = feed.writeReport(in: stream.cache, now: now, into: UnsafeMutableRawBufferPointer(rebasing: slot[..<Self.reportSize]))
        guard size > 0 else { return }
        let report = UnsafeRawBufferPointer(rebasing: slot[..<size])
        guard let protected = try? line.outlet.protection.protectRTCP(report, into: slot) else { return }
        port.commit(protected)
    }

    /// Sender reports and a source description of four tracks, and what SRTCP adds.
    private static let reportSize = 512
    private static let reportRoom = 576
}

extension LayerCap {
    fileprivate init(_ bounds: LayerBounds) {
        self.init(encodings: bounds.encodings, spatial: bounds.spatial, temporal: bounds.temporal)
    }
}
