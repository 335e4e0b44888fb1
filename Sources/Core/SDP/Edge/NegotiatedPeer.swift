package import BridgeModel

/// What an offer and its answer settled, as values for the engine that carries the media. Directions and roles are seen from the bridge.
package struct NegotiatedPeer: Sendable, Equatable {
    /// How to reach the peer and what it must prove.
    package var remote: RemotePeer
    /// Our side of the DTLS handshake: `active` begins it, `passive` waits; never `actpass`.
    package var dtlsRole: DTLSSetup
    /// Sections that are part of the transport, in the description's order; those that were refused are not here.
    package var sections: [NegotiatedSection]
    /// Indices of tracks that this viewer asked for the kind of, but cannot decode; empty for publishers.
    package var undecodableTracks: [UInt8] = []

    package init(remote: RemotePeer, dtlsRole: DTLSSetup, sections: [NegotiatedSection]) {
        self.remote = remote
        self.dtlsRole = dtlsRole
        self.sections = sections
    }

    /// The section of this mid.
    package func section(mid: String) -> NegotiatedSection? { sections.first { $0.mid == mid } }
}

/// What the peer's description says about its transport (RFC 8839, RFC 8842, RFC 8122).
package struct RemotePeer: Sendable, Equatable {
    /// 4 to 256 ICE characters.
    package var ufrag: String
    /// 22 to 256 ICE characters.
    package var password: Redacted<String>
    /// SHA-256, SHA-384 and SHA-512 digests of certificates, at least one; the peer's certificate must match one of them.
    package var fingerprints: [Fingerprint]
    /// What it said in `a=setup`.
    package var setup: DTLSSetup
    /// Usable UDP candidates that stood in the description, at most 64. A lite agent does not check them.
    package var candidates: [Candidate] = []
    /// `a=ice-options`.
    package var options: ICEOptions = []
    /// `a=end-of-candidates` stood in the description.
    package var hasEndedCandidates = false

    package init(ufrag: String, password: Redacted<String>, fingerprints: [Fingerprint], setup: DTLSSetup) {
        self.ufrag = ufrag
        self.password = password
        self.fingerprints = fingerprints
        self.setup = setup
    }

    /// Whether this description restarts ICE with regard to an earlier one of the same peer (RFC 8839 section 4.4.3.1.1).
    package func restartsICE(of earlier: RemotePeer) -> Bool {
        ufrag != earlier.ufrag || password != earlier.password
    }
}

/// `a=ice-options` (RFC 8839 section 5.6); what is not known is not kept.
package struct ICEOptions: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Candidates may follow (RFC 8838).
    package static let trickle = ICEOptions(rawValue: 1)
    /// RFC 8445 rather than RFC 5245 (RFC 8445 section 10).
    package static let ice2 = ICEOptions(rawValue: 2)
    /// The controlling side may nominate again (draft-thatcher-ice-renomination).
    package static let renomination = ICEOptions(rawValue: 4)

    /// In the order in which they are printed.
    static let names: [(ICEOptions, String)] = [(.ice2, "ice2"), (.trickle, "trickle"), (.renomination, "renomination")]
}

/// One section of the transport.
package struct NegotiatedSection: Sendable, Equatable {
    /// Its identification on the wire; for a description without mids the section's number as text, which the answer does not print.
    package var mid: String
    /// Its place among the `m=` lines, from 0.
    package var index: Int
    /// Audio or video.
    package var kind: MediaKind
    /// `recvonly` from publishers, `sendonly` to viewers; `inactive`: no media, the section only keeps its place.
    package var direction: MediaDirection
    /// The one format of the section's media with what belongs to it.
    package var format: NegotiatedFormat
    /// Extensions by their ids; each id and each kind once. Ids above 14 need two-byte headers (RFC 8285 section 4.3).
    package var extensions: [NegotiatedExtension] = []
    /// One-byte and two-byte headers may follow each other (`a=extmap-allow-mixed`, RFC 8285 section 6).
    package var mixesExtensionForms = false
    /// `a=rtcp-rsize`: RTCP packets need not be compound (RFC 5506).
    package var usesReducedSizeRTCP = false
    /// The peer's sources as it announces them: one for a plain section, one a layer for simulcast by SSRC (Chrome's `SIM` group), lowest
    /// layer first. Empty when the peer announces none (simulcast by rid) and for sections that we send in.
    package var remoteSources: [MediaSource] = []
    /// Layers of simulcast by rid in the peer's order; empty without.
    package var layers: [SimulcastLayer] = []
    /// The offer wrote `rid=` in front of the list, as drafts of RFC 8853 had it and Firefox before version 63 still does; so must the answer.
    var usesDraftSimulcast = false
    /// The stream and track names of the sender (`a=msid`), where it gives them.
    package var streamIdentity: StreamIdentity?
    /// `TrackDescription.index` of the track that a viewer gets here; nil where we receive.
    package var trackIndex: UInt8?
    /// What we send with; to be set before the answer of a viewer is made, see `NegotiatedPeer.assignSources`.
    package var localSource: MediaSource?

    package init(mid: String, index: Int, direction: MediaDirection, format: NegotiatedFormat) {
        self.mid = mid
        self.index = index
        kind = format.codec.kind
        self.direction = direction
        self.format = format
    }

    /// Whether a viewer can put a picture together from several spatial layers. AV1's payload does not tell them apart: receivers without the
    /// dependency descriptor take each for a picture of its own, and browsers then decode none.
    package var takesSpatialLayers: Bool { format.codec != .av1 || id(of: .dependencyDescriptor) != nil }

    /// Whether the dependency descriptor may come with this format. The other codecs tell their layers in the payload, and its numbers are rewritten
    /// there. A viewer gets the structure of a keyframe, which is too long for the one-byte form.
    func mayDescribeDependencies(of format: NegotiatedFormat) -> Bool {
        format.codec == .av1 && (direction.receives || mixesExtensionForms)
    }

    /// The negotiated id of an extension; nil when it may not be sent here.
    package func id(of kind: HeaderExtensionKind) -> UInt8? { extensions.first { $0.kind == kind }?.id }
}

/// A codec as both sides agreed on it.
package struct NegotiatedFormat: Sendable, Equatable {
    /// What the payload holds.
    package var codec: Codec
    /// The offerer's number for it.
    package var payloadType: UInt8
    /// RTP clock rate, Hz.
    package var clockRate: UInt32
    /// Audio channels; 1 for video.
    package var channels: UInt8
    /// The parameters that stand in the answer.
    package var parameters: FormatParameters
    /// Both sides' feedback; `transportWide` and its header extension are only here together.
    package var feedback: RTCPFeedbackKinds
    /// The payload type of its retransmissions (RFC 4588).
    package var rtxPayloadType: UInt8?
    /// RED around this format (RFC 2198) and the FEC inside (RFC 5109), where the policy takes them.
    package var redundancy: Redundancy?

    /// `clockRate` is the codec's own where nothing is said.
    package init(
        codec: Codec, payloadType: UInt8, clockRate: UInt32? = nil, channels: UInt8, parameters: FormatParameters,
        feedback: RTCPFeedbackKinds
    ) {
        self.codec = codec
        self.payloadType = payloadType
        self.clockRate = clockRate ?? codec.clockRate
        self.channels = channels
        self.parameters = parameters
        self.feedback = feedback
    }

    /// Payload types that wrap or protect the format.
    package struct Redundancy: Sendable, Equatable {
        /// `red`.
        package var red: UInt8
        /// The payload type of the retransmissions of `red`.
        package var redRTX: UInt8?
        /// `ulpfec`, carried inside RED; nil for audio.
        package var ulpfec: UInt8?

        package init(red: UInt8, redRTX: UInt8? = nil, ulpfec: UInt8? = nil) {
            self.red = red
            self.redRTX = redRTX
            self.ulpfec = ulpfec
        }
    }
}

/// A header extension and its id (`a=extmap`).
package struct NegotiatedExtension: Sendable, Hashable {
    /// 1...14, or 1...255 without 15 where two-byte headers were agreed on.
    package var id: UInt8
    /// What it is.
    package var kind: HeaderExtensionKind
    /// The direction behind the offer's id, where it has one; the answer must turn it round.
    var offeredDirection: MediaDirection?

    package init(id: UInt8, kind: HeaderExtensionKind) {
        self.id = id
        self.kind = kind
    }
}

/// SSRCs of one encoding (RFC 5576).
package struct MediaSource: Sendable, Hashable {
    /// Of the media, never 0.
    package var ssrc: UInt32
    /// Of its retransmissions (`FID`).
    package var rtx: UInt32?
    /// Of its FlexFEC (`FEC-FR`): known so that such packets are told apart, never answered.
    package var fec: UInt32?
    /// RTCP's canonical name, where it is told.
    package var cname: String?

    package init(ssrc: UInt32, rtx: UInt32? = nil, fec: UInt32? = nil, cname: String? = nil) {
        self.ssrc = ssrc
        self.rtx = rtx
        self.fec = fec
        self.cname = cname
    }
}

/// A layer of simulcast (`a=rid` with `a=simulcast`, RFC 8851 and RFC 8853).
package struct SimulcastLayer: Sendable, Hashable {
    /// 1 to 16 letters and digits on the wire.
    package var rid: String
    /// Marked `~`: the sender does not send it at first.
    package var isPaused: Bool
    /// `max-width` and `max-height`, where given.
    package var largest: PictureSize?
    /// `max-br` in bits a second, where given.
    package var maximumBitrate: UInt64?

    package init(rid: String, isPaused: Bool = false, largest: PictureSize? = nil, maximumBitrate: UInt64? = nil) {
        self.rid = rid
        self.isPaused = isPaused
        self.largest = largest
        self.maximumBitrate = maximumBitrate
    }
}

/// `a=msid` (RFC 8830).
package struct StreamIdentity: Sendable, Hashable {
    /// The media stream; `-` for none.
    package var stream: String
    /// The track in it, where given.
    package var track: String?

    package init(stream: String, track: String? = nil) {
        self.stream = stream
        self.track = track
    }
}
