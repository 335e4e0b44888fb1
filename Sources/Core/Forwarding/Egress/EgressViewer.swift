package import BridgeModel
package import RTP

/// A viewer of one stream: a path with its only feed. See `EgressFeed` and `EgressPath` for what the members do.
package struct EgressViewer: ~Copyable {
    private var path: EgressPath
    private var feed: EgressFeed

    /// Joins the stream as its cache stands.
    package init(
        _ parameters: EgressViewerParameters, cache: borrowing GOPCache, layers: borrowing StreamLayers, now: MonotonicTime
    ) {
        path = EgressPath(parameters.rules, isMeasured: parameters.tracks.contains(where: \.reportsBandwidth))
        feed = EgressFeed(parameters, over: &path, cache: cache, layers: layers, now: now)
    }

    package mutating func next(
        in cache: borrowing GOPCache, now: MonotonicTime, header: UnsafeMutableRawBufferPointer
    ) -> EgressPacket? {
        feed.next(in: cache, over: &path, now: now, header: header)
    }

    package var deadline: MonotonicTime? { feed.deadline(over: path) }

    package var interest: TrackSet { feed.interest }

    package mutating func takeKeyframeRequests(now: MonotonicTime) -> TrackSet { feed.takeKeyframeRequests(now: now) }

    package mutating func adapt(to layers: borrowing StreamLayers, in cache: borrowing GOPCache, now: MonotonicTime) {
        feed.adapt(to: layers, in: cache, over: &path, now: now)
    }

    package mutating func limit(to cap: LayerCap) { feed.limit(to: cap) }

    package mutating func limit(to cap: LayerCap, ofTrackWith encoding: UInt8) -> Bool { feed.limit(to: cap, ofTrackWith: encoding) }

    package mutating func use(_ encodings: [[UInt8]], in cache: borrowing GOPCache) { feed.use(encodings, in: cache) }

    package mutating func setSourceExtensions(_ map: ExtensionMap, of track: UInt8) { feed.setSourceExtensions(map, of: track) }

    package mutating func receive(_ packet: RTCPPacketView, in cache: borrowing GOPCache, now: MonotonicTime) {
        path.receive(packet, now: now)
        feed.receive(packet, over: &path, now: now)
    }

    package mutating func writeReport(
        in cache: borrowing GOPCache, now: MonotonicTime, into bytes: UnsafeMutableRawBufferPointer
    ) -> Int {
        feed.writeReport(in: cache, now: now, into: bytes)
    }

    package var statistics: EgressViewerStatistics { feed.statistics(over: path) }

    package var nextTransportSequence: UInt16 { path.nextTransportSequence }

    /// Bytes that the viewer's state takes, on the heap and beside it.
    package var byteCount: Int { MemoryLayout<EgressViewer>.size + path.heapByteCount + feed.heapByteCount }
}
