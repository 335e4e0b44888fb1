package import BridgeModel
package import RTP

/// What one viewer negotiated for one track that it watches.
package struct EgressTrackParameters: Sendable, Equatable {
    /// The stream's codec, which passes unchanged.
    package var codec: Codec
    /// The cache's tracks that carry the same picture, the smallest encoding first; one for audio and without simulcast, at most four. The cache has
    /// to know them all (`GOPCache.grow`).
    package var encodings: [UInt8]
    /// The one of them that the track keeps, whatever becomes of the others when the publisher is replaced.
    package var mainEncoding: UInt8
    /// What the viewer was told in its answer.
    package var payloadType: UInt8
    /// The source that the viewer sees, whatever the publisher's is.
    package var ssrc: UInt32
    /// Nil when retransmissions are the same packet again.
    package var retransmission: RetransmissionFormat?
    /// Whether the viewer may ask for packets again (`nack`).
    package var answersNACK: Bool
    /// Ids of the header extensions that the viewer understands.
    package var extensions: ExtensionMap
    /// The highest spatial layer of an encoding that the viewer can put together with those below. `UInt8.max`: whatever there is.
    package var highestSpatialLayer = UInt8.max
    /// Ids of those in the cached packets: what the publisher negotiated.
    package var sourceExtensions: ExtensionMap
    /// The viewer's media section, written until the viewer has reported on the track, if the extension was negotiated.
    package var mid: ExtensionToken?

    package init(
        codec: Codec, encodings: [UInt8], payloadType: UInt8, ssrc: UInt32, extensions: ExtensionMap = ExtensionMap()
    ) {
        self.codec = codec
        self.encodings = encodings
        mainEncoding = encodings.last ?? 0
        self.payloadType = payloadType
        self.ssrc = ssrc
        self.extensions = extensions
        sourceExtensions = ExtensionMap()
        retransmission = nil
        answersNACK = codec.kind == .video
    }
}

extension EgressTrackParameters {
    /// Whether the viewer will say how much its path takes: transport-wide feedback, or REMB, which goes by send times.
    package var reportsBandwidth: Bool { extensions[.transportSequence] != nil || extensions[.absoluteSendTime] != nil }
}

/// A retransmission stream (RFC 4588) of a viewer's track.
package struct RetransmissionFormat: Sendable, Equatable {
    package var payloadType: UInt8
    package var ssrc: UInt32

    package init(payloadType: UInt8, ssrc: UInt32) {
        self.payloadType = payloadType
        self.ssrc = ssrc
    }
}

/// What one viewer negotiated for its connection.
package struct EgressViewerParameters: Sendable, Equatable {
    package var tracks: [EgressTrackParameters]
    /// RTCP's canonical name: binds the tracks together for lip sync (RFC 3550 section 6.5.1); at most 64 bytes are written.
    package var canonicalName: String
    package var rules: EgressViewerRules

    package init(tracks: [EgressTrackParameters], canonicalName: String, rules: EgressViewerRules = EgressViewerRules()) {
        self.tracks = tracks
        self.canonicalName = canonicalName
        self.rules = rules
    }
}

/// Limits of one viewer.
package struct EgressViewerRules: Sendable, Equatable {
    /// When it starts from the cached GOP, and when it has fallen too far behind.
    package var join: EgressTrack.Rules
    /// What is sent before the first feedback tells more, in bits a second.
    package var startBitrate: Int64
    /// Nothing above this is ever estimated or probed for, in bits a second.
    package var maximumBitrate: Int64

    package init(
        join: EgressTrack.Rules = EgressTrack.Rules(keyframeWait: .zero), startBitrate: Int64 = 3_000_000,
        maximumBitrate: Int64 = 50_000_000
    ) {
        self.join = join
        self.startBitrate = startBitrate
        self.maximumBitrate = maximumBitrate
    }
}
