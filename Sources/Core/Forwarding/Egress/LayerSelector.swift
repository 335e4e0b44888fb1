package import BridgeModel
package import RTP

/// Chooses a viewer's layer by what its path takes, what it asked for and what the publisher sends.
///
/// Down at once, up with patience: a layer above has to fit with room to spare, and for longer after each time that it proved too much. When not even
/// the smallest layer comes near to fitting, the picture pauses, so that sound keeps its place. A larger picture that stutters because its publisher
/// has too little for it is no better than a smaller one that moves, and is passed over.
package struct LayerSelector: Sendable {
    /// What a layer may cost of the bandwidth to be switched up to.
    private static let upwardMargin = 1.15
    /// The smallest layer is sent while the path takes this much of it: an estimate errs, and a picture that stutters is better than none.
    private static let pauseBelow = 0.5
    private static let resumeAbove = 0.8
    /// Nanoseconds that the path must be too narrow for before the picture pauses.
    private static let pauseAfter: Int64 = 1_500_000_000
    /// Shortest time on a layer before the next one up; doubles with each failure.
    private static let shortestStay: Int64 = 500_000_000
    private static let longestStay: Int64 = 8_000_000_000
    /// A path that takes so many times what proved too much has become another one: it needs no patience.
    private static let anotherPath = 2.0
    /// A layer that is left again within this time was too much.
    private static let failedWithin: Int64 = 5_000_000_000
    /// Parts of a smaller encoding's frames below which one is starved, and above which it is not so any more.
    private static let starvedBelow = 0.5
    private static let fedAbove = 0.75
    /// Frames a second that an encoding has to lack at least to count as starved: below that it may be chance.
    private static let starvedBy: Double = 4

    /// The encodings' tracks, the smallest first.
    private var encodings: [UInt8]
    package private(set) var cap: LayerCap
    /// The viewer can take no spatial layer above this one, whatever it asks for.
    private let highestSpatial: UInt8
    /// What of `cap` can be had of what is sent now.
    private var reach = LayerCap.none
    /// What is to be sent; nil: nothing, the picture pauses.
    package private(set) var target: TargetLayer?
    /// What would be of use if the path took it: for probing; zero when the best allowed layer is sent.
    package private(set) var wanted = Bitrate.zero
    /// What the target costs.
    package private(set) var cost = Bitrate.zero
    private var changedAt: Int64?
    private var roseAt: Int64?
    private var stay = Self.shortestStay
    /// What the layer cost that last proved too much.
    private var failedCost = Bitrate.zero
    private var tooNarrowSince: Int64?
    /// A bit for each encoding.
    private var starved = 0

    /// Begins with the smallest encoding until `update` knows better. No spatial layer above `highestSpatial` is ever chosen.
    package init(encodings: [UInt8], highestSpatial: UInt8 = .max) {
        self.encodings = encodings
        self.highestSpatial = highestSpatial
        cap = LayerCap(spatial: highestSpatial)
        target = encodings.first.map { TargetLayer(track: $0, spatial: highestSpatial, temporal: .max) }
    }

    /// The viewer's own choice.
    package mutating func limit(to cap: LayerCap) {
        self.cap = cap
        self.cap.spatial = min(cap.spatial, highestSpatial)
        stay = Self.shortestStay
    }

    /// The publisher's encodings, the smallest first: other ones, or in another order.
    mutating func use(_ encodings: [UInt8]) {
        if encodings != self.encodings { starved = 0 }
        self.encodings = encodings
    }

    /// Chooses anew. `limit` is the part of the path that is for this track; a guess (`isMeasured` false) never pauses the picture.
    package mutating func update(_ layers: borrowing StreamLayers, limit: Bitrate, isMeasured: Bool, now: MonotonicTime) {
        let time = Int64(clamping: now.nanoseconds)
        noteStarved(layers)
        let options = reachable(layers, within: limit)
        guard let smallest = options.smallest else { return }
        let chosen = options.fitting ?? smallest.layer
        if isMeasured, isPaused(smallest.cost, limit, time) {
            if target != nil { change(to: nil, cost: .zero, time) }
        } else if let current = target, let currentCost = self.cost(of: current, layers) {
            step(from: current, currentCost, to: isAbove(chosen, current) ? options.ample ?? current : chosen, layers, limit, time)
        } else {
            change(to: chosen, cost: layers.rate(chosen), time)
        }
        cost = target.map(layers.rate) ?? .zero
        wanted = target == nil ? smallest.cost * Self.upwardMargin : nextAbove(layers).map { $0 * (Self.upwardMargin * 1.05) } ?? .zero
    }
}

extension LayerSelector {
    /// What the layer costs; nil when it is not sent any more, or is not allowed.
    private func cost(of layer: TargetLayer, _ layers: borrowing StreamLayers) -> Bitrate? {
        guard isAllowed(layer), layers.isAlive(layer) else { return nil }
        return layers.rate(layer)
    }

    private func isAllowed(_ layer: TargetLayer) -> Bool {
        guard let encoding = encodings.firstIndex(of: layer.track) else { return false }
        return reach.admits(layer, encoding: encoding)
    }

    private mutating func isPaused(_ smallest: Bitrate, _ limit: Bitrate, _ time: Int64) -> Bool {
        if target == nil, changedAt != nil { return limit < smallest * Self.resumeAbove }
        guard limit < smallest * Self.pauseBelow else {
            tooNarrowSince = nil
            return false
        }
        let since = tooNarrowSince ?? time
        tooNarrowSince = since
        return time - since >= Self.pauseAfter
    }

    private mutating func step(
        from current: TargetLayer, _ currentCost: Bitrate, to chosen: TargetLayer, _ layers: borrowing StreamLayers, _ limit: Bitrate,
        _ time: Int64
    ) {
        guard chosen != current else { return }
        let chosenCost = layers.rate(chosen)
        if currentCost > limit || isAbove(current, chosen) {
            let failed = roseAt.map { time - $0 < Self.failedWithin } ?? false
            stay = failed ? min(stay * 2, Self.longestStay) : Self.shortestStay
            failedCost = currentCost
            change(to: chosen, cost: chosenCost, time)
        } else if isAbove(chosen, current), time - (changedAt ?? .min / 2) >= patience(limit) {
            roseAt = time
            change(to: chosen, cost: chosenCost, time)
        }
    }

    private func patience(_ limit: Bitrate) -> Int64 { limit >= failedCost * Self.anotherPath ? Self.shortestStay : stay }

    private func isAbove(_ left: TargetLayer, _ right: TargetLayer) -> Bool { rank(left) > rank(right) }

    /// Encodings count more than spatial layers, and these more than temporal ones.
    private func rank(_ layer: TargetLayer) -> Int {
        ((encodings.firstIndex(of: layer.track) ?? 0) << 4 | Int(min(layer.spatial, 3)) << 2) | Int(min(layer.temporal, 3))
    }

    private mutating func change(to layer: TargetLayer?, cost: Bitrate, _ time: Int64) {
        target = layer
        self.cost = cost
        changedAt = time
        tooNarrowSince = nil
    }

    private struct Options {
        var fitting: TargetLayer?
        /// The highest that fits with room to spare.
        var ample: TargetLayer?
        var smallest: (layer: TargetLayer, cost: Bitrate)?
    }

    /// What there is within the choice; while nothing of it is sent, what there is below.
    private mutating func reachable(_ layers: borrowing StreamLayers, within limit: Bitrate) -> Options {
        reach = cap
        let options = best(layers, within: limit)
        guard options.smallest == nil, cap != cap.withoutFloor else { return options }
        reach = cap.withoutFloor
        return best(layers, within: limit)
    }

    /// The highest layer that fits, and the smallest there is, among those that are sent and allowed.
    private func best(_ layers: borrowing StreamLayers, within limit: Bitrate) -> Options {
        var options = Options()
        for (encoding, track) in encodings.enumerated() where !isStarved(encoding) {
            forEachLayer(of: track, encoding, layers) { layer, cost in
                if cost <= limit { options.fitting = layer }
                if cost * Self.upwardMargin <= limit { options.ample = layer }
                if options.smallest == nil || options.smallest.map({ cost < $0.cost }) ?? false { options.smallest = (layer, cost) }
            }
        }
        return options
    }

    /// The cost of the next allowed layer above the target.
    private func nextAbove(_ layers: borrowing StreamLayers) -> Bitrate? {
        guard let target else { return nil }
        var next: Bitrate?
        for (encoding, track) in encodings.enumerated() where !isStarved(encoding) {
            forEachLayer(of: track, encoding, layers) { layer, cost in
                if next == nil, isAbove(layer, target), cost > self.cost { next = cost }
            }
        }
        return next
    }

    /// Whether the publisher starves an encoding to which there is a smaller one within the choice.
    private func isStarved(_ encoding: Int) -> Bool { encoding > Int(reach.lowestEncoding) && starved & (1 << encoding) != 0 }

    /// Marks the encodings of which much fewer frames come than of a smaller one within the choice: its publisher's own path is narrow. A starved one
    /// has to have most of them again.
    private mutating func noteStarved(_ layers: borrowing StreamLayers) {
        var most: Double = 0
        for (encoding, track) in encodings.enumerated() where encoding >= Int(cap.lowestEncoding) {
            let own = layers.frameRate(ofTrack: track)
            let enough = most * (starved & (1 << encoding) == 0 ? Self.starvedBelow : Self.fedAbove)
            if own < enough, most - own >= Self.starvedBy { starved |= 1 << encoding } else { starved &= ~(1 << encoding) }
            most = max(most, own)
        }
    }

    private func forEachLayer(
        of track: UInt8, _ encoding: Int, _ layers: borrowing StreamLayers, _ body: (TargetLayer, Bitrate) -> Void
    ) {
        let alive = layers.alive(ofTrack: track)
        for spatial in 0..<UInt8(StreamLayers.layers) {
            let own = UInt8(truncatingIfNeeded: alive >> (UInt16(spatial) * UInt16(StreamLayers.layers))) & 0xF
            guard own != 0 else { continue }
            let isSmallest = encoding == Int(reach.lowestEncoding) && spatial == reach.lowestSpatial
            let highest = highestTemporal(of: own)
            for temporal in 0..<UInt8(StreamLayers.layers) where own & 1 << temporal != 0 {
                let layer = TargetLayer(track: track, spatial: spatial, temporal: temporal)
                // A larger picture at less than half of its frames a second is no gain over a smaller one that moves: only the smallest goes down
                // so far.
                guard reach.admits(layer, encoding: encoding), isSmallest || temporal + 1 >= highest else { continue }
                body(layer, layers.rate(layer))
            }
        }
    }

    /// The highest of the temporal layers that are sent, a bit each, within reach.
    private func highestTemporal(of alive: UInt8) -> UInt8 {
        let within = reach.temporal >= 7 ? alive : alive & (1 << (reach.temporal + 1) - 1)
        return UInt8(truncatingIfNeeded: max(0, 7 - within.leadingZeroBitCount))
    }
}
