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

    /// Whether it is to be served now although no packet came.
    func isDue(now: MonotonicTime) -> Bool { feed.isDue(over: line.outlet.path, now: now) }

    /// It gets nothing more: its part of the path is for the peer's other sections.
    func leave() { feed.leave(&line.outlet.path) }

    /// Sends what is due of the stream with this cache and these layers, and chooses layers when it is time. Nil when the port has no room: what is left
    /// stays in the cache.
    func serve(
        from cache: borrowing GOPCache, _ layers: borrowing StreamLayers, isDue: Bool, port: inout EdgePort, now: MonotonicTime
    ) -> EdgeViewerWish? {
        let path = peer.mediaPath(now: now)
        if let path { port.begin(path) }
        let turn = Turn(isOpen: path != nil, isDue: isDue, now: now)
        let (wish, failures) = Self.serve(&feed, over: &line.outlet, from: cache, layers, turn, port: &port)
        if failures > 0 { failed += failures }
        return wish
    }

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

    /// When a viewer is served, and what for.
    private struct Turn {
        /// Something may be sent.
        let isOpen: Bool
        let isDue: Bool
        let now: MonotonicTime
    }

    /// The hot loop: everything is a parameter, so that no access is checked per packet. With what the viewer waits for then, how many packets could not
    /// be protected.
    private static func serve(
        _ feed: inout EgressFeed, over outlet: inout EdgeLine.Outlet, from cache: borrowing GOPCache, _ layers: borrowing StreamLayers,
        _ turn: Turn, port: inout EdgePort
    ) -> (wish: EdgeViewerWish?, failures: UInt64) {
        var failures: UInt64 = 0
        if turn.isOpen {
            if turn.isDue { feed.adapt(to: layers, in: cache, over: &outlet.path, now: turn.now) }
            guard send(&feed, over: &outlet, from: cache, &failures, port: &port, now: turn.now) else { return (nil, failures) }
            if turn.isDue { sendReport(of: &feed, outlet.protection, cache, port: &port, now: turn.now) }
        }
        let wish = EdgeViewerWish(
            keyframes: feed.takeKeyframeRequests(now: turn.now), deadline: feed.deadline(over: outlet.path)?.nanoseconds ?? .max,
            isPunctual: feed.isPunctual(over: outlet.path), interest: feed.interest)
        return (wish, failures)
    }

    /// False when the port has no room left.
    @inline(__always)
    private static func send(
        _ feed: inout EgressFeed, over outlet: inout EdgeLine.Outlet, from cache: borrowing GOPCache, _ failures: inout UInt64,
        port: inout EdgePort, now: MonotonicTime
    ) -> Bool {
        while let slot = port.slot() {
            guard let packet = feed.next(in: cache, over: &outlet.path, now: now, header: slot) else { return true }
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
        return false
    }

    private static func sendReport(
        of feed: inout EgressFeed, _ protection: PacketProtection, _ cache: borrowing GOPCache, port: inout EdgePort, now: MonotonicTime
    ) {
        guard let slot = port.slot(Self.reportRoom) else { return }
        let size = feed.writeReport(in: cache, now: now, into: UnsafeMutableRawBufferPointer(rebasing: slot[..<Self.reportSize]))
        guard size > 0 else { return }
        let report = UnsafeRawBufferPointer(rebasing: slot[..<size])
        guard let protected = try? protection.protectRTCP(report, into: slot) else { return }
        port.commit(protected)
    }

    /// Sender reports and a source description of four tracks, and what SRTCP adds.
    private static let reportSize = 512
    private static let reportRoom = 576
}

/// What a viewer that was served waits for.
struct EdgeViewerWish {
    /// Cache tracks whose publisher is to be asked for a keyframe.
    let keyframes: TrackSet
    /// When it is to be served although no packet came, in nanoseconds; `UInt64.max`: never.
    let deadline: UInt64
    /// A packet is to leave then; else it may be some milliseconds later.
    let isPunctual: Bool
    /// The stream's tracks whose packets are for it.
    let interest: TrackSet
}

extension LayerCap {
    fileprivate init(_ bounds: LayerBounds) {
        self.init(encodings: bounds.encodings, spatial: bounds.spatial, temporal: bounds.temporal)
    }
}
