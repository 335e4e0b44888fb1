import BridgeModel

/// What an H.264 stream may use, from `profile-level-id` (RFC 6184 section 8.1).
package enum H264Profile: Int, Sendable, Comparable {
    /// Constrained Baseline, and Baseline with it: WebRTC encoders that announce Baseline use none of the tools that only Baseline has.
    case constrainedBaseline = 0
    case main
    case constrainedHigh
    case high

    /// Reads the six hex digits; nil for a text that is none or for a profile that browsers do not know.
    package init?(profileLevelID text: String) {
        guard text.utf8.count == 6, text.utf8.allSatisfy({ SDPText.isAlphanumeric($0) }), let bits = UInt32(text, radix: 16) else {
            return nil
        }
        let profile = bits >> 16
        let constraints = UInt8(truncatingIfNeeded: bits >> 8)
        // RFC 6184 table 5: constraint_set1 makes Baseline and Extended streams constrained ones; set4 and set5 make High constrained.
        switch profile {
        case 0x42: self = .constrainedBaseline
        case 0x58 where constraints & 0x40 != 0: self = .constrainedBaseline
        case 0x4D: self = constraints & 0x80 != 0 ? .constrainedBaseline : .main
        case 0x64: self = constraints & 0x0C == 0x0C ? .constrainedHigh : .high
        default: return nil
        }
    }

    /// The profile of a format; RFC 6184 section 8.1: without the parameter it is Baseline.
    init?(_ parameters: FormatParameters) {
        self.init(profileLevelID: parameters["profile-level-id"] ?? "420010")
    }

    /// True when a decoder of this profile plays streams of `stream`.
    package func decodes(_ stream: H264Profile) -> Bool {
        switch (self, stream) {
        case (.main, .constrainedHigh), (.constrainedHigh, .main): false
        default: self >= stream
        }
    }

    /// From the plainest to the richest.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension PayloadFormat {
    /// `packetization-mode=1`: single NAL units, STAP-A and FU-A (RFC 6184 section 6.3).
    var isNonInterleaved: Bool { parameters["packetization-mode"] == "1" }

    /// How well a viewer that offers this format can play `source` of the same codec: nil when it cannot, else the lower the better.
    ///
    /// Levels are not compared: streams change their resolution at any time, and both sides of WebRTC allow asymmetry in practice.
    func distance(to source: PayloadFormat) -> Int? {
        switch codec {
        case .h264: h264Distance(to: source)
        case .vp9, .av1, .h265: profile == source.profile ? 0 : nil
        default: 0
        }
    }

    private func h264Distance(to source: PayloadFormat) -> Int? {
        guard let own = H264Profile(parameters), let other = H264Profile(source.parameters), own.decodes(other) else { return nil }
        // A stream in mode 1 holds FU-A packets, which a receiver of mode 0 need not understand; the other way round is a subset.
        guard isNonInterleaved || !source.isNonInterleaved else { return nil }
        return (own.rawValue - other.rawValue) * 2 + (isNonInterleaved ? 0 : 1)
    }

    /// VP9 `profile-id` (RFC 9628 section 7), AV1 `profile` (AV1 RTP section 7.2.1), H.265 `profile-id` (RFC 7798 section 7.1), with defaults.
    var profile: Int? {
        let (name, standard) = codec == .av1 ? ("profile", "0") : ("profile-id", codec == .h265 ? "1" : "0")
        return SDPText.decimal(parameters[name] ?? standard)
    }
}
