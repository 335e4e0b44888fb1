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
/// for track in viewer.takeKeyframeRequests(now: now) { gates[Int(track)].request(now: now) }
/// ```
package struct EgressViewer: ~Copyable {
    /// How far above the estimate media is paced: a frame must not wait for the next one.
    private static let pacingFactor = 2.5
    /// The same while a cached GOP is taken in: the path's queue must not be filled with it.
    private static let catchUpFactor = 1.5
    /// The same while more flows than the path takes: its queue has to drain.
    private static let narrowFactor = 1.05
    /// A joiner's first picture leaves at this rate, whatever the estimate: about a keyframe, which a path's queue takes.
    private static let joinRate = Bitrate.kilobits(20_000)
    private static let joinBurst = 48_000
    /// Nanoseconds between two choices of layers.
    private static let adaptInterval: Int64 = 200_000_000

    let canonicalName: String
    /// Audio first.
    var tracks: [TrackSender]
    /// How many of them are audio.
    private let audioCount: Int
    var estimator: BandwidthEstimator
    private var pacer: EgressPacer
    var keyframeRequests = TrackSet()
    /// The pacer was closed when `next` was asked last.
    private var isHeldBack = false
    /// Bytes of the first picture that may still leave at `joinRate`.
    private var joinBytes = Self.joinBurst
    private var adaptAt: Int64
    /// What the tracks of sound take, as their publisher sends them.
    private(set) var soundRate = Bitrate.zero
    /// More flows than the path takes, until a smaller layer is reached.
    private var isNarrow = false
    var reportAt: Int64?
    var feedbackClock = FeedbackClock()

    /// Joins the stream as its cache stands. `layers` is what its publisher sends. A track without encodings gets nothing.
    ///
    /// The numbers begin with the publisher's: the SSRCs must not have been used before under the same keys, or packets would share a key stream.
    package init(
        _ parameters: EgressViewerParameters, cache: borrowing GOPCache, layers: borrowing StreamLayers, now: MonotonicTime
    ) {
        let rules = parameters.rules
        canonicalName = parameters.canonicalName
        tracks = parameters.tracks.filter { !$0.encodings.isEmpty }.sorted { $0.codec.kind == .audio && $1.codec.kind == .video }.map {
            TrackSender($0, rules: rules.join, cache: cache, now: now)
        }
        audioCount = tracks.count { !$0.media.isVideo }
        let maximum = Bitrate(bitsPerSecond: rules.maximumBitrate)
        // A viewer that never says what arrives is sent what there is: nothing would ever allow more.
        let start = parameters.tracks.contains(where: \.reportsBandwidth) ? Bitrate(bitsPerSecond: rules.startBitrate) : maximum
        estimator = BandwidthEstimator(start: start, maximum: maximum)
        pacer = EgressPacer(rate: max(start * Self.pacingFactor, Self.joinRate))
        let time = Int64(clamping: now.nanoseconds)
        adaptAt = time
        adapt(to: layers, in: cache, now: now)
    }

    /// The next packet to send now, its new bytes in `header` (at least `EgressPacket.headerCapacity`); nil when nothing is due.
    package mutating func next(
        in cache: borrowing GOPCache, now: MonotonicTime, header: UnsafeMutableRawBufferPointer
    ) -> EgressPacket? {
        let moment = TrackSender.Moment(now: now, transportSequence: estimator.nextSequence)
        isHeldBack = false
        for index in 0..<audioCount {
            if let packet = tracks[index].nextMedia(moment, in: cache, into: header) { return sent(packet, index, moment) }
        }
        guard pacer.isOpen(now: moment.time) else {
            isHeldBack = true
            return nil
        }
        for index in tracks.indices where !tracks[index].queue.isEmpty {
            let bandwidth = estimator.estimate
            if let packet = tracks[index].nextRetransmission(moment, bandwidth: bandwidth, in: cache, into: header) {
                return sent(packet, index, moment)
            }
        }
        for index in audioCount..<tracks.count {
            if let packet = tracks[index].nextMedia(moment, in: cache, into: header) { return sent(packet, index, moment) }
        }
        return nextProbe(moment, in: cache, header: header)
    }

    /// When `next`, `adapt` and `writeReport` are to be called although nothing came.
    package var deadline: MonotonicTime? {
        var earliest = adaptAt
        if isHeldBack || estimator.probeRate != nil { earliest = min(earliest, pacer.opensAt) }
        if let reportAt { earliest = min(earliest, reportAt) }
        for index in audioCount..<tracks.count {
            if let fallback = tracks[index].media.deadline { earliest = min(earliest, Int64(clamping: fallback.nanoseconds)) }
        }
        return MonotonicTime(nanoseconds: UInt64(max(0, earliest)))
    }

    /// Cache tracks whose publisher is to be asked for a keyframe; each call clears them.
    package mutating func takeKeyframeRequests(now: MonotonicTime) -> TrackSet {
        for index in audioCount..<tracks.count {
            if let track = tracks[index].media.takeKeyframeRequest(now: now) { keyframeRequests.insert(track) }
        }
        defer { keyframeRequests = TrackSet() }
        return keyframeRequests
    }
}

extension EgressViewer {
    private mutating func nextProbe(
        _ moment: TrackSender.Moment, in cache: borrowing GOPCache, header: UnsafeMutableRawBufferPointer
    ) -> EgressPacket? {
        guard estimator.probeRate != nil, let index = tracks.lastIndex(where: { $0.canProbe }),
            let packet = tracks[index].nextProbe(moment, in: cache, into: header)
        else { return nil }
        return sent(packet, index, moment)
    }

    private mutating func sent(_ packet: EgressPacket, _ index: Int, _ moment: TrackSender.Moment) -> EgressPacket {
        pacer.sent(packet.size, now: moment.time)
        if reportAt == nil { reportAt = moment.time }
        if joinBytes > 0 {
            joinBytes -= packet.size
            if joinBytes <= 0 { pace(now: moment.time) }
        }
        guard tracks[index].countsForTransport else { return packet }
        let wasProbing = estimator.probeRate != nil
        estimator.sent(size: packet.size, now: moment.now)
        if wasProbing, estimator.probeRate == nil { pace(now: moment.time) }
        return packet
    }

    /// Brings the pacer up to date with the estimate.
    mutating func pace(now: Int64) {
        if let probe = estimator.probeRate {
            pacer.pace(at: max(probe, estimator.estimate), isProbing: true, now: now)
        } else {
            let rate = estimator.estimate * pacingFactor
            pacer.pace(at: joinBytes > 0 ? max(rate, Self.joinRate) : rate, now: now)
        }
    }
}

// Layers.
extension EgressViewer {
    private var pacingFactor: Double {
        if isNarrow { return Self.narrowFactor }
        for index in audioCount..<tracks.count where tracks[index].media.isCatchingUp { return Self.catchUpFactor }
        return Self.pacingFactor
    }

    /// Media that waits this long in the pacer shows that the layer is too much.
    private static let tooLate: Int64 = 250_000_000

    /// Chooses layers by the estimate, and begins probes; to be called at `deadline`, and after RTCP.
    package mutating func adapt(to layers: borrowing StreamLayers, in cache: borrowing GOPCache, now: MonotonicTime) {
        let time = Int64(clamping: now.nanoseconds)
        defer { pace(now: time) }
        guard time >= adaptAt else { return }
        adaptAt = time + Self.adaptInterval
        soundRate = .zero
        for index in 0..<audioCount { soundRate = soundRate + layers.rate(TargetLayer(track: tracks[index].media.encoding)) }
        let videoCount = tracks.count - audioCount
        guard videoCount > 0 else { return }
        let share = (estimator.estimate - soundRate) * (1 / Double(videoCount))
        var wanted = Bitrate.zero
        isNarrow = false
        for index in audioCount..<tracks.count {
            wanted = max(wanted, chooseLayer(index, share, layers, in: cache, now: now))
        }
        if wanted > .zero, tracks.contains(where: { $0.canProbe }) {
            estimator.update(wanted: wanted * Double(videoCount) + soundRate, now: now)
        }
    }

    /// Aims one track at what fits into its share; returns what it could use beyond that.
    private mutating func chooseLayer(
        _ index: Int, _ share: Bitrate, _ layers: borrowing StreamLayers, in cache: borrowing GOPCache, now: MonotonicTime
    ) -> Bitrate {
        var limit = share
        if tracks[index].media.isLate(by: Self.tooLate, in: cache, now: now) { limit = min(limit, tracks[index].selector.cost * 0.8) }
        let rate = tracks[index].media.flowing.map(layers.rate) ?? .zero
        let isTooMuch = rate > limit
        if estimator.isMeasured, rate > share { isNarrow = true }
        tracks[index].selector.update(layers, limit: limit, isMeasured: estimator.isMeasured, now: now)
        tracks[index].media.aim(at: tracks[index].selector.target, isNarrow: isTooMuch, in: cache, now: now)
        return tracks[index].selector.wanted
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
