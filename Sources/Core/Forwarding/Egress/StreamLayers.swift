package import BridgeModel
package import RTP

/// The layers that the tracks of one stream really send, with what each costs: measured once for all viewers.
///
/// Owned by the stream's media worker; counting a packet does not allocate.
package struct StreamLayers: Sendable {
    /// Spatial and temporal layers that are told apart; higher ones count as the highest.
    package static let layers = 4
    /// The rates are brought up to date this often.
    static let window: Int64 = 500_000_000
    /// Windows without a packet after which a layer is gone.
    private static let silentWindows: UInt8 = 3

    private struct Layer {
        /// In this window.
        var bytes: Int64 = 0
        var frames: Int64 = 0
        /// Smoothed over the last windows.
        var rate = Bitrate.zero
        /// Frames a second, likewise; but none as soon as a window had none.
        var frameRate: Double = 0
        var silentWindows: UInt8 = Self.goneAfter
        private static let goneAfter = StreamLayers.silentWindows
        var isAlive: Bool { silentWindows < Self.goneAfter }

        mutating func endWindow(_ nanoseconds: Int64) {
            let measured = Bitrate(bytes: bytes, nanoseconds: nanoseconds)
            let wasAlive = isAlive
            silentWindows = bytes > 0 ? 0 : min(silentWindows + 1, Self.goneAfter)
            // Half of the new and half of the old: a keyframe does not double the rate.
            let isKnown = wasAlive && rate > .zero
            rate = !isAlive ? .zero : isKnown ? (measured + rate) * 0.5 : measured
            let ended = Double(frames) * 1e9 / Double(nanoseconds)
            frameRate = !isAlive || frames == 0 ? 0 : isKnown ? (ended + frameRate) / 2 : ended
            (bytes, frames) = (0, 0)
        }
    }

    /// What a track's layers came to when the last window ended: asked for by each viewer, several times a second.
    private struct Summary {
        /// What each layer costs together with the lower ones, in the order of the cells.
        var costs = InlineArray<16, Bitrate>(repeating: .zero)
        /// A bit for each layer that is sent.
        var alive: UInt16 = 0
        var frameRate: Double = 0
    }

    private var cells: [Layer]
    private var summaries: [Summary]
    private var windowStart: MonotonicTime?

    package init(trackCount: Int) {
        cells = Array(repeating: Layer(), count: trackCount * Self.layers * Self.layers)
        summaries = Array(repeating: Summary(), count: trackCount)
    }

    /// Makes room for the tracks of a source that has more of them than the last one.
    package mutating func grow(toTrackCount count: Int) {
        while summaries.count < count {
            summaries.append(Summary())
            cells.append(contentsOf: repeatElement(Layer(), count: Self.layers * Self.layers))
        }
    }

    /// Counts a packet that was put into the cache.
    package mutating func count(_ entry: GOPCache.Entry, bytes: Int) {
        let cell = Self.cell(entry.track, spatial: entry.descriptor.spatialLayer, temporal: entry.descriptor.temporalLayer)
        guard cells.indices.contains(cell) else { return }
        if windowStart == nil { windowStart = entry.arrival }
        cells[cell].bytes &+= Int64(bytes)
        if entry.descriptor.flags.contains(.endsFrame) { cells[cell].frames &+= 1 }
    }

    /// Ends a window of measurement when it is due, and says whether it was; to be called a few times a second.
    @discardableResult
    package mutating func update(now: MonotonicTime) -> Bool {
        guard let start = windowStart else {
            windowStart = now
            return false
        }
        let elapsed = Int64(clamping: now.nanoseconds) - Int64(clamping: start.nanoseconds)
        guard elapsed >= Self.window else { return false }
        windowStart = now
        for index in cells.indices { cells[index].endWindow(elapsed) }
        for track in summaries.indices { summaries[track] = summary(of: track) }
        return true
    }

    private func summary(of track: Int) -> Summary {
        var summary = Summary()
        let first = track * Self.layers * Self.layers
        for place in 0..<Self.layers * Self.layers {
            let layer = cells[first + place]
            if layer.isAlive { summary.alive |= 1 << place }
            let (spatial, temporal) = (place / Self.layers, place % Self.layers)
            // Of the layers below, those with fewer pictures and those with smaller ones share the smaller and fewer.
            var cost = layer.rate
            if spatial > 0 { cost = cost + summary.costs[place - Self.layers] }
            if temporal > 0 { cost = cost + summary.costs[place - 1] }
            if spatial > 0, temporal > 0 { cost = cost - summary.costs[place - Self.layers - 1] }
            summary.costs[place] = cost
            if spatial == 0 { summary.frameRate += layer.frameRate }
        }
        return summary
    }

    /// Whether packets of exactly this layer came lately.
    package func isAlive(_ layer: TargetLayer) -> Bool {
        alive(ofTrack: layer.track) & 1 << Self.place(spatial: layer.spatial, temporal: layer.temporal) != 0
    }

    /// The layers of a track of which packets came lately: `layers` bits for the temporal ones of each spatial one, the lowest first.
    func alive(ofTrack track: UInt8) -> UInt16 { Int(track) < summaries.count ? summaries[Int(track)].alive : 0 }

    /// What this layer costs together with the lower ones that it is decoded with.
    package func rate(_ layer: TargetLayer) -> Bitrate {
        guard Int(layer.track) < summaries.count else { return .zero }
        return summaries[Int(layer.track)].costs[Self.place(spatial: layer.spatial, temporal: layer.temporal)]
    }

    /// Pictures a second of the whole of an encoding: of its lowest spatial layer, which every picture has.
    package func frameRate(ofTrack track: UInt8) -> Double { Int(track) < summaries.count ? summaries[Int(track)].frameRate : 0 }

    private static func place(spatial: UInt8, temporal: UInt8) -> Int {
        min(Int(spatial), layers - 1) * layers + min(Int(temporal), layers - 1)
    }

    private static func cell(_ track: UInt8, spatial: UInt8, temporal: UInt8) -> Int {
        Int(track) * layers * layers + place(spatial: spatial, temporal: temporal)
    }
}

/// A layer of a video: everything up to and including it is sent.
package struct TargetLayer: Sendable, Hashable {
    /// The cache's track: the encoding of a simulcast source.
    package var track: UInt8
    package var spatial: UInt8
    package var temporal: UInt8

    package init(track: UInt8, spatial: UInt8 = 0, temporal: UInt8 = 0) {
        self.track = track
        self.spatial = spatial
        self.temporal = temporal
    }
}

/// A viewer's manual choice: nothing above the highest of each, and, as long as the publisher sends it, nothing below the lowest. Counted from 0.
package struct LayerCap: Sendable, Hashable {
    /// Encoding of a simulcast source, the smallest is 0.
    package var encoding: UInt8
    package var spatial: UInt8
    package var temporal: UInt8
    package var lowestEncoding: UInt8 = 0
    package var lowestSpatial: UInt8 = 0
    package var lowestTemporal: UInt8 = 0

    /// Everything is allowed.
    package static let none = LayerCap()

    /// Everything up to these.
    package init(encoding: UInt8 = .max, spatial: UInt8 = .max, temporal: UInt8 = .max) {
        self.encoding = encoding
        self.spatial = spatial
        self.temporal = temporal
    }

    /// The ranges, each of which has to have its bounds in order.
    package init(encodings: ClosedRange<UInt8>, spatial: ClosedRange<UInt8>, temporal: ClosedRange<UInt8>) {
        self.init(encoding: encodings.upperBound, spatial: spatial.upperBound, temporal: temporal.upperBound)
        (lowestEncoding, lowestSpatial, lowestTemporal) = (encodings.lowerBound, spatial.lowerBound, temporal.lowerBound)
    }

    /// The same without lower bounds.
    var withoutFloor: LayerCap { LayerCap(encoding: encoding, spatial: spatial, temporal: temporal) }

    /// Whether a layer of the encoding with this number is within the choice.
    func admits(_ layer: TargetLayer, encoding: Int) -> Bool {
        Int(lowestEncoding) <= encoding && encoding <= Int(self.encoding) && lowestSpatial <= layer.spatial && layer.spatial <= spatial
            && lowestTemporal <= layer.temporal && layer.temporal <= temporal
    }
}
