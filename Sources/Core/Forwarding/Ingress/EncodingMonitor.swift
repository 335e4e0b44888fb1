package import BridgeModel
package import RTP

/// What one encoding of a publisher is worth now: rate, frames, picture size and layers over the last second.
package struct EncodingMonitor: Sendable {
    /// A snapshot.
    package struct State: Sendable, Equatable {
        package var bitrate = Bitrate.zero
        /// Frames a second; for audio packets a second.
        package var frameRate: Double = 0
        /// Of the newest keyframe that told it: the highest spatial layer's.
        package var size: PictureSize?
        /// Of each spatial layer, where the source tells them one by one.
        var layerSizes = LayerSizes()
        package var profile: CodecProfile?
        package var lastKeyframe: MonotonicTime?
        package var lastPacket: MonotonicTime?
        /// Spatial and temporal layers that came within the last second, at least 1 while packets come.
        package var spatialLayers: UInt8 = 0
        package var temporalLayers: UInt8 = 0

        /// Nothing came.
        package init() {}

        /// The picture of a spatial layer; nil where it is not known.
        package func size(ofSpatialLayer layer: UInt8) -> PictureSize? {
            if let size = layerSizes[Int(layer)] { return size }
            return spatialLayers <= 1 && layer == 0 ? size : nil
        }

        /// Whether packets came within the last second.
        package var isActive: Bool { bitrate > .zero }
    }

    private static let bucketCount = 10
    private static let bucketSpan: Int64 = 100_000_000

    private struct Bucket: Sendable {
        var bytes: Int64 = 0
        var frames: Int64 = 0
        var spatialLayers: UInt8 = 0
        var temporalLayers: UInt8 = 0
    }

    private var buckets = InlineArray<10, Bucket>(repeating: Bucket())
    /// The bucket that is being filled, counted from the beginning of time.
    private var current: Int64 = 0
    private var currentEnd: Int64 = 0
    private var firstBucket: Int64?
    private var size: PictureSize?
    private var layerSizes = LayerSizes()
    private var profile: CodecProfile?
    private var lastKeyframe: MonotonicTime?
    private var lastPacket: MonotonicTime?

    package init() {}

    /// Counts a packet of `bytes`.
    package mutating func count(_ descriptor: PacketDescriptor, bytes: Int, beginsFrame: Bool, arrival: MonotonicTime) {
        let time = Int64(clamping: arrival.nanoseconds)
        if time >= currentEnd { advance(to: time / Self.bucketSpan) }
        let bucket = Int(current % Int64(Self.bucketCount))
        buckets[bucket].bytes += Int64(bytes)
        if beginsFrame { buckets[bucket].frames += 1 }
        buckets[bucket].spatialLayers = max(buckets[bucket].spatialLayers, descriptor.spatialLayer &+ 1)
        buckets[bucket].temporalLayers = max(buckets[bucket].temporalLayers, descriptor.temporalLayer &+ 1)
        lastPacket = arrival
    }

    /// Takes note of a keyframe.
    package mutating func noteKeyframe(arrival: MonotonicTime) { lastKeyframe = arrival }

    /// Takes note of what a keyframe or its parameter sets say.
    package mutating func note(_ parameters: VideoParameters) {
        profile = parameters.profile ?? profile
        // A scalable source's keyframe is the lowest layer's.
        if layerSizes[0] != parameters.size || size == nil { size = parameters.size }
    }

    /// Takes note of the size of a spatial layer; the lowest comes first, and a source that tells of fewer than before has fewer.
    package mutating func note(_ size: PictureSize, ofSpatialLayer layer: Int) {
        if layer == 0 { layerSizes = LayerSizes() }
        layerSizes[layer] = size
        self.size = size
    }

    /// What it was over the second before `now`.
    package func state(now: MonotonicTime) -> State {
        var state = State()
        let time = Int64(clamping: now.nanoseconds)
        let oldest = time / Self.bucketSpan - Int64(Self.bucketCount) + 1
        var sum = Bucket()
        for index in stride(from: max(oldest, current - Int64(Self.bucketCount) + 1, 0), through: current, by: 1) {
            let bucket = buckets[Int(index % Int64(Self.bucketCount))]
            sum.bytes += bucket.bytes
            sum.frames += bucket.frames
            sum.spatialLayers = max(sum.spatialLayers, bucket.spatialLayers)
            sum.temporalLayers = max(sum.temporalLayers, bucket.temporalLayers)
        }
        // In the first second only the time since the first packet counts.
        let start = max(oldest, firstBucket ?? oldest) * Self.bucketSpan
        let elapsed = max(Self.bucketSpan, time - start)
        state.bitrate = Bitrate(bytes: sum.bytes, nanoseconds: elapsed)
        state.frameRate = Double(sum.frames) * 1e9 / Double(elapsed)
        state.spatialLayers = sum.spatialLayers
        state.temporalLayers = sum.temporalLayers
        state.size = size
        state.layerSizes = layerSizes
        state.profile = profile
        state.lastKeyframe = lastKeyframe
        state.lastPacket = lastPacket
        return state
    }

    private mutating func advance(to bucket: Int64) {
        if firstBucket == nil { firstBucket = bucket }
        var next = max(current + 1, bucket - Int64(Self.bucketCount) + 1)
        while next <= bucket {
            buckets[Int(next % Int64(Self.bucketCount))] = Bucket()
            next += 1
        }
        current = max(current, bucket)
        currentEnd = (current + 1) * Self.bucketSpan
    }
}

/// The pictures of up to four spatial layers, in place.
struct LayerSizes: Sendable, Equatable {
    private var widths = SIMD4<UInt32>(repeating: 0)
    private var heights = SIMD4<UInt32>(repeating: 0)

    /// Nil where it is not known, and for layers beyond the fourth, which are not told apart.
    subscript(layer: Int) -> PictureSize? {
        get {
            guard (0..<4).contains(layer), widths[layer] > 0 else { return nil }
            return PictureSize(width: widths[layer], height: heights[layer])
        }
        set {
            guard (0..<4).contains(layer) else { return }
            widths[layer] = newValue?.width ?? 0
            heights[layer] = newValue?.height ?? 0
        }
    }
}
