/// H.264 payloads: single NAL unit, STAP-A and FU-A (RFC 6184 section 5.2).
package enum H264Payload {
    private enum NALType {
        static let idrSlice: UInt8 = 5
        static let sequenceParameterSet: UInt8 = 7
        static let pictureParameterSet: UInt8 = 8
        static let stapA: UInt8 = 24
        static let fuA: UInt8 = 28
    }

    /// Whether the packet holds an IDR slice or parameter sets. Nil for an empty or cut payload and for the types of the interleaved mode
    /// (25...27, 29), which WebRTC does not use (RFC 7742 section 6.2).
    package static func traits(of payload: UnsafeRawBufferPointer) -> PayloadTraits? {
        guard let header = payload.first else { return nil }
        switch header & 0x1F {
        case 1...23: return traits(ofUnit: header)
        case NALType.stapA: return traits(ofAggregate: payload)
        case NALType.fuA:
            // FU indicator, FU header with the unit's type, and at least one byte of it. Each fragment of an IDR slice says that it is one.
            guard payload.count > 2 else { return nil }
            return traits(ofUnit: payload[1])
        default: return nil
        }
    }

    private static func traits(ofUnit header: UInt8) -> PayloadTraits {
        switch header & 0x1F {
        case NALType.idrSlice: .keyframe
        case NALType.sequenceParameterSet, NALType.pictureParameterSet: .parameterSets
        default: []
        }
    }

    /// Units with a 16-bit size each (section 5.7.1).
    private static func traits(ofAggregate payload: UnsafeRawBufferPointer) -> PayloadTraits? {
        var traits: PayloadTraits = []
        var offset = 1
        while offset < payload.count {
            guard payload.count >= offset + 2 else { return nil }
            let size = Int(payload.uint16(at: offset))
            guard size > 0, payload.count >= offset + 2 + size else { return nil }
            traits.formUnion(Self.traits(ofUnit: payload[offset + 2]))
            offset += 2 + size
        }
        return offset > 1 ? traits : nil
    }
}
