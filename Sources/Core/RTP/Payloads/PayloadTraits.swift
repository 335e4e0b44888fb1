package import BridgeModel

/// What the first bytes of a payload tell a forwarder about the frame that it belongs to.
package struct PayloadTraits: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The packet holds the beginning of a frame (for layered codecs: of its base layer). H.264 and H.265 do not say, so it is not set for them.
    package static let beginsFrame = PayloadTraits(rawValue: 1)
    /// The frame can be decoded without any other one.
    package static let keyframe = PayloadTraits(rawValue: 2)
    /// The packet holds parameter sets or a sequence header.
    package static let parameterSets = PayloadTraits(rawValue: 4)

    /// The packet tells of a keyframe: it is part of one, or has what decoders need in front of one.
    package var tellsOfKeyframe: Bool { rawValue & 0b110 != 0 }

    /// Reads the payload descriptor of `codec`. Nil when it does not fit into `payload`; audio is never malformed, each packet begins a frame.
    package init?(codec: Codec, payload: UnsafeRawBufferPointer) {
        let traits: PayloadTraits?
        switch codec {
        case .vp8: traits = VP8Descriptor(reading: payload)?.traits(of: payload)
        case .vp9: traits = VP9Descriptor(reading: payload)?.traits(of: payload)
        case .h264: traits = H264Payload.traits(of: payload)
        case .h265: traits = H265Payload.traits(of: payload)
        case .av1: traits = AV1AggregationHeader(reading: payload)?.traits(of: payload)
        case .opus, .pcmu, .pcma, .aac: traits = .beginsFrame
        }
        guard let traits else { return nil }
        self = traits
    }
}
