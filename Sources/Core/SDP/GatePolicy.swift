import BridgeModel

/// What the gate lets through. The defaults are the contract's.
package struct GatePolicy: Sendable, Equatable {
    /// Accept H.265 from publishers that offer it (few browsers can play it).
    package var allowsH265: Bool
    /// Let publishers get transport-wide congestion control feedback: without it browsers start at 300 kbit/s and climb slowly.
    package var allowsTransportFeedback: Bool
    /// Video sections of a publisher that are accepted; the rest get port 0 (Eyeson contract sections 6.3 and 10).
    package var videoSections: Int
    /// Audio sections of a publisher that are accepted.
    package var audioSections: Int

    package init(allowsH265: Bool = false, allowsTransportFeedback: Bool = true, videoSections: Int = 3, audioSections: Int = 1) {
        self.allowsH265 = allowsH265
        self.allowsTransportFeedback = allowsTransportFeedback
        self.videoSections = videoSections
        self.audioSections = audioSections
    }

    /// Whether a publisher may send this codec.
    func accepts(_ codec: Codec) -> Bool {
        switch codec {
        case .vp8, .vp9, .av1, .h264, .opus: true
        case .h265: allowsH265
        // Of AAC webrtcbin would have to be told the format of; the edge takes it.
        case .pcmu, .pcma, .aac: false
        }
    }

    /// How many sections of a kind a publisher gets.
    func limit(of kind: MediaKind) -> Int { kind == .video ? videoSections : audioSections }

    /// The feedback that the engine honours, out of what was offered. NACK for video only: webrtcbin would make RTX of Opus, which Chromium rejects.
    func feedback(_ offered: [String], for kind: MediaKind, direction: MediaDirection) -> [String] {
        offered.filter { item in
            switch item {
            case "nack", "nack pli", "ccm fir": kind == .video
            case "transport-cc": direction == .recvonly && allowsTransportFeedback
            default: false
            }
        }
    }
}

/// One `a=extmap` (RFC 8285 section 8) in both directions.
package struct HeaderExtension: Sendable, Equatable {
    /// 1...14, so that one-byte headers can carry it.
    package var id: UInt8
    /// Names the extension.
    package var uri: String

    /// The section's identification: tells bundled sections apart (RFC 9143 section 15).
    package static let mid = "urn:ietf:params:rtp-hdrext:sdes:mid"
    /// Transport-wide sequence numbers (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    package static let transportSequence = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

    /// Reads an attribute's value; nil when it is malformed, has a direction, or an id outside the one-byte range.
    init?(_ value: String) {
        let words = SDPText.words(value)
        guard words.count >= 2, let id = SDPText.decimal(words[0], as: UInt8.self), (1...14).contains(id) else { return nil }
        self.id = id
        self.uri = String(words[1])
    }

    var attribute: SDPAttribute { SDPAttribute("extmap", "\(id) \(uri)") }
}
