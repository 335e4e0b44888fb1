package import BridgeModel
package import RTP

/// What one publisher negotiated for its connection.
package struct IngressParameters: Sendable, Equatable {
    /// In the order of the stream's tracks.
    package var tracks: [IngressTrackParameters]
    /// One map for the whole transport (RFC 8843 section 9.1).
    package var extensions: ExtensionMap
    /// The source of the RTCP that we send.
    package var localSSRC: UInt32
    /// RTCP's canonical name of the bridge; never longer than 255 bytes.
    package var canonicalName: String
    /// Feedback may come without a report in front (RFC 5506).
    package var usesReducedSizeRTCP: Bool
    package var rules: IngressRules

    package init(
        tracks: [IngressTrackParameters], extensions: ExtensionMap, localSSRC: UInt32, canonicalName: String,
        usesReducedSizeRTCP: Bool = true
    ) {
        self.tracks = tracks
        self.extensions = extensions
        self.localSSRC = localSSRC
        self.canonicalName = canonicalName
        self.usesReducedSizeRTCP = usesReducedSizeRTCP
        rules = IngressRules()
    }
}

/// One track as it is published: a codec, and an encoding or several (simulcast).
package struct IngressTrackParameters: Sendable, Equatable {
    package var codec: Codec
    /// Nil when the section has no identification on the wire.
    package var mid: ExtensionToken?
    package var payloadType: UInt8
    /// RTP clock rate, Hz.
    package var clockRate: UInt32
    /// Of the retransmissions (RFC 4588).
    package var rtxPayloadType: UInt8?
    /// Passed through around or beside the media (RFC 2198, RFC 5109).
    package var redundancy: RedundancyFormat?
    /// What we may ask the publisher for.
    package var feedback: RTCPFeedbackKinds
    /// At least one; in ascending quality.
    package var encodings: [IngressEncodingParameters]

    /// `clockRate` is the codec's own where nothing is said.
    package init(
        codec: Codec, mid: ExtensionToken? = nil, payloadType: UInt8, clockRate: UInt32? = nil, rtxPayloadType: UInt8? = nil,
        feedback: RTCPFeedbackKinds = [], encodings: [IngressEncodingParameters] = [IngressEncodingParameters()]
    ) {
        self.codec = codec
        self.mid = mid
        self.payloadType = payloadType
        self.clockRate = clockRate ?? codec.clockRate
        self.rtxPayloadType = rtxPayloadType
        self.feedback = feedback
        self.encodings = encodings
    }
}

/// Payload types of RED and of the FEC inside it.
package struct RedundancyFormat: Sendable, Equatable {
    package var red: UInt8
    /// Retransmissions of `red`.
    package var redRTX: UInt8?
    package var ulpfec: UInt8?

    package init(red: UInt8, redRTX: UInt8? = nil, ulpfec: UInt8? = nil) {
        self.red = red
        self.redRTX = redRTX
        self.ulpfec = ulpfec
    }
}

/// One encoding of a track: known by its SSRC, by its RID, or, where it is the only one, by its track.
package struct IngressEncodingParameters: Sendable, Equatable {
    package var rid: ExtensionToken?
    /// As announced (RFC 5576); nil when the publisher does not tell.
    package var ssrc: UInt32?
    /// Of its retransmissions.
    package var rtxSSRC: UInt32?

    package init(rid: ExtensionToken? = nil, ssrc: UInt32? = nil, rtxSSRC: UInt32? = nil) {
        self.rid = rid
        self.ssrc = ssrc
        self.rtxSSRC = rtxSSRC
    }
}

/// Times of the receiving side.
package struct IngressRules: Sendable, Equatable {
    /// Between receiver reports. A second is what the browsers do; RFC 4585 section 3.4 lets feedback profiles go below five.
    package var reportInterval: Duration
    /// Between keyframe requests to one encoding.
    package var keyframeInterval: Duration
    /// What a round trip is taken for until retransmissions have measured it.
    package var initialRoundTrip: Duration
    /// The most that the publisher is ever told to send by REMB, in bits a second.
    package var maximumEstimate: Int64

    package init(
        reportInterval: Duration = .seconds(1), keyframeInterval: Duration = .milliseconds(500),
        initialRoundTrip: Duration = .milliseconds(100), maximumEstimate: Int64 = 50_000_000
    ) {
        self.reportInterval = reportInterval
        self.keyframeInterval = keyframeInterval
        self.initialRoundTrip = initialRoundTrip
        self.maximumEstimate = maximumEstimate
    }
}
