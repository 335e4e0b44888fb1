/// An RTP header extension (RFC 8285) that the edge reads or writes.
package enum HeaderExtensionKind: UInt8, Sendable, CaseIterable {
    /// The media section's identification (RFC 9143 section 15).
    case mid
    /// `rid`: the layer of a simulcast source (RFC 8852 section 3.1).
    case streamID
    /// `repaired-rid`: the layer that an RTX packet repairs (RFC 8852 section 3.2).
    case repairedStreamID
    /// 24-bit send time, what receivers that answer with REMB measure by.
    case absoluteSendTime
    /// Transport-wide sequence numbers (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    case transportSequence
    /// Level of a client's audio (RFC 6464).
    case audioLevel
    /// Coordination of video orientation (3GPP TS 26.114 section 7.4.5).
    case videoOrientation
    /// NTP time of capture, kept by whatever forwards the packet.
    case absoluteCaptureTime
    /// The AV1 dependency descriptor (AV1 RTP specification, appendix A).
    case dependencyDescriptor

    /// The name in `a=extmap`.
    package var uri: String {
        switch self {
        case .mid: "urn:ietf:params:rtp-hdrext:sdes:mid"
        case .streamID: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
        case .repairedStreamID: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
        case .absoluteSendTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
        case .transportSequence: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
        case .audioLevel: "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
        case .videoOrientation: "urn:3gpp:video-orientation"
        case .absoluteCaptureTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
        case .dependencyDescriptor: "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
        }
    }

    /// The kind of this name; nil for an extension that the edge does not know.
    package init?(uri: some StringProtocol) {
        guard let kind = Self.allCases.first(where: { $0.uri == uri }) else { return nil }
        self = kind
    }
}

/// RTCP feedback that both sides of a section agreed on (`a=rtcp-fb`).
package struct RTCPFeedbackKinds: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `nack`: lost packets are asked for (RFC 4585 section 6.2.1).
    package static let nack = RTCPFeedbackKinds(rawValue: 1)
    /// `nack pli`: picture loss indication (RFC 4585 section 6.3.1).
    package static let pictureLoss = RTCPFeedbackKinds(rawValue: 2)
    /// `ccm fir`: full intra request (RFC 5104 section 4.3.1).
    package static let fullIntraRequest = RTCPFeedbackKinds(rawValue: 4)
    /// `goog-remb`: receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03).
    package static let receiverEstimate = RTCPFeedbackKinds(rawValue: 8)
    /// `transport-cc`: transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    package static let transportWide = RTCPFeedbackKinds(rawValue: 16)

    /// All that the edge can do.
    package static let all: RTCPFeedbackKinds = [.nack, .pictureLoss, .fullIntraRequest, .receiverEstimate, .transportWide]
}

/// What a video stream really asks of its decoder, read from its parameter sets or sequence header; the text of an offer may promise something else.
package enum CodecProfile: Sendable, Hashable, Codable {
    /// `profile_idc`, the byte of constraint flags behind it and `level_idc` of the SPS (H.264 section 7.4.2.1.1).
    case h264(profile: UInt8, constraints: UInt8, level: UInt8)
    /// `profile_tier_level` of the SPS (H.265 section 7.3.3).
    case h265(H265ProfileTierLevel)
    /// `profile` 0...3 of the uncompressed header (VP9 bitstream specification section 6.2).
    case vp9(profile: UInt8)
    /// `seq_profile`, `seq_level_idx[0]` and `seq_tier[0]` of the sequence header (AV1 bitstream specification section 5.5.1).
    case av1(profile: UInt8, level: UInt8, tier: UInt8)

    /// The codec that it is a profile of.
    package var codec: Codec {
        switch self {
        case .h264: .h264
        case .h265: .h265
        case .vp9: .vp9
        case .av1: .av1
        }
    }
}

/// The general part of H.265's `profile_tier_level` (H.265 section 7.3.3), as RFC 7798 section 7.1 names it in SDP.
package struct H265ProfileTierLevel: Sendable, Hashable, Codable {
    /// `general_profile_space`, 0...3.
    package var profileSpace: UInt8
    /// `general_tier_flag`: 0 main, 1 high.
    package var tier: UInt8
    /// `general_profile_idc`, 0...31.
    package var profile: UInt8
    /// `general_level_idc`: thirty times the level.
    package var level: UInt8

    package init(profileSpace: UInt8 = 0, tier: UInt8 = 0, profile: UInt8, level: UInt8) {
        self.profileSpace = profileSpace
        self.tier = tier
        self.profile = profile
        self.level = level
    }
}

/// Width and height of a picture in pixels as it is shown (cropping applied).
package struct PictureSize: Sendable, Hashable {
    package var width: UInt32
    package var height: UInt32

    package init(width: UInt32, height: UInt32) {
        self.width = width
        self.height = height
    }
}
