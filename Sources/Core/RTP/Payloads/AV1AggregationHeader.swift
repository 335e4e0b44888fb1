/// The aggregation header of an AV1 payload (AV1 RTP specification, section 4.4).
package struct AV1AggregationHeader: Equatable, Sendable {
    /// Z: the first element continues one of the packet before.
    package var continuesElement: Bool
    /// Y: the last element goes on in the next packet.
    package var lastElementContinues: Bool
    /// W: how many elements there are, the last without a length; 0: not told, each has a length.
    package var elementCount: UInt8
    /// N: the packet is the first of a coded video sequence.
    package var beginsSequence: Bool

    /// The type of a sequence header OBU (AV1 bitstream specification, section 6.2.2).
    private static let sequenceHeader: UInt8 = 1

    /// Nil when the header or what follows it is missing, or when it both begins a sequence and continues an element, which section 4.4 forbids.
    package init?(reading payload: UnsafeRawBufferPointer) {
        guard payload.count > 1 else { return nil }
        continuesElement = payload[0] & 0x80 != 0
        lastElementContinues = payload[0] & 0x40 != 0
        elementCount = payload[0] >> 4 & 0x03
        beginsSequence = payload[0] & 0x08 != 0
        guard !(continuesElement && beginsSequence) else { return nil }
    }

    /// A new sequence begins with a key frame; packetizers that forget N are known by the sequence header in front. Nil when an element's length is broken.
    func traits(of payload: UnsafeRawBufferPointer) -> PayloadTraits? {
        guard let hasSequenceHeader = findSequenceHeader(in: payload) else { return nil }
        var traits: PayloadTraits = []
        if hasSequenceHeader { traits.formUnion([.parameterSets, .keyframe]) }
        if beginsSequence { traits.formUnion([.beginsFrame, .keyframe]) }
        return traits
    }

    private func findSequenceHeader(in payload: UnsafeRawBufferPointer) -> Bool? {
        var offset = 1
        var index: UInt8 = 0
        var found = false
        while offset < payload.count {
            index += 1
            var size = payload.count - offset
            if index != elementCount {
                guard let length = LEB128(reading: payload, at: offset) else { return nil }
                offset += length.size
                size = length.value
            }
            guard size > 0, size <= payload.count - offset else { return nil }
            let isContinuation = index == 1 && continuesElement
            if !isContinuation, payload[offset] >> 3 & 0x0F == Self.sequenceHeader { found = true }
            offset += size
            // More elements than W counts: the header lies.
            if index == elementCount, offset < payload.count { return nil }
            // W is at most 3; without a count a packet of a thousand bytes cannot hold more elements than this with content.
            guard index < .max else { return nil }
        }
        // Fewer elements than W counts: likewise.
        return index >= elementCount ? found : nil
    }
}

/// An unsigned number in little-endian groups of seven bits (AV1 bitstream specification, section 4.10.5), here of at most four bytes.
struct LEB128 {
    let value: Int
    let size: Int

    init?(reading bytes: UnsafeRawBufferPointer, at offset: Int) {
        var value = 0
        for index in 0..<4 {
            guard offset + index < bytes.count else { return nil }
            let byte = bytes[offset + index]
            value |= Int(byte & 0x7F) << (7 * index)
            guard byte & 0x80 != 0 else {
                self.value = value
                size = index + 1
                return
            }
        }
        return nil
    }
}
