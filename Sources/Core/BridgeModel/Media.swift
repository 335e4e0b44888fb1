/// What a track carries.
package enum MediaKind: String, Codable, Sendable, CaseIterable {
    case audio, video
}

/// The codecs that the bridge carries without transcoding.
package enum Codec: String, Codable, Sendable, CaseIterable {
    case h264, h265, vp8, vp9, av1, opus, pcmu, pcma
    /// MPEG-4 AAC as RFC 3640 packs it. Browsers do not know it over WebRTC: it comes from publishers and goes into recordings.
    case aac

    /// The kind of track that this codec belongs to.
    package var kind: MediaKind {
        switch self {
        case .h264, .h265, .vp8, .vp9, .av1: .video
        case .opus, .pcmu, .pcma, .aac: .audio
        }
    }

    /// The encoding name in `a=rtpmap` and in RTP caps (IANA registry of RTP payload formats).
    package var encodingName: String {
        switch self {
        case .h264: "H264"
        case .h265: "H265"
        case .vp8: "VP8"
        case .vp9: "VP9"
        case .av1: "AV1"
        case .opus: "OPUS"
        case .pcmu: "PCMU"
        case .pcma: "PCMA"
        case .aac: "MPEG4-GENERIC"
        }
    }

    /// RTP clock rate in Hz; for AAC only the usual one, each track has its own (`TrackDescription.clockRate`).
    package var clockRate: UInt32 {
        switch self {
        case .h264, .h265, .vp8, .vp9, .av1: 90_000
        case .opus, .aac: 48_000
        case .pcmu, .pcma: 8_000
        }
    }
}

/// One track of a stream as its source sends it: the hub carries its RTP packets unchanged.
package struct TrackDescription: Codable, Sendable, Equatable {
    /// Place in the stream, from 0; it is also the track byte of a `MediaDatagram`.
    package var index: UInt8
    /// What the packets hold.
    package var codec: Codec
    /// RTP payload type of the packets in the hub, 0...127.
    package var payloadType: UInt8
    /// Channels, audio only (`a=rtpmap` encoding parameters).
    package var channels: UInt8?
    /// `a=fmtp` text of the format, without the payload type; empty when there is none.
    package var formatParameters: String
    /// The media section's identification (RFC 8843) on the publishing side.
    package var mid: String
    /// RTP clock rate in Hz as `a=rtpmap` says, where the codec leaves that open; nil elsewhere.
    private var rate: UInt32?

    package init(
        index: UInt8, codec: Codec, payloadType: UInt8, clockRate: UInt32? = nil, channels: UInt8? = nil, formatParameters: String = "",
        mid: String
    ) {
        self.index = index
        self.codec = codec
        self.payloadType = payloadType
        rate = clockRate == codec.clockRate ? nil : clockRate
        self.channels = channels
        self.formatParameters = formatParameters
        self.mid = mid
    }

    /// Audio or video, from the codec.
    package var kind: MediaKind { codec.kind }

    /// RTP clock rate of the packets, Hz.
    package var clockRate: UInt32 { rate ?? codec.clockRate }
}

/// How a subscriber gets the packets that lie in the GOP cache when it joins.
package enum SubscriptionTiming: Sendable, Equatable {
    /// For a viewer: cached video with its timestamps pressed together, so that the newest picture is due at once; audio from now on.
    case live
    /// For a recorder: cached video and audio that arrived at `since` or later, with their true timestamps; a sink that falls behind is waited for
    /// as long as the cache holds what it lacks. Nothing from before `since` is in its file, unless it `reachesBack`: then it begins with the last
    /// keyframe at or before that moment, where that is held, and all tracks with it.
    case recorded(since: MonotonicTime, reachesBack: Bool = false)
}
