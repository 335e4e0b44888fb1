/// What a run has seen so far; the report is made from it.
package struct LoadTally: Sendable, Equatable {
    package var publishers = JoinTally()
    package var viewers = JoinTally()
    /// From the beginning of a join: to the answer, to the first packet, to the first keyframe.
    package private(set) var answer = DurationHistogram()
    package private(set) var firstPacket = DurationHistogram()
    package private(set) var keyframe = DurationHistogram()
    /// Of all viewers for as long as they were there.
    package private(set) var received = ViewerCounters()
    package private(set) var rejected: UInt64 = 0
    /// From the beginning of the first join to the first packet of the last one.
    package var joinSpan: Duration = .zero

    package init() {}

    /// A viewer left, or was made to.
    package mutating func endViewer(_ record: PeerRecord) {
        viewers.end(record)
        if let duration = record.milestones.answer { answer.add(duration) }
        if let duration = record.milestones.firstPacket { firstPacket.add(duration) }
        if let duration = record.milestones.keyframe { keyframe.add(duration) }
        received = received + record.counters
        rejected += record.rejected
    }
}

/// What the viewers received in the measured time.
package struct WindowTally: Sendable, Equatable {
    /// One viewer that was there all the time.
    package struct Viewer: Sendable, Equatable {
        package var stream: Int
        package var counters: ViewerCounters

        package init(stream: Int, counters: ViewerCounters) {
            self.stream = stream
            self.counters = counters
        }
    }

    package var length: Duration
    package var viewers: [Viewer]
    /// Packets that each stream's publisher stamped in the time, as its viewers saw it; 0 for streams without stamps.
    package var published: [UInt64]
    /// From a publisher's stamp to its arrival at each viewer.
    package var latency: DurationHistogram
    /// Processor time of this program.
    package var processor: Duration

    package init(length: Duration, viewers: [Viewer], published: [UInt64], latency: DurationHistogram, processor: Duration) {
        self.length = length
        self.viewers = viewers
        self.published = published
        self.latency = latency
        self.processor = processor
    }

    /// Of all viewers together.
    package var received: ViewerCounters { viewers.reduce(ViewerCounters()) { $0 + $1.counters } }

    /// What came to a viewer as part of what was published, and, where no stamps tell that, of what its stream's best viewer received: the mean and the
    /// smallest of all viewers; nil without any.
    package var rateRatios: (mean: Double, least: Double)? {
        var best: [Int: UInt64] = [:]
        for viewer in viewers { best[viewer.stream] = max(best[viewer.stream] ?? 0, viewer.counters.packets) }
        let ratios = viewers.compactMap { viewer -> Double? in
            let published = self.published.indices.contains(viewer.stream) ? self.published[viewer.stream] : 0
            if published > 0 { return Double(viewer.counters.stamped) / Double(published) }
            guard let most = best[viewer.stream], most > 0 else { return nil }
            return Double(viewer.counters.packets) / Double(most)
        }
        guard let least = ratios.min() else { return nil }
        return (ratios.reduce(0, +) / Double(ratios.count), least)
    }
}
