package import BridgeModel
package import RTP

/// All that is sent to one viewer of one stream: which cached packet comes next, with which header, and what the viewer's RTCP does to that. The path that
/// it shares with the viewer's other feeds is a parameter.
///
/// The viewer waits in the stream's cache: what the pacer holds back is the part of the cache between its place and the newest packet, so that nothing
/// is queued twice. Owned by one media worker; nothing here allocates per packet.
/// ```
/// while let packet = feed.next(in: cache, over: &path, now: now, header: buffer) {
///     packet.withPayload(in: cache) { protect(buffer[..<(packet.headerSize + packet.prefixSize)], $0, into: slot) }
/// }
/// for track in feed.takeKeyframeRequests(now: now) { gates[Int(track)].request(now: now) }
/// ```
package struct EgressFeed: ~Copyable {
    /// Nanoseconds between two choices of layers.
    private static let adaptInterval: Int64 = 200_000_000

    let canonicalName: String
    /// Audio first.
    var tracks: FixedRow<TrackSender>
    /// How many of them are audio.
    private let audioCount: Int
    /// Where the path knows it.
    let place: Int
    var keyframeRequests = TrackSet()
    /// The pacer was closed when `next` was asked last.
    private var isHeldBack = false
    private var adaptAt: Int64
    /// Nobody looks, or nobody may.
    private var isPaused = false
    var reportAt: Int64?

    /// Joins the stream as its cache stands. `layers` is what its publisher sends. A track without encodings gets nothing.
    ///
    /// The numbers begin with the publisher's: the SSRCs must not have been used before under the same keys, or packets would share a key stream.
    package init(
        _ parameters: EgressViewerParameters, over path: inout EgressPath, cache: borrowing GOPCache, layers: borrowing StreamLayers,
        now: MonotonicTime
    ) {
        canonicalName = parameters.canonicalName
        let wanted = parameters.tracks.filter { !$0.encodings.isEmpty }.sorted { $0.codec.kind == .audio && $1.codec.kind == .video }
        tracks = FixedRow(count: wanted.count) { TrackSender(wanted[$0], rules: parameters.rules.join, cache: cache, now: now) }
        audioCount = wanted.count { $0.codec.kind != .video }
        place = path.join(videos: wanted.count - audioCount)
        adaptAt = Int64(clamping: now.nanoseconds)
        adapt(to: layers, in: cache, over: &path, now: now)
    }

    /// Sends nothing, or goes on: pictures with a keyframe, sound with what comes then.
    package mutating func pause(_ isPaused: Bool) {
        guard isPaused != self.isPaused else { return }
        self.isPaused = isPaused
        adaptAt = 0
    }

    /// The next packet to send now, its new bytes in `header` (at least `EgressPacket.headerCapacity`); nil when nothing is due.
    @inline(__always)
    package mutating func next(
        in cache: borrowing GOPCache, over path: inout EgressPath, now: MonotonicTime, header: UnsafeMutableRawBufferPointer
    ) -> EgressPacket? {
        let moment = TrackSender.Moment(now: now, transportSequence: path.nextTransportSequence)
        isHeldBack = false
        guard !isPaused else {
            for index in tracks.indices { tracks[index].media.skip(in: cache) }
            return nil
        }
        for index in 0..<audioCount {
            if let packet = tracks[index].nextMedia(moment, in: cache, into: header) { return sent(packet, index, moment, &path) }
        }
        guard path.isOpen(now: moment.time) else {
            isHeldBack = true
            return nil
        }
        for index in tracks.indices where !tracks[index].queue.isEmpty {
            let bandwidth = path.estimate
            if let packet = tracks[index].nextRetransmission(moment, bandwidth: bandwidth, in: cache, into: header) {
                return sent(packet, index, moment, &path)
            }
        }
        for index in audioCount..<tracks.count {
            if let packet = tracks[index].nextMedia(moment, in: cache, into: header) { return sent(packet, index, moment, &path) }
        }
        return nextProbe(moment, in: cache, &path, header: header)
    }

    /// The cache's tracks whose packets are for it now: until one of them comes, or `deadline`, `next` has nothing. It changes with every call.
    package var interest: TrackSet {
        var interest = TrackSet()
        for index in tracks.indices { interest.formUnion(tracks[index].media.interest) }
        return interest
    }

    /// When `next`, `adapt` and `writeReport` are to be called although nothing came.
    package func deadline(over path: borrowing EgressPath) -> MonotonicTime? {
        var earliest = adaptAt
        if isHeldBack || path.estimator.probeRate != nil { earliest = min(earliest, path.opensAt) }
        if let reportAt { earliest = min(earliest, reportAt) }
        for index in audioCount..<tracks.count {
            if let fallback = tracks[index].media.deadline { earliest = min(earliest, Int64(clamping: fallback.nanoseconds)) }
        }
        return MonotonicTime(nanoseconds: UInt64(max(0, earliest)))
    }

    /// Whether `deadline` is a packet's, which is to leave then; else it may be some milliseconds later.
    package func isPunctual(over path: borrowing EgressPath) -> Bool {
        if isHeldBack || path.estimator.probeRate != nil { return true }
        for index in audioCount..<tracks.count where tracks[index].media.deadline != nil { return true }
        return false
    }

    /// Whether anything is to be done for it now although no packet came: its deadline has passed, or the viewer asked for something.
    package func isDue(over path: borrowing EgressPath, now: MonotonicTime) -> Bool {
        guard keyframeRequests.isEmpty, deadline(over: path).map({ $0 > now }) ?? true else { return true }
        for index in tracks.indices where !tracks[index].queue.isEmpty { return true }
        return false
    }

    /// Cache tracks whose publisher is to be asked for a keyframe; each call clears them.
    package mutating func takeKeyframeRequests(now: MonotonicTime) -> TrackSet {
        for index in audioCount..<tracks.count {
            if let track = tracks[index].media.takeKeyframeRequest(now: now) { keyframeRequests.insert(track) }
        }
        defer { keyframeRequests = TrackSet() }
        return keyframeRequests
    }

    /// Its packets come no more: the path is for the others. Nothing else is to be asked of it then.
    package func leave(_ path: inout EgressPath) { path.leave(place) }

    /// Counts for so much, where not all feeds have what they want: 1 a video by default.
    package func weigh(_ weight: Double, over path: inout EgressPath) { path[place].weight = max(0.01, weight) }
}

extension EgressFeed {
    private mutating func nextProbe(
        _ moment: TrackSender.Moment, in cache: borrowing GOPCache, _ path: inout EgressPath, header: UnsafeMutableRawBufferPointer
    ) -> EgressPacket? {
        guard path.estimator.probeRate != nil, let index = probingTrack,
            let packet = tracks[index].nextProbe(moment, in: cache, into: header)
        else { return nil }
        return sent(packet, index, moment, &path)
    }

    /// The one that measuring packets are sent with.
    private var probingTrack: Int? {
        for index in tracks.indices.reversed() where tracks[index].canProbe { return index }
        return nil
    }

    private mutating func sent(_ packet: EgressPacket, _ index: Int, _ moment: TrackSender.Moment, _ path: inout EgressPath) -> EgressPacket
    {
        if reportAt == nil { reportAt = moment.time }
        if path.isSettling { path[place].isCatchingUp = isCatchingUp }
        path.sent(packet.size, counts: tracks[index].countsForTransport, moment)
        return packet
    }

    var isCatchingUp: Bool {
        for index in audioCount..<tracks.count where tracks[index].media.isCatchingUp { return true }
        return false
    }
}

// Layers.
extension EgressFeed {
    /// Media that waits this long in the pacer shows that the layer is too much.
    private static let tooLate: Int64 = 250_000_000

    /// Chooses layers by the estimate, and begins probes; to be called at `deadline`, and after RTCP.
    package mutating func adapt(
        to layers: borrowing StreamLayers, in cache: borrowing GOPCache, over path: inout EgressPath, now: MonotonicTime
    ) {
        let time = Int64(clamping: now.nanoseconds)
        defer {
            path[place].isCatchingUp = isCatchingUp
            path.pace(now: time)
        }
        guard time >= adaptAt else { return }
        adaptAt = time + Self.adaptInterval
        guard !isPaused else { return rest(in: cache, over: &path, now: now) }
        var demand = path[place]
        demand.sound = .zero
        for index in 0..<audioCount { demand.sound = demand.sound + layers.rate(TargetLayer(track: tracks[index].media.encoding)) }
        path[place] = demand
        guard demand.videos > 0 else { return }
        let share = path.share(of: place)
        (demand.isNarrow, demand.wanted, demand.cost) = (false, .zero, .zero)
        for index in audioCount..<tracks.count {
            if chooseLayer(index, share, isMeasured: path.estimator.isMeasured, layers, in: cache, now: now) { demand.isNarrow = true }
            demand.wanted = max(demand.wanted, tracks[index].selector.wanted)
            demand.cost = demand.cost + tracks[index].selector.cost
        }
        demand.canProbe = probingTrack != nil
        path[place] = demand
        path.update(now: now)
    }

    /// It needs nothing of the path for now.
    private mutating func rest(in cache: borrowing GOPCache, over path: inout EgressPath, now: MonotonicTime) {
        for index in audioCount..<tracks.count { tracks[index].media.aim(at: nil, isNarrow: false, in: cache, now: now) }
        var demand = path[place]
        (demand.sound, demand.cost, demand.wanted, demand.isNarrow) = (.zero, .zero, .zero, false)
        path[place] = demand
    }

    /// Aims one track at what fits into its share; whether what flows is more than that.
    private mutating func chooseLayer(
        _ index: Int, _ share: Bitrate, isMeasured: Bool, _ layers: borrowing StreamLayers, in cache: borrowing GOPCache, now: MonotonicTime
    ) -> Bool {
        var limit = share
        if tracks[index].media.isLate(by: Self.tooLate, in: cache, now: now) { limit = min(limit, tracks[index].selector.cost * 0.8) }
        let rate = tracks[index].media.flowing.map(layers.rate) ?? .zero
        tracks[index].selector.update(layers, limit: limit, isMeasured: isMeasured, now: now)
        tracks[index].media.aim(at: tracks[index].selector.target, isNarrow: rate > limit, in: cache, now: now)
        return isMeasured && rate > share
    }

    /// The viewer's own choice for its video: nothing outside of these layers.
    package mutating func limit(to cap: LayerCap) {
        for index in tracks.indices { tracks[index].selector.limit(to: cap) }
        adaptAt = 0
    }

    /// The same for the track with this encoding among its own; false when there is none.
    package mutating func limit(to cap: LayerCap, ofTrackWith encoding: UInt8) -> Bool {
        guard let index = tracks.firstIndex(where: { $0.media.encodings.contains(encoding) }) else { return false }
        tracks[index].selector.limit(to: cap)
        adaptAt = 0
        return true
    }

    /// The publisher's encodings, track by track, the smallest first: of another publisher, or in another order than before. A track keeps its own in
    /// the list that has its main one, `mainEncoding`.
    package mutating func use(_ encodings: [[UInt8]], in cache: borrowing GOPCache) {
        for index in audioCount..<tracks.count {
            guard let own = encodings.first(where: { $0.contains(tracks[index].mainEncoding) }), own != tracks[index].media.encodings else {
                continue
            }
            tracks[index].selector.use(own)
            tracks[index].media.use(own, in: cache)
            adaptAt = 0
        }
    }

    /// The publisher of this cache track was replaced by one that negotiated other header extensions.
    package mutating func setSourceExtensions(_ map: ExtensionMap, of track: UInt8) {
        for index in tracks.indices where tracks[index].media.encodings.contains(track) { tracks[index].setSourceExtensions(map) }
    }
}
