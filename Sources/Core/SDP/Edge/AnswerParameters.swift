import BridgeModel

/// What stands behind `a=fmtp` in an answer.
enum AnswerParameters {
    /// Parameters of an offer that an answer repeats; the others describe the offerer's own stream (`sprop-...`) or wishes that the bridge does not meet.
    private static let repeated: [Codec: Set<String>] = [
        .h264: ["level-asymmetry-allowed", "packetization-mode", "profile-level-id"],
        .h265: ["profile-space", "profile-id", "tier-flag", "level-id", "tx-mode"],
        .vp9: ["profile-id"],
        .av1: ["profile", "level-idx", "tier"],
        .aac: ["streamtype", "profile-level-id", "mode", "config", "sizelength", "indexlength", "indexdeltalength", "constantduration"],
    ]

    /// For a publisher: the form of the codec as it was offered, and for Opus what makes it robust.
    static func toReceive(_ offered: PayloadFormat, codec: Codec) -> FormatParameters {
        guard codec == .opus else { return offered.parameters.keeping(repeated[codec] ?? []) }
        let isStereo = offered.parameters["sprop-stereo"] == "1" || offered.parameters["stereo"] == "1"
        return opus(isStereo: isStereo, marksSender: false)
    }

    /// For a viewer: the offered form, with the profile and level that the stream really has (RFC 6184 section 8.2.2, RFC 7798 section 7.2.2,
    /// RFC 9628 section 7.2, AV1 RTP section 7.2.3).
    static func toSend(_ track: OfferedTrack, as offered: PayloadFormat) -> FormatParameters {
        let codec = track.description.codec
        let stream = track.format
        guard codec != .opus else {
            return opus(isStereo: stream.parameters["sprop-stereo"] == "1" || stream.parameters["stereo"] == "1", marksSender: true)
        }
        var parameters = offered.parameters.keeping(repeated[codec] ?? [])
        switch codec {
        case .h264: parameters.set("profile-level-id", to: h264Level(of: stream, as: offered))
        case .h265: parameters.copy(["profile-id", "tier-flag", "level-id"], from: stream.parameters)
        case .vp9: parameters.copy(["profile-id"], from: stream.parameters)
        case .av1: parameters.copy(["profile", "level-idx", "tier"], from: stream.parameters)
        case .vp8, .opus, .pcmu, .pcma, .aac: break
        }
        return parameters
    }

    /// For an offer of the bridge to send: what the stream is, in the words that every receiver knows.
    static func offering(_ track: OfferedTrack) -> FormatParameters {
        let stream = track.format
        guard track.description.codec != .opus else { return toSend(track, as: stream) }
        var parameters = stream.parameters.keeping(repeated[track.description.codec] ?? [])
        if track.description.codec == .h264 { parameters.set("level-asymmetry-allowed", to: "1") }
        return parameters
    }

    /// For an offer of the bridge to receive: the form of the codec that most viewers play.
    static func wanted(_ codec: Codec) -> FormatParameters {
        switch codec {
        case .h264: FormatParameters("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
        case .h265: FormatParameters("profile-id=1;tier-flag=0;level-id=120")
        case .vp9: FormatParameters("profile-id=0")
        case .av1: FormatParameters("profile=0;level-idx=8;tier=0")
        case .opus: opus(isStereo: false, marksSender: false)
        case .vp8, .pcmu, .pcma, .aac: FormatParameters("")
        }
    }

    /// RFC 7587 section 6.1: in-band FEC always, frames of 10 ms and more, stereo where there is some to keep.
    private static func opus(isStereo: Bool, marksSender: Bool) -> FormatParameters {
        let stereo = isStereo ? (marksSender ? ";stereo=1;sprop-stereo=1" : ";stereo=1") : ""
        return FormatParameters("minptime=10;useinbandfec=1" + stereo)
    }

    /// The stream's own six digits where the viewer offered its profile; where it offered a richer one that, with the stream's level. Without level
    /// asymmetry the level is the offer's: it holds for both directions then (RFC 6184 section 8.2.2).
    private static func h264Level(of stream: PayloadFormat, as offered: PayloadFormat) -> String {
        let own = stream.parameters.profileLevelID
        let theirs = offered.parameters.profileLevelID
        guard offered.parameters["level-asymmetry-allowed"] == "1" else { return theirs }
        let profile = H264Profile(profileLevelID: own)
        let isSame = profile == nil ? own.prefix(2) == theirs.prefix(2) : profile == H264Profile(profileLevelID: theirs)
        return isSame ? own : String(theirs.prefix(4) + own.suffix(2))
    }
}

extension OfferedTrack {
    /// The track as a format, by what its packets are where that is known, else by what its publisher said.
    var format: PayloadFormat {
        var format = PayloadFormat(description)
        guard let profile, profile.codec == description.codec else { return format }
        switch profile {
        case .h264(let profile, let constraints, let level):
            format.parameters.set("profile-level-id", to: [profile, constraints, level].map(\.twoHexDigits).joined())
        case .h265(let profile):
            format.parameters.set("profile-id", to: "\(profile.profile)")
            format.parameters.set("tier-flag", to: "\(profile.tier)")
            format.parameters.set("level-id", to: "\(profile.level)")
        case .vp9(let profile): format.parameters.set("profile-id", to: "\(profile)")
        case .av1(let profile, let level, let tier):
            format.parameters.set("profile", to: "\(profile)")
            format.parameters.set("level-idx", to: "\(level)")
            format.parameters.set("tier", to: "\(tier)")
        }
        return format
    }
}

extension FormatParameters {
    /// RFC 6184 section 8.1: without the parameter the profile is Baseline at level 1.
    fileprivate var profileLevelID: String { self["profile-level-id"].map { $0.lowercased() } ?? "420010" }

    /// Only the parameters of these names (lower case), in their order.
    fileprivate func keeping(_ names: Set<String>) -> FormatParameters {
        FormatParameters(list.filter { names.contains($0.name.lowercased()) })
    }

    /// Takes over what `other` says under these names; what it does not say stays as it is.
    fileprivate mutating func copy(_ names: [String], from other: FormatParameters) {
        for name in names {
            if let value = other[name] { set(name, to: value) }
        }
    }
}

extension UInt8 {
    fileprivate var twoHexDigits: String {
        let digits = String(self, radix: 16)
        return digits.utf8.count == 2 ? digits : "0" + digits
    }
}
