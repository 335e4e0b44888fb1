internal import BridgeModel
internal import RTP

/// One track on its way to one viewer: its place in the cache, what may pass, and under which numbers.
///
/// The rules of joining and of falling behind are those of `EgressTrack`; here the track may also move between encodings of the same picture, at the
/// keyframe of the new one.
struct ViewerTrack: ~Copyable, Sendable {
    /// How late a viewer may be while it still takes in the GOP that it joined with.
    private static let catchUpLag: Int64 = 3_000_000_000
    /// Nanoseconds between two of our requests for the same keyframe.
    private static let requestInterval: Int64 = 500_000_000
    /// Packets of the cache among which a frame's first one is looked for.
    private static let reorderWindow: UInt64 = 64

    private enum Phase: Sendable {
        case flowing
        /// Nothing passes before a keyframe that begins at `from` or later; at `fallback` the cached one will do.
        case awaitingKeyframe(from: UInt64, fallback: MonotonicTime?)
        /// No layer fits.
        case paused
    }

    /// A packet that is to be sent.
    struct Outgoing {
        var index: UInt64
        var descriptor: PacketDescriptor
        var numbers: StreamRewriter.Numbers
        var marker: Bool
        /// In place of a packet that the viewer is not to get, but whose number it waits for.
        var isFiller = false
    }

    let codec: Codec
    let isVideo: Bool
    /// The cache's tracks that carry the same picture, the smallest encoding first.
    private(set) var encodings: [UInt8]
    /// What is sent again has numbers of its own.
    private let hasRetransmissionStream: Bool
    private let rules: EgressTrack.Rules
    private let maximumLag: Int64
    private var phase = Phase.flowing
    /// The encoding that flows, or that is waited for.
    private(set) var encoding: UInt8
    /// Another encoding is to take over at a keyframe that begins at `from` or later.
    private(set) var pending: (track: UInt8, from: UInt64)?
    private var cursor: UInt64
    /// Packets before this number were there when the viewer joined.
    private var joinedAt: UInt64
    /// It has not come to the live edge since it joined.
    private(set) var isCatchingUp = true
    private var timeline: JoinTimeline?
    private(set) var rewriter: StreamRewriter
    private var filter: LayerFilter
    private var target: TargetLayer
    private var owesKeyframe = true
    private var askedAt: Int64?
    /// Packets that the viewer did not get because it was too far behind.
    private(set) var dropped: UInt64 = 0

    init(_ parameters: EgressTrackParameters, rules: EgressTrack.Rules, cache: borrowing GOPCache, now: MonotonicTime) {
        codec = parameters.codec
        isVideo = parameters.codec.kind == .video
        encodings = parameters.encodings
        hasRetransmissionStream = parameters.retransmission != nil
        self.rules = rules
        maximumLag = rules.maximumLag.wholeNanoseconds
        encoding = parameters.encodings.first ?? 0
        target = TargetLayer(track: encoding, spatial: .max, temporal: .max)
        filter = LayerFilter(highestSpatial: parameters.highestSpatialLayer)
        cursor = cache.endIndex
        joinedAt = cache.endIndex
        rewriter = StreamRewriter(clockRate: parameters.codec.clockRate)
        isCatchingUp = isVideo
        if isVideo { join(cache, now: now) }
    }

    /// The layer that flows now; nil while none does.
    var flowing: TargetLayer? {
        guard isVideo, case .flowing = phase else { return nil }
        return TargetLayer(track: encoding, spatial: filter.spatial, temporal: filter.temporal)
    }

    /// When the old GOP is to be used after all.
    var deadline: MonotonicTime? {
        guard case .awaitingKeyframe(_, let fallback) = phase else { return nil }
        return fallback
    }

    /// Whether the packet that is next has waited for longer than these nanoseconds, though the viewer had caught up before.
    func isLate(by limit: Int64, in cache: borrowing GOPCache, now: MonotonicTime) -> Bool {
        guard case .flowing = phase, !isCatchingUp, cursor >= cache.firstIndex, cursor < cache.endIndex else { return false }
        return Int64(clamping: now.nanoseconds) - Int64(clamping: cache[cursor].arrival.nanoseconds) > limit
    }

    /// The next packet of the track; nil at the live edge, while it is paused and while it waits for a keyframe.
    mutating func next(in cache: borrowing GOPCache, now: MonotonicTime) -> Outgoing? {
        if cursor < cache.firstIndex { resumeAfterLoss(in: cache, at: cache.firstIndex) }
        guard prepare(cache, now: now) else { return nil }
        let end = cache.endIndex
        while cursor < end {
            let index = cursor
            guard cache.track(at: index) == encoding else {
                cursor += 1
                continue
            }
            let entry = cache[index]
            guard mayPass(entry, in: cache, now: now) else {
                guard prepare(cache, now: now) else { return nil }
                continue
            }
            cursor = index + 1
            if let packet = take(entry, index: index, cache) { return packet }
        }
        isCatchingUp = false
        return nil
    }

    /// Leaves out what there is: the track goes on with what comes after it.
    mutating func skip(in cache: borrowing GOPCache) {
        (cursor, isCatchingUp) = (cache.endIndex, false)
        rewriter.resynchronize()
    }

    /// Whether a keyframe of `encoding`'s successor or of itself is to be asked for now.
    mutating func takeKeyframeRequest(now: MonotonicTime) -> UInt8? {
        let wanted: UInt8? =
            if let pending { pending.track } else if case .awaitingKeyframe = phase { encoding } else if filter.awaitsSpatialSwitch {
                encoding
            } else { nil }
        let time = Int64(clamping: now.nanoseconds)
        guard let wanted, isVideo, owesKeyframe || time - (askedAt ?? 0) >= Self.requestInterval else { return nil }
        owesKeyframe = false
        askedAt = time
        return wanted
    }

    /// The viewer lost its decoder's state: it asks for a keyframe of what flows.
    func keyframeRequest() -> UInt8? { isVideo ? encoding : nil }
}

// Layers.
extension ViewerTrack {
    /// Aims at a layer; nil pauses the track. `isNarrow`: what flows is more than the path takes.
    mutating func aim(at target: TargetLayer?, isNarrow: Bool, in cache: borrowing GOPCache, now: MonotonicTime) {
        guard isVideo else { return }
        guard let target else { return pause() }
        if case .paused = phase {
            encoding = target.track
            self.target = target
            cursor = cache.endIndex
            join(cache, now: now)
            return
        }
        let isLower = rank(target.track) < rank(encoding)
        self.target = target
        if target.track == encoding {
            pending = nil
            filter.aim(spatial: target.spatial, temporal: target.temporal)
        } else {
            // Until the keyframe of the smaller encoding comes, as little as possible of the one that is too much.
            if isLower, isNarrow { filter.aim(spatial: 0, temporal: 0) }
            if pending?.track != target.track { switchEncoding(to: target.track, in: cache) }
        }
    }

    /// The publisher's encodings changed, or their order.
    mutating func use(_ encodings: [UInt8], in cache: borrowing GOPCache) {
        self.encodings = encodings
        if let pending, !encodings.contains(pending.track) { self.pending = nil }
        guard !encodings.contains(encoding), let best = encodings.last else { return }
        encoding = best
        resumeAfterLoss(in: cache, at: cache.endIndex)
    }

    private mutating func pause() {
        phase = .paused
        pending = nil
        rewriter.resynchronize()
    }

    private mutating func switchEncoding(to track: UInt8, in cache: borrowing GOPCache) {
        owesKeyframe = true
        if case .awaitingKeyframe(let from, let fallback) = phase {
            // Nothing flows that could go on meanwhile.
            encoding = track
            phase = .awaitingKeyframe(from: from, fallback: fallback)
        } else {
            pending = (track, cache.endIndex)
        }
    }

    /// The encoding that is aimed at takes over when its keyframe is there.
    private mutating func completeSwitch(_ cache: borrowing GOPCache) {
        guard let pending, let start = cache.keyframeStart(of: pending.track), start >= pending.from else { return }
        self.pending = nil
        encoding = pending.track
        cursor = start
        phase = .flowing
        restartFilter()
    }

    private mutating func restartFilter() {
        let isTarget = target.track == encoding
        filter.restart(spatial: isTarget ? target.spatial : .max, temporal: isTarget ? target.temporal : .max)
    }

    private func rank(_ track: UInt8) -> Int { encodings.firstIndex(of: track) ?? 0 }
}

// Joining and falling behind.
extension ViewerTrack {
    private mutating func join(_ cache: borrowing GOPCache, now: MonotonicTime) {
        joinedAt = cache.endIndex
        owesKeyframe = true
        isCatchingUp = true
        rewriter.forgetSent()
        if cache.keyframeStart(of: encoding) == nil, let other = encodings.last(where: { cache.keyframeStart(of: $0) != nil }) {
            // Better another encoding now than the right one later.
            pending = (encoding, cache.endIndex)
            encoding = other
        }
        guard let start = cache.keyframeStart(of: encoding) else {
            phase = .awaitingKeyframe(from: cache.endIndex, fallback: nil)
            return
        }
        let isFresh = now.duration(since: cache[start].arrival) <= rules.freshGOP
        phase = .awaitingKeyframe(from: cache.endIndex, fallback: isFresh ? now : now.advanced(by: rules.keyframeWait))
    }

    /// Whether packets may pass: a keyframe to begin with is there, or was.
    private mutating func prepare(_ cache: borrowing GOPCache, now: MonotonicTime) -> Bool {
        if pending != nil { completeSwitch(cache) }
        switch phase {
        case .flowing: return true
        case .paused:
            cursor = cache.endIndex
            return false
        case .awaitingKeyframe(let from, let fallback): return seekKeyframe(cache, from: from, fallback: fallback, now: now)
        }
    }

    private mutating func seekKeyframe(
        _ cache: borrowing GOPCache, from: UInt64, fallback: MonotonicTime?, now: MonotonicTime
    ) -> Bool {
        let mayUseCached = fallback.map { now >= $0 } ?? false
        guard let start = cache.keyframeStart(of: encoding) else {
            // The cached GOP is gone: there is no deadline any more.
            if mayUseCached { phase = .awaitingKeyframe(from: from, fallback: nil) }
            return false
        }
        guard start >= from || mayUseCached else { return false }
        phase = .flowing
        cursor = start
        restartFilter()
        timeline = nil
        if start < from {
            joinedAt = cache.endIndex
            if let newest = cache.newestTimestamp(of: encoding) { timeline = JoinTimeline(anchor: newest) }
        }
        return true
    }

    /// Video of another source passes from its first keyframe on; a packet passes while it is not too late.
    private mutating func mayPass(_ entry: GOPCache.Entry, in cache: borrowing GOPCache, now: MonotonicTime) -> Bool {
        if let source = rewriter.source, source.track == entry.track, !source.isEpoch(entry.epoch), isVideo, !isKeyframeStart(cache) {
            owesKeyframe = true
            phase = .awaitingKeyframe(from: cursor, fallback: nil)
            return false
        }
        guard cursor >= joinedAt else { return true }
        let lag = Int64(clamping: now.nanoseconds) - Int64(clamping: entry.arrival.nanoseconds)
        guard lag > maximumLag, lag > (isCatchingUp ? Self.catchUpLag : maximumLag) else { return true }
        giveUp(entry, in: cache, now: now)
        return false
    }

    private func isKeyframeStart(_ cache: borrowing GOPCache) -> Bool { cache.keyframeStart(of: encoding) == cursor }

    /// Moves a late viewer to the newest keyframe if that is fresh, else to the live edge.
    private mutating func giveUp(_ entry: GOPCache.Entry, in cache: borrowing GOPCache, now: MonotonicTime) {
        let start = cache.keyframeStart(of: encoding)
        if let start, start > cursor, now.duration(since: cache[start].arrival) <= rules.maximumLag {
            dropped &+= cache[start].ordinal &- entry.ordinal
            resumeAfterLoss(in: cache, at: start)
        } else {
            dropped &+= cache.nextOrdinal(of: encoding) &- entry.ordinal
            resumeAfterLoss(in: cache, at: cache.endIndex)
        }
    }

    /// Goes on at `index`, or at the first keyframe from there on.
    private mutating func resumeAfterLoss(in cache: borrowing GOPCache, at index: UInt64) {
        cursor = index
        rewriter.resynchronize()
        guard isVideo, case .flowing = phase else { return }
        owesKeyframe = true
        phase = .awaitingKeyframe(from: index, fallback: nil)
        guard let pending else { return }
        // Nothing flows that could go on until the other encoding's keyframe.
        self.pending = nil
        encoding = pending.track
        phase = .awaitingKeyframe(from: pending.from, fallback: nil)
    }
}

// Numbers.
extension ViewerTrack {
    private mutating func take(_ entry: GOPCache.Entry, index: UInt64, _ cache: borrowing GOPCache) -> Outgoing? {
        let isPadding = entry.descriptor.flags.contains(.isPadding)
        guard !isPadding, filter.passes(entry.descriptor, timestamp: entry.header.timestamp) else {
            guard let number = rewriter.leaveOut(entry), hasRetransmissionStream else { return nil }
            let numbers = StreamRewriter.Numbers(
                sequence: number, timestamp: entry.header.timestamp &+ rewriter.timestampOffset, offsets: SequenceMap.Offsets())
            return Outgoing(index: index, descriptor: entry.descriptor, numbers: numbers, marker: false, isFiller: true)
        }
        let timestamp = sentTimestamp(entry, index: index)
        if rewriter.begins(with: entry) {
            let beginning = StreamRewriter.Beginning(
                firstSequence: firstSequence(of: entry, index: index, cache), aligned: align(timestamp, of: entry, cache))
            rewriter.begin(beginning, with: entry, timestamp: timestamp)
        }
        guard let numbers = rewriter.rewrite(entry, timestamp: timestamp) else { return nil }
        return Outgoing(
            index: index, descriptor: entry.descriptor, numbers: numbers,
            marker: entry.header.marker || filter.endsPicture(entry.descriptor))
    }

    private func sentTimestamp(_ entry: GOPCache.Entry, index: UInt64) -> UInt32 {
        guard index < joinedAt, let timeline else { return entry.header.timestamp }
        return timeline.compress(entry.header.timestamp)
    }

    /// The lowest sequence number of the packet's frame, as far as it is in the cache.
    private func firstSequence(of entry: GOPCache.Entry, index: UInt64, _ cache: borrowing GOPCache) -> UInt16 {
        var first = entry.header.sequence
        for other in index..<min(cache.endIndex, index + Self.reorderWindow) {
            let other = cache[other]
            guard other.track == entry.track, other.epoch == entry.epoch, other.header.timestamp == entry.header.timestamp,
                SequenceUnwrapper.distance(from: first, to: other.header.sequence) < 0
            else { continue }
            first = other.header.sequence
        }
        return first
    }

    /// The timestamp that the packet would have had in the encoding that flowed before, by both encodings' sender reports; asked for at a switch only.
    private func align(_ timestamp: UInt32, of entry: GOPCache.Entry, _ cache: borrowing GOPCache) -> UInt32? {
        guard let previous = rewriter.source, previous.track != entry.track,
            let new = cache.report(of: entry.track), new.epoch == entry.epoch,
            let old = cache.report(of: previous.track), previous.isEpoch(old.epoch)
        else { return nil }
        // 32.32 fixed point seconds; reports that lie hours apart are not of one clock.
        let between = Int64(bitPattern: new.report.ntp &- old.report.ntp)
        guard between.magnitude < 1 << 44 else { return nil }
        let ticks = between * Int64(codec.clockRate) >> 32
        let sinceReport = TimestampUnwrapper.distance(from: new.report.rtp, to: timestamp)
        return old.report.rtp &+ UInt32(truncatingIfNeeded: ticks + sinceReport)
    }

    /// The packet that was sent under this number, as it was sent. Nil when it is not held any more, or when it could not be told for certain how it was
    /// sent: without RTX the same number must never stand for other bytes.
    func sentPacket(_ sequence: UInt16, in cache: borrowing GOPCache) -> Outgoing? {
        guard let (source, original, offsets) = rewriter.map?.source(of: sequence),
            let index = cache.index(of: original, track: source.track, epoch: source.epoch)
        else { return nil }
        let entry = cache[index]
        let isLayered = entry.descriptor.flags.contains(.isLayered)
        guard !isLayered || hasRetransmissionStream && filter.isWithin(entry.descriptor) else { return nil }
        let timestamp = sentTimestamp(entry, index: index) &+ offsets.timestamp
        return Outgoing(
            index: index, descriptor: entry.descriptor,
            numbers: StreamRewriter.Numbers(sequence: sequence, timestamp: timestamp, offsets: offsets),
            marker: entry.header.marker || filter.endsPicture(entry.descriptor))
    }
}
