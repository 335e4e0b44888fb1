package import BridgeModel
package import RTP

/// All that is sent to one viewer of one stream: which cached packet comes next, with which header, and what the viewer's RTCP does to that.
///
/// The viewer waits in the stream's cache: what the pacer holds back is the part of the cache between its place and the newest packet, so that nothing
/// is queued twice. Owned by one media worker; nothing here allocates per packet.
/// ```
/// while let packet = viewer.next(in: cache, now: now, header: buffer) {
///     packet.withPayload(in: cache) { protect(buffer[..<(packet.headerSize + packet.prefixSize)], $0, into: slot) }
/// }
/// for track in viewer.takeKeyframeRequests() { gates[track].request(now: now) }
/// ```
package struct EgressViewer: ~Copyable {
    private let parameters: EgressViewerParameters

    /// Joins the stream as its cache stands.
    package init(_ parameters: EgressViewerParameters, cache: borrowing GOPCache, now: MonotonicTime) {
        self.parameters = parameters
    }

    /// The next packet to send now, its new bytes in `header` (at least `EgressPacket.headerCapacity`); nil when nothing is due.
    package mutating func next(
        in cache: borrowing GOPCache, now: MonotonicTime, header: UnsafeMutableRawBufferPointer
    ) -> EgressPacket? {
        nil
    }

    /// When `next`, `adapt` and `writeReport` are to be called although nothing came.
    package var deadline: MonotonicTime? { nil }

    /// Takes one packet of a compound that the viewer sent.
    package mutating func receive(_ packet: RTCPPacketView, in cache: borrowing GOPCache, now: MonotonicTime) {}

    /// Chooses layers by the estimate; to be called at `deadline`, and after RTCP.
    package mutating func adapt(to layers: borrowing StreamLayers, now: MonotonicTime) {}

    /// Cache tracks whose publisher is to be asked for a keyframe; each call clears them.
    package mutating func takeKeyframeRequests() -> TrackSet { TrackSet() }

    /// Writes a compound of sender reports and a source description when one is due: its size, 0 when none is. 256 bytes are enough for two tracks.
    package mutating func writeReport(in cache: borrowing GOPCache, now: MonotonicTime, into bytes: UnsafeMutableRawBufferPointer) -> Int {
        0
    }

    /// The viewer's own choice: nothing above these layers.
    package mutating func cap(_ cap: LayerCap) {}
}
