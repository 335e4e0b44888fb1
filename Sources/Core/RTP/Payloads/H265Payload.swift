/// H.265 payloads: single NAL unit, aggregation packet and fragmentation unit (RFC 7798 section 4.4), without decoding order numbers.
package enum H265Payload {
    private enum NALType {
        /// BLA, IDR and CRA pictures and the reserved ones of their kind: intra random access points (H.265 table 7-1).
        static let randomAccess: ClosedRange<UInt8> = 16...23
        /// VPS, SPS and PPS.
        static let parameterSets: ClosedRange<UInt8> = 32...34
        static let aggregation: UInt8 = 48
        static let fragmentation: UInt8 = 49
        /// The highest type of a unit that stands alone (RFC 7798 section 4.4).
        static let lastSingle: UInt8 = 47
    }

    /// Bytes of a NAL unit's header (section 1.1.4).
    private static let headerSize = 2

    /// Whether the packet holds a random access picture or parameter sets. Nil for a cut payload, and for PACI packets (50) and reserved types.
    package static func traits(of payload: UnsafeRawBufferPointer) -> PayloadTraits? {
        guard payload.count > headerSize else { return nil }
        let type = payload[0] >> 1 & 0x3F
        switch type {
        case ...NALType.lastSingle: return traits(ofType: type)
        case NALType.aggregation: return traits(ofAggregate: payload)
        case NALType.fragmentation:
            // Payload header, FU header with the unit's type, and at least one byte of it.
            guard payload.count > headerSize + 1 else { return nil }
            return traits(ofType: payload[headerSize] & 0x3F)
        default: return nil
        }
    }

    private static func traits(ofType type: UInt8) -> PayloadTraits {
        if NALType.randomAccess.contains(type) { return .keyframe }
        return NALType.parameterSets.contains(type) ? .parameterSets : []
    }

    /// Units with a 16-bit size each (section 4.4.2).
    private static func traits(ofAggregate payload: UnsafeRawBufferPointer) -> PayloadTraits? {
        var traits: PayloadTraits = []
        var offset = headerSize
        while offset < payload.count {
            guard payload.count >= offset + 2 else { return nil }
            let size = Int(payload.uint16(at: offset))
            guard size >= headerSize, payload.count >= offset + 2 + size else { return nil }
            traits.formUnion(Self.traits(ofType: payload[offset + 2] >> 1 & 0x3F))
            offset += 2 + size
        }
        return traits
    }
}
