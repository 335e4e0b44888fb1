package import BridgeModel
package import RTP

/// One track on its way to one sink: which cached packet comes next, and with which header.
///
/// A sink is a place in the stream's cache. `next` moves it on and says what to send; it is called on a copy, which is kept when the socket took the
/// packet and thrown away when it did not: a full sink stays where it is. How long it may stay is the timing's rule. A viewer that is more than
/// `Rules.maximumLag` late loses what it lacks, video up to the next keyframe, since nothing before it could be decoded; a recorder loses only what
/// the cache gave up. Either way the loss is counted, the next packet carries `isDiscontinuity`, and the sequence numbers close the gap.
/// Of a simulcast track it sends one encoding at a time, and moves to another at that one's keyframe (`aim`); then nothing is missing, and only the
/// size of the picture changes.
package struct EgressTrack: Sendable {
    /// The times of joining and of falling behind.
    package struct Rules: Sendable, Equatable {
        /// How late a viewer's sink may be before it is moved to the live edge.
        package var maximumLag: Duration
        /// The oldest GOP that a viewer starts from at once. It decodes all of it before the first picture, so for a longer one a new keyframe is
        /// asked for first.
        package var freshGOP: Duration
        /// How long that keyframe is waited for before the old GOP is used after all: some sources do not listen.
        package var keyframeWait: Duration

        package init(
            maximumLag: Duration = .milliseconds(500), freshGOP: Duration = .seconds(2), keyframeWait: Duration = .milliseconds(600)
        ) {
            self.maximumLag = maximumLag
            self.freshGOP = freshGOP
            self.keyframeWait = keyframeWait
        }
    }

    /// What to send next.
    package enum Delivery: Sendable {
        /// The cached packet `index` with `header` in place of its own.
        case packet(Packet)
        /// The track's newest sender report, on the sink's timeline.
        case report(SenderReportView, arrival: MonotonicTime)
    }

    /// A packet to send.
    package struct Packet: Sendable {
        package var index: UInt64
        package var header: RTPHeader
        package var arrival: MonotonicTime
        /// Packets before this one were left out, or came from another source.
        package var isDiscontinuity: Bool
        /// The packet was in the cache when the sink joined.
        package var isCached: Bool
    }

    private enum Phase: Sendable {
        case flowing
        /// Nothing passes before a keyframe that begins at `from` or later; at `fallback` the cached one will do.
        case awaitingKeyframe(from: UInt64, fallback: MonotonicTime?)
    }

    /// The track's place in the stream.
    package let track: UInt8
    /// The cache's track that is sent, or waited for: an encoding of `track`.
    private var encoding: UInt8
    /// Another encoding is to take over at a keyframe that begins at `from` or later.
    private var pending: (track: UInt8, from: UInt64)?
    private let kind: MediaKind
    private let timing: SubscriptionTiming
    private let rules: Rules
    private var phase: Phase
    private var cursor: UInt64
    /// Packets before this number were there when the sink joined.
    private var joinedAt: UInt64
    private var timeline: JoinTimeline?
    private var munger: PacketMunger
    /// The ordinal that follows the last packet sent or given up; nil before the first.
    private var nextOrdinal: UInt64?
    private var owesDiscontinuity = false
    private var reportVersion: UInt64 = 0
    /// Packets that the sink did not get since it joined.
    package private(set) var dropped: UInt64 = 0

    /// Joins `track` as the cache stands; `encoding` is the cache's track to begin with, where it is another one.
    package init(
        _ description: TrackDescription, encoding: UInt8? = nil, timing: SubscriptionTiming, cache: borrowing GOPCache, now: MonotonicTime,
        rules: Rules = Rules()
    ) {
        track = description.index
        self.encoding = encoding ?? description.index
        kind = description.kind
        self.timing = timing
        self.rules = rules
        munger = PacketMunger(clockRate: description.clockRate, payloadType: description.payloadType)
        cursor = cache.endIndex
        joinedAt = cache.endIndex
        phase = .flowing
        switch (kind, timing) {
        case (.audio, .live): break
        case (.audio, .recorded(let since, _)): cursor = cache.firstIndex(arrivedSince: since, from: cache.preRollStart)
        case (.video, .recorded(let since, _)):
            let keyframe = cache.firstKeyframe(of: self.encoding, arrivedSince: since)
            phase = .awaitingKeyframe(from: keyframe ?? cache.endIndex, fallback: nil)
        case (.video, .live): joinLive(cache, now: now)
        }
    }

    /// Whether the sink waits for a keyframe that is not in the cache.
    package var awaitsKeyframe: Bool {
        guard case .awaitingKeyframe = phase else { return false }
        return true
    }

    /// The cache's track that a keyframe is waited for of, to begin with or to move to; nil while none is.
    package var wantedKeyframe: UInt8? { pending?.track ?? (awaitsKeyframe ? encoding : nil) }

    /// The cache's track whose keyframe helps a decoder that lost its state.
    package var flowingEncoding: UInt8 { encoding }

    /// Moves to another encoding of the track at its next keyframe; does nothing when it is sent already.
    package mutating func aim(at target: UInt8, in cache: borrowing GOPCache) {
        guard target != encoding else {
            pending = nil
            return
        }
        if case .awaitingKeyframe(let from, _) = phase {
            // Nothing flows that could go on meanwhile.
            pending = nil
            encoding = target
            nextOrdinal = nil
            reportVersion = 0
            phase = .awaitingKeyframe(from: from, fallback: nil)
        } else if pending?.track != target {
            pending = (target, cache.endIndex)
        }
    }

    /// When `next` is to be called although no packet came.
    package var deadline: MonotonicTime? {
        guard case .awaitingKeyframe(_, let fallback) = phase else { return nil }
        return fallback
    }

    /// What to send next; nil when the sink is at the live edge or waits for a keyframe.
    package mutating func next(in cache: borrowing GOPCache, now: MonotonicTime) -> Delivery? {
        if let report = nextReport(in: cache) { return report }
        if !awaitsKeyframe, cursor < cache.firstIndex { resumeAfterLoss(in: cache, at: cache.firstIndex) }
        guard seekKeyframe(in: cache, now: now) else { return nil }
        while case .flowing = phase {
            if pending != nil { completeSwitch(in: cache) }
            guard cursor < cache.endIndex else { return nil }
            let entry = cache[cursor]
            guard entry.track == encoding else {
                cursor += 1
                continue
            }
            guard mayPass(entry, in: cache, now: now) else {
                guard seekKeyframe(in: cache, now: now) else { return nil }
                continue
            }
            cursor += 1
            if let packet = munge(entry, index: cursor - 1) { return .packet(packet) }
        }
        return nil
    }
}

extension EgressTrack {
    /// The encoding that is aimed at takes over when the sink has come to its keyframe: what the other sent until then is sent first.
    private mutating func completeSwitch(in cache: borrowing GOPCache) {
        guard let pending, let start = cache.keyframeStart(of: pending.track), start >= pending.from, cursor >= start else { return }
        self.pending = nil
        encoding = pending.track
        cursor = start
        nextOrdinal = cache[start].ordinal
        reportVersion = 0
    }

    private mutating func joinLive(_ cache: borrowing GOPCache, now: MonotonicTime) {
        guard let start = cache.keyframeStart(of: encoding) else {
            phase = .awaitingKeyframe(from: cache.endIndex, fallback: nil)
            return
        }
        let isFresh = now.duration(since: cache[start].arrival) <= rules.freshGOP
        phase = .awaitingKeyframe(from: cache.endIndex, fallback: isFresh ? now : now.advanced(by: rules.keyframeWait))
    }

    /// Leaves `awaitingKeyframe` when there is one to begin with. False while there is none.
    private mutating func seekKeyframe(in cache: borrowing GOPCache, now: MonotonicTime) -> Bool {
        guard case .awaitingKeyframe(let from, let fallback) = phase else { return true }
        let mayUseCached = fallback.map { now >= $0 } ?? false
        // A recorder leaves nothing out that it may have; everybody else wants to be at the live edge.
        let next = timing == .live ? cache.keyframeStart(of: encoding) : cache.firstKeyframe(of: encoding, from: from)
        guard let start = next else {
            // The cached GOP is gone: there is no deadline any more.
            if mayUseCached { phase = .awaitingKeyframe(from: from, fallback: nil) }
            return false
        }
        guard start >= from || mayUseCached else { return false }
        phase = .flowing
        cursor = start
        if nextOrdinal == nil { nextOrdinal = cache[start].ordinal }
        if start < from {
            joinedAt = cache.endIndex
            if let newest = cache.newestTimestamp(of: encoding) { timeline = JoinTimeline(anchor: newest) }
        }
        return true
    }

    /// A report passes once the sink has the source's first packet, so that its timeline is known.
    private mutating func nextReport(in cache: borrowing GOPCache) -> Delivery? {
        guard let newest = cache.report(of: encoding), newest.version != reportVersion,
            munger.source == PacketMunger.Source(track: encoding, epoch: newest.epoch)
        else { return nil }
        reportVersion = newest.version
        return .report(munger.munge(newest.report), arrival: newest.arrival)
    }

    /// Video of another source passes from its first keyframe on; a viewer's packet passes while it is not too late.
    private mutating func mayPass(_ entry: GOPCache.Entry, in cache: borrowing GOPCache, now: MonotonicTime) -> Bool {
        if let source = munger.source, source.track == entry.track, source.epoch != entry.epoch, !owesDiscontinuity {
            owesDiscontinuity = true
            guard kind == .audio else {
                phase = .awaitingKeyframe(from: cursor, fallback: nil)
                return false
            }
        }
        guard timing == .live, cursor >= joinedAt, now.duration(since: entry.arrival) > rules.maximumLag else { return true }
        giveUp(in: cache, now: now)
        return false
    }

    /// Moves a late viewer to the newest keyframe if that is fresh, else to the live edge.
    private mutating func giveUp(in cache: borrowing GOPCache, now: MonotonicTime) {
        if let start = cache.keyframeStart(of: encoding), start > cursor, now.duration(since: cache[start].arrival) <= rules.maximumLag {
            resumeAfterLoss(in: cache, at: start)
        } else {
            resumeAfterLoss(in: cache, at: cache.endIndex)
        }
    }

    /// Goes on at `index`, or at the first keyframe from there on.
    private mutating func resumeAfterLoss(in cache: borrowing GOPCache, at index: UInt64) {
        cursor = index
        if index == cache.endIndex { countDropped(upTo: cache.nextOrdinal(of: encoding)) }
        owesDiscontinuity = true
        munger.resynchronize()
        if kind == .video { phase = .awaitingKeyframe(from: index, fallback: nil) }
    }

    private mutating func countDropped(upTo ordinal: UInt64) {
        guard let expected = nextOrdinal, ordinal > expected else { return }
        dropped += ordinal - expected
        nextOrdinal = ordinal
    }

    private mutating func munge(_ entry: GOPCache.Entry, index: UInt64) -> Packet? {
        countDropped(upTo: entry.ordinal)
        nextOrdinal = entry.ordinal + 1
        var header = entry.header
        let isCached = index < joinedAt
        if isCached, let timeline { header.timestamp = timeline.compress(header.timestamp) }
        let source = PacketMunger.Source(track: entry.track, epoch: entry.epoch)
        guard let sent = munger.munge(header, of: source, arrival: entry.arrival) else { return nil }
        defer { owesDiscontinuity = false }
        return Packet(index: index, header: sent, arrival: entry.arrival, isDiscontinuity: owesDiscontinuity, isCached: isCached)
    }
}
