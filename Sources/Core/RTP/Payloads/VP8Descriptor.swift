/// The VP8 payload descriptor (RFC 7741 section 4.2).
package struct VP8Descriptor: Equatable, Sendable {
    /// The packet begins a VP8 partition.
    package var beginsPartition = false
    /// Which partition the packet is in, 0...7.
    package var partition: UInt8 = 0
    /// The frame may be thrown away without harm to others.
    package var isNonReference = false
    /// 7 or 15 bits.
    package var pictureID: UInt16?
    /// 1 or 2; 0 without a picture id.
    package var pictureIDSize: UInt8 = 0
    package var temporalLayerZeroIndex: UInt8?
    package var temporalLayer: UInt8?
    /// Y: the frame predicts from the base layer only, so that a receiver may begin with its layer here.
    package var isLayerSync = false
    /// 5 bits, one more for each keyframe.
    package var keyIndex: UInt8?
    /// Bytes of the descriptor.
    package var size = 1

    /// Nil when the descriptor does not fit, or no byte of VP8 follows it.
    package init?(reading payload: UnsafeRawBufferPointer) {
        guard let first = payload.first else { return nil }
        isNonReference = first & 0x20 != 0
        beginsPartition = first & 0x10 != 0
        partition = first & 0x07
        if first & 0x80 != 0 {
            guard readExtension(payload) else { return nil }
        }
        guard payload.count > size else { return nil }
    }

    private mutating func readExtension(_ payload: UnsafeRawBufferPointer) -> Bool {
        guard payload.count > 1 else { return false }
        let present = payload[1]
        var offset = 2
        if present & 0x80 != 0 {
            guard let id = PictureID(reading: payload, at: offset) else { return false }
            pictureID = id.value
            pictureIDSize = UInt8(id.size)
            offset += id.size
        }
        if present & 0x40 != 0 {
            guard payload.count > offset else { return false }
            temporalLayerZeroIndex = payload[offset]
            offset += 1
        }
        // T and K share one byte (section 4.2).
        if present & 0x30 != 0 {
            guard payload.count > offset else { return false }
            if present & 0x20 != 0 {
                temporalLayer = payload[offset] >> 6
                isLayerSync = payload[offset] & 0x20 != 0
            }
            if present & 0x10 != 0 { keyIndex = payload[offset] & 0x1F }
            offset += 1
        }
        size = offset
        return true
    }

    /// A frame begins where its first partition does; the P bit of its payload header is 0 for a key frame (sections 4.3 and 4.5).
    func traits(of payload: UnsafeRawBufferPointer) -> PayloadTraits {
        guard beginsPartition, partition == 0 else { return [] }
        let frame = payload.suffix(fromOffset: size)
        guard frame[0] & 0x01 == 0 else { return .beginsFrame }
        // A key frame's three-byte tag is followed by a start code (RFC 6386 section 9.1).
        guard frame.count >= 6, frame[3] == 0x9D, frame[4] == 0x01, frame[5] == 0x2A else { return .beginsFrame }
        return [.beginsFrame, .keyframe]
    }
}

/// The picture identification of VP8 and VP9: seven bits, or fifteen when the first bit is set (RFC 7741 section 4.2, RFC 9628 section 4.2).
struct PictureID {
    let value: UInt16
    let size: Int

    init?(reading payload: UnsafeRawBufferPointer, at offset: Int) {
        guard payload.count > offset else { return nil }
        guard payload[offset] & 0x80 != 0 else {
            value = UInt16(payload[offset])
            size = 1
            return
        }
        guard payload.count > offset + 1 else { return nil }
        value = payload.uint16(at: offset) & 0x7FFF
        size = 2
    }
}
