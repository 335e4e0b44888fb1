package import BridgeModel
internal import RTP

// What is told to the viewer, and about it.
extension EgressFeed {
    /// Nanoseconds between two compounds (RFC 3550 section 6.2 allows less than five seconds by the session's bandwidth).
    private static let reportInterval: Int64 = 1_000_000_000
    /// While the publisher's first report is waited for.
    private static let firstReportInterval: Int64 = 100_000_000

    /// Writes a compound of sender reports and source descriptions when one is due: its size, 0 when none is. 512 bytes are enough for four tracks.
    package mutating func writeReport(
        in cache: borrowing GOPCache, now: MonotonicTime, into bytes: UnsafeMutableRawBufferPointer
    ) -> Int {
        let time = Int64(clamping: now.nanoseconds)
        guard let due = reportAt, time >= due else { return 0 }
        var writer = RTCPWriter(bytes)
        for index in tracks.indices {
            guard let report = tracks[index].makeReport(in: cache, now: now) else { continue }
            _ = writer.appendSenderReport(report)
        }
        guard writer.count > 0 else {
            reportAt = time + Self.firstReportInterval
            return 0
        }
        for index in tracks.indices { _ = writer.appendCanonicalName(canonicalName, of: tracks[index].ssrc) }
        reportAt = time + Self.reportInterval
        return writer.count
    }

    /// What is known of the viewer now; allocates, so not for each packet.
    package func statistics(over path: borrowing EgressPath) -> EgressViewerStatistics {
        EgressViewerStatistics(
            tracks: tracks.indices.map { tracks[$0].statistics },
            layers: tracks.indices.map { tracks[$0].media.isVideo ? tracks[$0].selector.target : nil },
            dropped: tracks.indices.reduce(0) { $0 &+ tracks[$1].media.dropped }, estimate: path.estimate,
            roundTrip: path.estimator.roundTrip)
    }

    /// Bytes that the feed's state takes on the heap.
    package var heapByteCount: Int {
        tracks.indices.reduce(tracks.count * MemoryLayout<TrackSender>.stride) {
            $0 + tracks[$1].queue.heapByteCount + (tracks[$1].media.rewriter.map?.heapByteCount ?? 0)
        }
    }
}
