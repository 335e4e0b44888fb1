package import BridgeModel

/// What the edge takes from publishers and gives to viewers.
package struct NegotiationPolicy: Sendable, Equatable {
    /// Who decides among the codecs that both sides know.
    package enum Preference: Sendable, Equatable {
        /// The offer's order: the publisher knows what it encodes well.
        case offer
        /// The order of `codecs`.
        case bridge
    }

    /// Codecs of publishers, for `.bridge` the best first.
    package var codecs: [Codec] = [.h264, .vp8, .vp9, .av1, .h265, .opus, .pcmu, .pcma, .aac]
    /// Who decides among them.
    package var preference = Preference.offer
    /// Codecs that few browsers play, or none: taken only from publishers that offer nothing else of the policy.
    package var lastResorts: Set<Codec> = [.h265, .aac]
    /// Header extensions that are agreed on where the peer offers them; the dependency descriptor for AV1 alone.
    package var extensions = Set(HeaderExtensionKind.allCases)
    /// Feedback that is agreed on where the peer offers it. `receiverEstimate` is for those who have no `transportWide`.
    package var feedback = RTCPFeedbackKinds.all
    /// Take simulcast; without it a publisher sends one layer.
    package var allowsSimulcast = true
    /// Layers of a simulcast source; the ones after them in the offer are refused.
    package var simulcastLayers = 4
    /// Take RED and ULPFEC from publishers. The packets go through unchanged, so that recorders and viewers would have to know them too.
    package var allowsRedundancy = false
    /// Use header ids above 14 where the peer can mix one-byte and two-byte headers (RFC 8285 section 4.1.2).
    package var allowsTwoByteExtensions = true
    /// Video sections of a publisher that are taken; the rest get port 0.
    package var videoSections = 3
    /// Audio sections of a publisher that are taken.
    package var audioSections = 1
    /// Our role where the peer leaves it to us. `passive` spares a server the first flight to peers that never come.
    package var dtlsRole = DTLSSetup.passive

    package init() {}

    /// How many sections of a kind a publisher gets.
    func limit(of kind: MediaKind) -> Int { kind == .video ? videoSections : audioSections }
}

/// A track of a stream as it is given to viewers.
package struct OfferedTrack: Sendable, Equatable {
    /// As its publisher announced it.
    package var description: TrackDescription
    /// As its packets really are; nil as long as no parameter set or keyframe was seen.
    package var profile: CodecProfile?
    /// How the viewer names stream and track; nil: one name for all tracks of the viewer.
    package var identity: StreamIdentity?

    package init(_ description: TrackDescription, profile: CodecProfile? = nil, identity: StreamIdentity? = nil) {
        self.description = description
        self.profile = profile
        self.identity = identity
    }
}
