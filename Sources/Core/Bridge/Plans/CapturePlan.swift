package import BridgeModel

/// A camera's source and its encoders; RTP to a hub, one media socket a track.
package struct CapturePlan: Codable, Sendable, Equatable {
    package var source: Source
    package var videoCodec: Codec
    package var width: Int
    package var height: Int
    package var framesPerSecond: Int
    /// Target video bit rate, bit/s.
    package var bitrate: Int
    /// Longest distance between keyframes.
    package var keyframeInterval: Duration
    package var audio: Bool
    /// Whose sound is sent, of a source that has none of its own, or the pattern; nil: nobody's.
    package var microphone: SoundDevice?
    /// What is done to pictures and sound from the beginning.
    package var adjustment = CaptureAdjustment()
    /// The header extension by which each packet of sound says how loud it is (RFC 6464); nil: none does.
    package var audioLevel: UInt8?

    package init(
        source: Source, videoCodec: Codec, width: Int, height: Int, framesPerSecond: Int, bitrate: Int, keyframeInterval: Duration,
        audio: Bool
    ) {
        self.source = source
        self.videoCodec = videoCodec
        self.width = width
        self.height = height
        self.framesPerSecond = framesPerSecond
        self.bitrate = bitrate
        self.keyframeInterval = keyframeInterval
        self.audio = audio
    }

    /// The same with at most so many lines, in the same shape.
    package func bounded(to lines: Int?) -> CapturePlan {
        guard let lines, lines < height else { return self }
        var plan = self
        // Encoders take even sizes.
        plan.height = max(2, lines & ~1)
        plan.width = max(2, width * plan.height / height & ~1)
        return plan
    }

    /// Where the pictures come from.
    package enum Source: Codable, Sendable, Equatable {
        /// Moving pattern with wall clock and frame counter, and a tone.
        case test
        /// A media file, played in a loop.
        case file(path: String)
        /// A V4L2 device, for instance `/dev/video0`.
        case v4l2(device: String)
        /// An RTSP server; the URL may hold a user name and a password.
        case rtsp(url: Redacted<String>)
    }

    /// Payload types, from the dynamic range (RFC 3551 section 6).
    package static let (videoPayloadType, audioPayloadType): (UInt8, UInt8) = (96, 111)
    /// The identifier of `audioLevel` where it is told: the only extension there is.
    package static let audioLevelIdentifier: UInt8 = 1

    /// RFC 6184 section 8.1: constrained baseline at level 3.1; receivers may use another level.
    private static let h264Parameters = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"

    /// What it sends: video, then audio.
    package var tracks: [TrackDescription] {
        let video = TrackDescription(
            index: 0, codec: videoCodec, payloadType: Self.videoPayloadType,
            formatParameters: videoCodec == .h264 ? Self.h264Parameters : "", mid: "0")
        guard audio else { return [video] }
        return [video, TrackDescription(index: 1, codec: .opus, payloadType: Self.audioPayloadType, channels: 2, mid: "1")]
    }
}

/// A camera that publishes by itself: source, encoder and an offering webrtcbin.
package struct CameraPlan: Codable, Sendable, Equatable {
    package var capture: CapturePlan
    package var identity: DTLSIdentity
    package var ice: IceSettings

    package init(capture: CapturePlan, identity: DTLSIdentity, ice: IceSettings) {
        self.capture = capture
        self.identity = identity
        self.ice = ice
    }

    package init(
        source: CapturePlan.Source, videoCodec: Codec, width: Int, height: Int, framesPerSecond: Int, bitrate: Int,
        keyframeInterval: Duration, audio: Bool, identity: DTLSIdentity, ice: IceSettings
    ) {
        capture = CapturePlan(
            source: source, videoCodec: videoCodec, width: width, height: height, framesPerSecond: framesPerSecond, bitrate: bitrate,
            keyframeInterval: keyframeInterval, audio: audio)
        self.identity = identity
        self.ice = ice
    }
}
