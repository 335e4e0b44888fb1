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

    private var cells: [Layer]
    private var windowStart: MonotonicTime?

    package init(trackCount: Int) {
        cells = Array(repeating: Layer(), count: trackCount * Self.layers * Self.layers)
    }

    /// Makes room for the tracks of a source that has more of them than the last one.
    package mutating func grow(toTrackCount count: Int) {
        while cells.count < count * Self.layers * Self.layers { cells.append(Layer()) }
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
        return true
    }

    /// Whether packets of exactly this layer came lately.
    package func isAlive(_ layer: TargetLayer) -> Bool {
        let cell = Self.cell(layer.track, spatial: layer.spatial, temporal: layer.temporal)
        return cells.indices.contains(cell) && cells[cell].isAlive
    }

    /// What this layer costs together with the lower ones that it is decoded with.
    package func rate(_ layer: TargetLayer) -> Bitrate {
        var sum = Bitrate.zero
        for spatial in 0...min(layer.spatial, UInt8(Self.layers - 1)) {
            for temporal in 0...min(layer.temporal, UInt8(Self.layers - 1)) {
                let cell = Self.cell(layer.track, spatial: spatial, temporal: temporal)
                guard cells.indices.contains(cell) else { return .zero }
                sum = sum + cells[cell].rate
            }
        }
        return sum
    }

    /// Pictures a second of the whole of an encoding: of its lowest spatial layer, which every picture has.
    package func frameRate(ofTrack track: UInt8) -> Double {
        (0..<UInt8(Self.layers)).reduce(0) { sum, temporal in
            let cell = Self.cell(track, spatial: 0, temporal: temporal)
            return cells.indices.contains(cell) ? sum + cells[cell].frameRate : sum
        }
    }

    private static func cell(_ track: UInt8, spatial: UInt8, temporal: UInt8) -> Int {
        (Int(track) * layers + min(Int(spatial), layers - 1)) * layers + min(Int(temporal), layers - 1)
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
