package import BridgeModel

/// The hub: every source becomes a stream of tracks of RTP packets, every sink reads from it. Implemented by MediaPlane.
///
/// All calls return at once; the work is done on a media worker in the order of the calls.
package protocol MediaHub: Sendable {
    /// Takes packets of `tracks` from `sources` (same order and count) under this id. A second call for a live id replaces its source:
    /// sinks stay and see a discontinuity. The hub owns and closes the descriptors.
    func publish(_ stream: StreamID, tracks: [TrackDescription], sources: [MediaDescriptor])
    /// Ends the stream: sinks get `MediaDatagram.Kind.end` on each track. Does nothing when the source was replaced since.
    func unpublish(_ stream: StreamID, source: StreamSource)
    /// Sends track `tracks[n]` of the stream to `sinks[n]`, beginning with the GOP cache as `timing` says. A sink that closes its end is dropped;
    /// when the stream or the track does not exist, the sink gets `MediaDatagram.Kind.end` and is closed. The hub owns and closes the descriptors.
    func subscribe(
        _ subscriber: PipelineID, to stream: StreamID, tracks: [UInt8], sinks: [MediaDescriptor], timing: SubscriptionTiming)
    /// Stops sending to this subscriber and closes its descriptors.
    func unsubscribe(_ subscriber: PipelineID)
    /// Asks the source for a keyframe of `track`, through the gate.
    func requestKeyframe(of stream: StreamID, track: UInt8)
    /// Keeps so much of a published stream, and its keyframes coming, that a recording can begin before it is asked for
    /// (`SubscriptionTiming.recorded`); zero keeps no more than of any stream. Holds as long as the stream is published.
    func keepPreRoll(_ length: Duration, of stream: StreamID)
    /// Counters of one stream; nil when it is not published.
    func statistics(of stream: StreamID) async -> StreamStatistics?
    /// Counters of everything.
    func totals() async -> HubTotals
}

/// Counters of one stream since it was published.
package struct StreamStatistics: Sendable, Equatable, Codable {
    /// One entry a track, in track order.
    package var tracks: [TrackStatistics]
    package var subscribers: Int

    package init(tracks: [TrackStatistics], subscribers: Int) {
        self.tracks = tracks
        self.subscribers = subscribers
    }
}

/// Counters of one track since it was published.
package struct TrackStatistics: Sendable, Equatable, Codable {
    package var packets: UInt64
    package var bytes: UInt64
    /// Sequence numbers that never came.
    package var lost: UInt64
    package var keyframes: UInt64
    /// Arrival of the newest packet; nil before the first.
    package var lastPacketAt: MonotonicTime?
    /// What the track is sent as, the smallest picture first: one without simulcast. The counters are the sums of all.
    package var encodings: [EncodingStatistics] = []

    package init(packets: UInt64 = 0, bytes: UInt64 = 0, lost: UInt64 = 0, keyframes: UInt64 = 0, lastPacketAt: MonotonicTime? = nil) {
        self.packets = packets
        self.bytes = bytes
        self.lost = lost
        self.keyframes = keyframes
        self.lastPacketAt = lastPacketAt
    }
}

/// What one encoding of a track is worth now.
package struct EncodingStatistics: Sendable, Equatable, Codable {
    /// Its name among the track's encodings (RFC 8851); nil where it is the only one.
    package var rid: String?
    /// In bits a second, all layers together; 0 while it is not sent.
    package var bitrate: Int64
    /// Frames a second, of audio packets; 0 where it is not known.
    package var frameRate: Double
    /// What it consists of, the lowest first: one entry a spatial and temporal layer that is sent now.
    package var layers: [LayerStatistics]
    /// Of the largest picture, in pixels; nil before the first keyframe that told it.
    package var width: Int?
    package var height: Int?
    /// What its parameter sets ask of a decoder; nil before the first that told it, and of sources that are no peers.
    package var profile: CodecProfile?

    package init(rid: String? = nil, bitrate: Int64 = 0, frameRate: Double = 0, layers: [LayerStatistics] = []) {
        self.rid = rid
        self.bitrate = bitrate
        self.frameRate = frameRate
        self.layers = layers
    }
}

/// One spatial and temporal layer of an encoding.
package struct LayerStatistics: Sendable, Equatable, Codable {
    /// 0 is the lowest.
    package var spatialID: UInt8
    /// 0 is the lowest.
    package var temporalID: UInt8
    /// In bits a second, with the lower layers that it is decoded with.
    package var bitrate: Int64
    /// Pixels; nil where they are not known.
    package var width: Int?
    /// Pixels; nil where they are not known.
    package var height: Int?

    package init(spatialID: UInt8 = 0, temporalID: UInt8 = 0, bitrate: Int64, width: Int? = nil, height: Int? = nil) {
        self.spatialID = spatialID
        self.temporalID = temporalID
        self.bitrate = bitrate
        self.width = width
        self.height = height
    }
}

/// Counters of the hub since it started; the first two are gauges.
package struct HubTotals: Sendable, Equatable, Codable {
    package var streams: Int
    package var subscribers: Int
    package var packetsIn: UInt64
    package var packetsOut: UInt64
    /// Packets that a full sink could not take, or a media worker that stands still.
    package var packetsDropped: UInt64
    package var keyframeRequestsIn: UInt64
    package var keyframeRequestsOut: UInt64
    /// Datagrams of children that were not of the contract and were ignored.
    package var malformed: UInt64

    package init(
        streams: Int = 0, subscribers: Int = 0, packetsIn: UInt64 = 0, packetsOut: UInt64 = 0, packetsDropped: UInt64 = 0,
        keyframeRequestsIn: UInt64 = 0, keyframeRequestsOut: UInt64 = 0, malformed: UInt64 = 0
    ) {
        self.streams = streams
        self.subscribers = subscribers
        self.packetsIn = packetsIn
        self.packetsOut = packetsOut
        self.packetsDropped = packetsDropped
        self.keyframeRequestsIn = keyframeRequestsIn
        self.keyframeRequestsOut = keyframeRequestsOut
        self.malformed = malformed
    }
}
