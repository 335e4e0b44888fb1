/// The RTP header extensions that the bridge reads or writes.
package enum HeaderExtensionKind: UInt8, Sendable, CaseIterable {
    /// The media section that a packet belongs to (RFC 8843 section 15).
    case mid
    /// The simulcast layer of a media packet (RFC 8852 section 3.1).
    case rid
    /// The layer that a retransmission repairs (RFC 8852 section 3.2).
    case repairedRID
    /// When the packet left its sender, 24 bits of 6.18 fixed-point seconds.
    case absoluteSendTime
    /// The packet's place among all of a transport (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2).
    case transportSequence
    /// The audio level of a client (RFC 6464).
    case audioLevel
    /// Coordination of video orientation (3GPP TS 26.114 section 7.4.5).
    case videoOrientation
    /// When the frame was captured, by the clock of its first sender.
    case absoluteCaptureTime
    /// The frame's place among the layers of an AV1 stream (AV1 RTP specification, appendix A).
    case dependencyDescriptor

    /// The URI that names the extension in `a=extmap`.
    package var uri: String {
        switch self {
        case .mid: "urn:ietf:params:rtp-hdrext:sdes:mid"
        case .rid: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
        case .repairedRID: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
        case .absoluteSendTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
        case .transportSequence: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
        case .audioLevel: "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
        case .videoOrientation: "urn:3gpp:video-orientation"
        case .absoluteCaptureTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
        case .dependencyDescriptor:
            "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
        }
    }

    /// The extension of this URI; nil for one that the bridge does not know.
    package init?(uri: some StringProtocol) {
        guard let kind = Self.allCases.first(where: { $0.uri == uri }) else { return nil }
        self = kind
    }

    /// Whether a forwarder hands the value on as it is. The others speak of one hop or one transport, and are written anew for each viewer.
    package var isEndToEnd: Bool {
        switch self {
        case .audioLevel, .videoOrientation, .absoluteCaptureTime, .dependencyDescriptor: true
        case .mid, .rid, .repairedRID, .absoluteSendTime, .transportSequence: false
        }
    }
}
