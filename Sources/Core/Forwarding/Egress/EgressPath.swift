package import BridgeModel
package import RTP

/// What a viewer's connection takes, shared by all that is sent on it: the estimate, the pacer, and the parts that each feed gets.
///
/// A viewer of one stream has one feed; a participant of a room has one for each stream that it gets.
package struct EgressPath: ~Copyable {
    /// How far above the estimate media is paced: a frame must not wait for the next one.
    private static let pacingFactor = 2.5
    /// The same while a cached GOP is taken in: the path's queue must not be filled with it.
    private static let catchUpFactor = 1.5
    /// The same while more flows than the path takes: its queue has to drain.
    private static let narrowFactor = 1.05
    /// A joiner's first picture leaves at this rate, whatever the estimate: about a keyframe, which a path's queue takes.
    private static let joinRate = Bitrate.kilobits(20_000)
    private static let joinBurst = 48_000
    /// What a feed gets beyond the cost of its best layer, while others want more: rates move.
    private static let ease = 1.3
    /// Packets that one transport-wide feedback may speak of: more than a history holds is an attack.
    private static let largestFeedback = 8192

    var estimator: BandwidthEstimator
    private var pacer: EgressPacer
    /// Bytes of the first picture that may still leave at `joinRate`.
    private var joinBytes = Self.joinBurst
    private var feedbackClock = FeedbackClock()
    private var demands: [EgressDemand] = []
    /// The pacer's rate is about to change of itself: asked for each packet, so it is kept.
    private(set) var isSettling = true

    /// A path of which nothing is known. `isMeasured`: the viewer will say what arrives. One that never does is sent what there is: nothing would ever
    /// allow more.
    package init(_ rules: EgressViewerRules, isMeasured: Bool) {
        let maximum = Bitrate(bitsPerSecond: rules.maximumBitrate)
        let start = isMeasured ? Bitrate(bitsPerSecond: rules.startBitrate) : maximum
        estimator = BandwidthEstimator(start: start, maximum: maximum)
        pacer = EgressPacer(rate: max(start * Self.pacingFactor, Self.joinRate))
    }

    /// What may be sent, all feeds together.
    package var estimate: Bitrate { estimator.estimate }
    /// The transport-wide sequence number of the next packet.
    package var nextTransportSequence: UInt16 { estimator.nextSequence }
    /// Bytes on the heap.
    package var heapByteCount: Int { estimator.heapByteCount + demands.capacity * MemoryLayout<EgressDemand>.stride }

    /// Takes one packet of a compound that the viewer sent, as far as it is about the path.
    package mutating func receive(_ packet: RTCPPacketView, now: MonotonicTime) {
        switch RTCPMessage(packet) {
        case .receiverEstimate(let estimate):
            estimator.receiverEstimated(Bitrate(bitsPerSecond: Int64(clamping: estimate.bitrate)), now: now)
            pace(now: Int64(clamping: now.nanoseconds))
        case .transportFeedback(let feedback): receive(feedback, now: now)
        default: break
        }
    }

    private mutating func receive(_ feedback: TransportFeedback, now: MonotonicTime) {
        guard Int(feedback.statusCount) <= Self.largestFeedback else { return }
        let reference = feedbackClock.unwrap(feedback.referenceTime)
        for status in feedback.statuses {
            guard let ticks = status.arrivalTicks else {
                estimator.packetMissing(status.sequence, now: now)
                continue
            }
            estimator.packetArrived(status.sequence, arrival: (reference + ticks) * FeedbackClock.tick, now: now)
        }
        estimator.endFeedback(now: now)
        pace(now: Int64(clamping: now.nanoseconds))
    }
}

// Sending.
extension EgressPath {
    /// Whether video may leave now.
    func isOpen(now: Int64) -> Bool { pacer.isOpen(now: now) }

    /// When video may leave.
    var opensAt: Int64 { pacer.opensAt }

    /// A packet left. `counts`: the viewer's feedback will speak of it.
    mutating func sent(_ size: Int, counts: Bool, _ moment: TrackSender.Moment) {
        pacer.sent(size, now: moment.time)
        guard isSettling else {
            if counts { estimator.sent(size: size, now: moment.now) }
            return
        }
        settle(size, counts: counts, moment)
    }

    /// The same while the first picture leaves, or a probe.
    private mutating func settle(_ size: Int, counts: Bool, _ moment: TrackSender.Moment) {
        if joinBytes > 0 {
            joinBytes -= size
            if joinBytes <= 0 { pace(now: moment.time) }
        }
        guard counts else { return }
        let wasProbing = estimator.probeRate != nil
        estimator.sent(size: size, now: moment.now)
        if wasProbing, estimator.probeRate == nil { pace(now: moment.time) }
    }

    /// Brings the pacer up to date with the estimate.
    mutating func pace(now: Int64) {
        isSettling = joinBytes > 0 || estimator.probeRate != nil
        if let probe = estimator.probeRate {
            pacer.pace(at: max(probe, estimator.estimate), isProbing: true, now: now)
        } else {
            let rate = estimator.estimate * factor
            pacer.pace(at: joinBytes > 0 ? max(rate, Self.joinRate) : rate, now: now)
        }
    }

    private var factor: Double {
        var factor = Self.pacingFactor
        for demand in demands {
            if demand.isNarrow { return Self.narrowFactor }
            if demand.isCatchingUp { factor = Self.catchUpFactor }
        }
        return factor
    }
}

// Sharing.
extension EgressPath {
    /// A feed's place, which it has until it leaves.
    mutating func join(videos: Int) -> Int {
        let place = demands.firstIndex { !$0.isTaken } ?? demands.count
        let demand = EgressDemand(videos: videos)
        if place == demands.count { demands.append(demand) } else { demands[place] = demand }
        return place
    }

    /// The feed is over.
    mutating func leave(_ place: Int) {
        demands[place] = EgressDemand(videos: 0)
        demands[place].isTaken = false
    }

    /// What the feed at a place needs.
    subscript(place: Int) -> EgressDemand {
        get { demands[place] }
        set { demands[place] = newValue }
    }

    /// What all chosen layers cost, sound included.
    var sendingRate: Bitrate { demands.reduce(.zero) { $0 + $1.sound + $1.cost } }

    /// Begins a probe when more could be used than is estimated.
    mutating func update(now: MonotonicTime) {
        guard demands.contains(where: { $0.wanted > .zero && $0.canProbe }) else { return }
        estimator.update(
            wanted: demands.reduce(.zero) { $0 + $1.sound + ($1.wanted > .zero ? $1.wanted * Double($1.videos) : $1.cost) }, now: now)
    }

    /// The part of the path that is for each video of the feed at a place. Sound comes first; what some do not need is for the others, by their weights.
    func share(of place: Int) -> Bitrate {
        var all = estimator.estimate
        var (weights, feeds) = (0.0, 0)
        for demand in demands {
            all = all - demand.sound
            guard demand.videos > 0 else { continue }
            weights += demand.weight
            feeds += 1
        }
        let (own, videos) = (demands[place], Double(max(1, demands[place].videos)))
        guard feeds > 1 else { return all * (1 / videos) }
        // What each weight gets, which only rises: whoever had enough before has it still.
        var unit = all * (1 / weights)
        var content = 0
        while true {
            var (left, open, enough) = (all, 0.0, 0)
            for demand in demands where demand.videos > 0 {
                let need = demand.need(ease: Self.ease)
                if need <= unit * demand.weight {
                    left = left - need
                    enough += 1
                } else {
                    open += demand.weight
                }
            }
            // What nobody needs is everybody's: a rate that rises finds room.
            if enough <= content || enough == feeds { return unit * (own.weight / videos) }
            let need = own.need(ease: Self.ease)
            if need <= unit * own.weight { return need * (1 / videos) }
            content = enough
            unit = left * (1 / open)
        }
    }
}

/// What one feed needs of the path.
struct EgressDemand: Sendable {
    var videos: Int
    /// How much more than others it counts where not all have what they want; for each of its videos together.
    var weight: Double
    /// What its sound takes, as its publisher sends it.
    var sound = Bitrate.zero
    /// What its video layers cost that are sent.
    var cost = Bitrate.zero
    /// What each of its videos could use beyond that; zero when it has the best.
    var wanted = Bitrate.zero
    /// Measuring packets can be sent with it.
    var canProbe = false
    /// More flows than its share, until a smaller layer is reached.
    var isNarrow = false
    /// It takes in the GOP that it joined with.
    var isCatchingUp = false
    var isTaken = true

    init(videos: Int) {
        self.videos = videos
        weight = Double(max(1, videos))
    }

    func need(ease: Double) -> Bitrate { wanted > .zero ? wanted * Double(videos) : cost * ease }
}
