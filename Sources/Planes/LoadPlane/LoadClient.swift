package import BridgeModel
package import LoadGeneration
internal import LinuxIO
internal import SDP
package import SecureTransport

/// How the peers of a run negotiate.
package struct LoadClient: Sendable {
    package var video: VideoSettings
    package var feedback: FeedbackStyle
    /// Codecs that viewers take, the preferred one first.
    package var codecs: [Codec]
    package var profiles: [ProtectionProfile]
    package var patience: Duration
    private let fingerprint: Fingerprint

    package init(
        video: VideoSettings, feedback: FeedbackStyle, profiles: [ProtectionProfile], patience: Duration, context: DTLSContext
    ) {
        self.video = video
        self.feedback = feedback
        self.profiles = profiles
        self.patience = patience
        codecs = [.h264, .vp8, .vp9, .av1]
        fingerprint = Fingerprint(algorithm: context.fingerprint.algorithm, value: context.fingerprint.value)
    }

    private static let extensionIDs: [(HeaderExtensionKind, UInt8)] = [(.mid, 1), (.transportSequence, 2)]

    /// A publisher's offer: its codec, and Opus where wanted.
    func publishingOffer() -> ClientOffer {
        var sections = [section("0", .sendonly, [video.codec], source: Self.source(withRTX: true))]
        if video.hasAudio { sections.append(section("1", .sendonly, [.opus], source: Self.source(withRTX: false))) }
        return offer(sections)
    }

    /// A viewer's offer: video in every codec that we can count keyframes of, and Opus where wanted.
    func watchingOffer() -> ClientOffer {
        var sections = [section("0", .recvonly, codecs)]
        if video.hasAudio { sections.append(section("1", .recvonly, [.opus])) }
        return offer(sections)
    }

    /// What a publisher with this answer sends. Throws `badAnswer` when the server takes no video.
    func publishingRole(_ offer: ClientOffer, _ answer: ClientAnswer) throws(JoinFailure) -> PeerPlan.Role {
        guard let video = Self.track(.video, offer, answer) else { throw .badAnswer }
        return .publisher(self.video, video: video, audio: Self.track(.audio, offer, answer))
    }

    /// What a viewer with this answer reads. Throws `badAnswer` when the server sends no video.
    func watchingRole(_ answer: ClientAnswer, stream: Int) throws(JoinFailure) -> PeerPlan.Role {
        guard answer.section(.video) != nil else { throw .badAnswer }
        return .viewer(stream: stream, tracks: answer.sections.map { ReceivedTrack($0) }, feedback: feedback)
    }

    private func offer(_ sections: [ClientOffer.Section]) -> ClientOffer {
        ClientOffer(ufrag: Self.word(8), password: Redacted(Self.word(24)), fingerprint: fingerprint, sections: sections)
    }

    private func section(
        _ mid: String, _ direction: MediaDirection, _ codecs: [Codec], source: MediaSource? = nil
    ) -> ClientOffer.Section {
        let isVideo = codecs.first?.kind == .video
        // A viewer that gives no transport-wide feedback offers none: the server would wait for it.
        let isNumbered = direction.receives && isVideo && feedback == .browser
        let asksAgain = direction.sends || feedback == .browser
        let formats = codecs.enumerated().map { index, codec in
            Self.format(codec, number: UInt8(index), asksAgain: asksAgain, isNumbered: isNumbered)
        }
        let kinds: [HeaderExtensionKind] = isNumbered ? [.mid, .transportSequence] : [.mid]
        let extensions = Self.extensionIDs.filter { kinds.contains($0.0) }.map { NegotiatedExtension(id: $0.1, kind: $0.0) }
        return ClientOffer.Section(mid: mid, direction: direction, formats: formats, extensions: extensions, source: source)
    }

    private static func format(_ codec: Codec, number: UInt8, asksAgain: Bool, isNumbered: Bool) -> NegotiatedFormat {
        guard codec.kind == .video else {
            return NegotiatedFormat(
                codec: codec, payloadType: 111, channels: 2, parameters: FormatParameters("minptime=10;useinbandfec=1"), feedback: [])
        }
        var feedback: RTCPFeedbackKinds = [.pictureLoss, .fullIntraRequest]
        if asksAgain { feedback.insert(.nack) }
        if isNumbered { feedback.insert(.transportWide) }
        let parameters =
            codec == .h264
            ? FormatParameters("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=\(H264Picture.profileLevelID)")
            : FormatParameters("")
        var format = NegotiatedFormat(codec: codec, payloadType: 96 + 2 * number, channels: 1, parameters: parameters, feedback: feedback)
        if asksAgain { format.rtxPayloadType = 97 + 2 * number }
        return format
    }

    private static func track(_ kind: MediaKind, _ offer: ClientOffer, _ answer: ClientAnswer) -> SentTrack? {
        guard let agreed = answer.section(kind), let format = agreed.formats.first,
            let source = offer.sections.first(where: { $0.mid == agreed.mid })?.source
        else { return nil }
        let rtx = format.rtxPayloadType.flatMap { type in source.rtx.map { (ssrc: $0, payloadType: type) } }
        let mid = agreed.extensions.first { $0.kind == .mid }.map { (id: $0.id, text: agreed.mid) }
        return SentTrack(ssrc: source.ssrc, payloadType: format.payloadType, rtx: rtx, mid: mid)
    }

    private static func source(withRTX: Bool) -> MediaSource {
        MediaSource(
            ssrc: UInt32.random(in: 1 ... .max), rtx: withRTX ? UInt32.random(in: 1 ... .max) : nil, cname: "load-\(word(8))")
    }

    /// ICE characters (RFC 8839 section 5.1), from the system's generator.
    private static func word(_ count: Int) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        return String((0..<count).map { _ in letters[Int.random(in: letters.indices)] })
    }
}
