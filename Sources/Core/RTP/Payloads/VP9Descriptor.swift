/// The VP9 payload descriptor (RFC 9628 section 4.2).
package struct VP9Descriptor: Equatable, Sendable {
    /// P: the picture needs an earlier one.
    package var isInterPicturePredicted = false
    /// B: the packet begins a frame (of one spatial layer).
    package var beginsFrame = false
    /// E: the packet ends a frame (of one spatial layer).
    package var endsFrame = false
    /// 7 or 15 bits.
    package var pictureID: UInt16?
    /// 1 or 2; 0 without a picture id.
    package var pictureIDSize: UInt8 = 0
    /// L: the packet tells of its layer.
    package var hasLayers = false
    /// 0 when the stream has no layers.
    package var temporalLayer: UInt8 = 0
    /// 0 when the stream has no layers.
    package var spatialLayer: UInt8 = 0
    /// U: a receiver may begin with the frame's temporal layer here.
    package var isSwitchingUpPoint = false
    /// D: the frame predicts from the spatial layer below it.
    package var usesInterLayerPrediction = false
    /// Non-flexible mode only.
    package var temporalLayerZeroIndex: UInt8?
    /// Where the scalability structure begins in the payload; nil without one.
    package var scalabilityOffset: Int?
    /// Bytes of the descriptor.
    package var size = 1

    private enum Bit {
        static let pictureID: UInt8 = 0x80
        static let interPicture: UInt8 = 0x40
        static let layers: UInt8 = 0x20
        static let flexible: UInt8 = 0x10
        static let begin: UInt8 = 0x08
        static let end: UInt8 = 0x04
        static let scalability: UInt8 = 0x02
    }

    /// Nil when the descriptor does not fit, or no byte of VP9 follows it.
    package init?(reading payload: UnsafeRawBufferPointer) {
        guard let first = payload.first else { return nil }
        isInterPicturePredicted = first & Bit.interPicture != 0
        beginsFrame = first & Bit.begin != 0
        endsFrame = first & Bit.end != 0
        guard readPictureID(payload, first), readLayers(payload, first), readReferences(payload, first) else { return nil }
        if first & Bit.scalability != 0 {
            guard let end = Self.endOfScalabilityStructure(payload, at: size) else { return nil }
            scalabilityOffset = size
            size = end
        }
        guard payload.count > size else { return nil }
    }

    private mutating func readPictureID(_ payload: UnsafeRawBufferPointer, _ first: UInt8) -> Bool {
        guard first & Bit.pictureID != 0 else { return true }
        guard let id = PictureID(reading: payload, at: size) else { return false }
        pictureID = id.value
        pictureIDSize = UInt8(id.size)
        size += id.size
        return true
    }

    private mutating func readLayers(_ payload: UnsafeRawBufferPointer, _ first: UInt8) -> Bool {
        guard first & Bit.layers != 0 else { return true }
        guard payload.count > size else { return false }
        hasLayers = true
        temporalLayer = payload[size] >> 5
        isSwitchingUpPoint = payload[size] & 0x10 != 0
        spatialLayer = payload[size] >> 1 & 0x07
        usesInterLayerPrediction = payload[size] & 0x01 != 0
        size += 1
        // Non-flexible mode adds TL0PICIDX.
        guard first & Bit.flexible == 0 else { return true }
        guard payload.count > size else { return false }
        temporalLayerZeroIndex = payload[size]
        size += 1
        return true
    }

    /// Flexible mode lists up to three reference indices, each with a bit that says whether another follows.
    private mutating func readReferences(_ payload: UnsafeRawBufferPointer, _ first: UInt8) -> Bool {
        guard first & Bit.flexible != 0, first & Bit.interPicture != 0 else { return true }
        for _ in 0..<3 {
            guard payload.count > size else { return false }
            size += 1
            guard payload[size - 1] & 0x01 != 0 else { return true }
        }
        // The third index says that a fourth follows: there is none.
        return false
    }

    /// Section 4.2.1: layer resolutions and the picture group, whose contents do not matter here.
    private static func endOfScalabilityStructure(_ payload: UnsafeRawBufferPointer, at start: Int) -> Int? {
        guard payload.count > start else { return nil }
        let head = payload[start]
        var offset = start + 1
        if head & 0x10 != 0 { offset += 4 * (Int(head >> 5) + 1) }
        guard head & 0x08 != 0 else { return offset }
        guard payload.count > offset else { return nil }
        let pictures = payload[offset]
        offset += 1
        for _ in 0..<pictures {
            guard payload.count > offset else { return nil }
            offset += 1 + Int(payload[offset] >> 2 & 0x03)
        }
        return offset
    }

    /// A picture begins with its base layer; it is a key picture when that predicts from no other picture. Some senders never set P (Pion does not),
    /// so that the frame itself has to agree.
    func traits(of payload: UnsafeRawBufferPointer) -> PayloadTraits {
        guard beginsFrame, spatialLayer == 0 else { return [] }
        let isKey = !isInterPicturePredicted && !Self.isPredicted(payload[size])
        return isKey ? [.beginsFrame, .keyframe] : .beginsFrame
    }

    /// Whether a frame's first byte says that it is no key frame (VP9 bitstream specification, section 6.2): `frame_marker` (2 bits), the profile's low
    /// and high bit, in profile 3 a reserved bit, `show_existing_frame`, `frame_type`. What does not begin with the marker is not known, and says nothing.
    private static func isPredicted(_ first: UInt8) -> Bool {
        guard first >> 6 == 2 else { return false }
        let isProfile3 = first & 0x30 == 0x30
        return first & (isProfile3 ? 0x06 : 0x0C) != 0
    }
}
