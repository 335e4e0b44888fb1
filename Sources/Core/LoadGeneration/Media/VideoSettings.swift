package import BridgeModel

/// What a publisher sends.
package struct VideoSettings: Sendable, Equatable {
    /// `h264` or `vp8`.
    package var codec: Codec
    /// Bits a second of RTP packets, headers included; what SRTP adds is not counted.
    package var bitrate: Int
    package var framesPerSecond: Int
    /// Between keyframes that nobody asked for.
    package var keyframeInterval: Duration
    /// Bytes of an RTP packet.
    package var packetBytes: Int
    /// The part of a frame's time over which its packets are spread, 0...1; 0 sends each frame at once.
    package var pace: Double
    /// Opus beside the video: 20 ms of silence a packet.
    package var hasAudio: Bool

    package init(
        codec: Codec = .h264, bitrate: Int = 2_000_000, framesPerSecond: Int = 30, keyframeInterval: Duration = .seconds(2),
        hasAudio: Bool = false
    ) {
        self.codec = codec
        self.bitrate = bitrate
        self.framesPerSecond = framesPerSecond
        self.keyframeInterval = keyframeInterval
        self.hasAudio = hasAudio
        packetBytes = 1200
        pace = 0.4
    }

    /// Keyframes are so many times as long as other frames.
    private static let keyframeWeight = 4.0

    /// The time from frame to frame.
    package var frameInterval: Duration { .nanoseconds(1_000_000_000 / Int64(max(1, framesPerSecond))) }

    /// Bytes of a frame, such that a GOP with one keyframe keeps the bit rate.
    func frameBytes(isKeyframe: Bool) -> Double {
        let mean = Double(bitrate) / 8 / Double(max(1, framesPerSecond))
        let frames = max(1, Double(keyframeInterval.wholeMilliseconds) / 1000 * Double(framesPerSecond))
        let other = mean * frames / (frames + Self.keyframeWeight - 1)
        return isKeyframe ? other * Self.keyframeWeight : other
    }
}

/// What a track is sent as: numbers of its own and those that the server agreed to.
package struct SentTrack: Sendable, Equatable {
    package var ssrc: UInt32
    package var payloadType: UInt8
    /// Nil: packets are sent again as they were.
    package var rtx: (ssrc: UInt32, payloadType: UInt8)?
    /// The header extension that says which section a packet is of; nil where it was not agreed on.
    package var mid: (id: UInt8, text: String)?

    package init(ssrc: UInt32, payloadType: UInt8, rtx: (ssrc: UInt32, payloadType: UInt8)? = nil, mid: (id: UInt8, text: String)? = nil) {
        self.ssrc = ssrc
        self.payloadType = payloadType
        self.rtx = rtx
        self.mid = mid
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.ssrc == right.ssrc && left.payloadType == right.payloadType && left.rtx?.ssrc == right.rtx?.ssrc
            && left.rtx?.payloadType == right.rtx?.payloadType && left.mid?.id == right.mid?.id && left.mid?.text == right.mid?.text
    }
}
