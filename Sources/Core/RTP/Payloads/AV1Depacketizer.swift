package import BridgeModel

/// Puts the temporal units of an AV1 stream together from RTP packets (AV1 RTP specification, section 4), as files hold them: every OBU with its
/// size, temporal delimiters and padding left out (AV1 in ISOBMFF section 2.4, AV1 in Matroska).
///
/// All layers of a unit are kept. Packets come in the order of their sequence numbers; a unit of which packets are missing is dropped. A value
/// without IO.
package struct AV1Depacketizer: Sendable {
    /// One picture, with all its layers.
    package struct TemporalUnit: Sendable, Equatable {
        /// When it is shown, as was said with its first packet.
        package var time: MonotonicTime
        /// A shown key frame with a sequence header in front: decoding can begin here.
        package var isKeyframe: Bool
        package var bytes: [UInt8]
        /// The sequence header's OBU with its size; nil where the unit has none.
        package var sequenceHeader: [UInt8]?
    }

    /// Why a packet was dropped, and with it the unit that it belongs to.
    package enum Failure: Error, Sendable, Equatable {
        /// An aggregation header, a length or an OBU that contradicts itself.
        case malformed
        /// The unit grows beyond `largestUnit`.
        case tooLarge
    }

    /// Larger pictures are not believed, bytes.
    package static let largestUnit = 16 * 1024 * 1024

    private var unit: Assembly?

    package init() {}

    /// Takes a packet's payload. Returns the units that are complete: the packet's own with its marker, and the one before it where that came without.
    /// After a `Failure` the rest of the unit is passed over.
    package mutating func take(
        _ payload: UnsafeRawBufferPointer, timestamp: UInt32, time: MonotonicTime, marker: Bool, isAfterGap: Bool
    ) throws(Failure) -> [TemporalUnit] {
        // Padding alone, by which senders probe for bandwidth.
        guard !payload.isEmpty else { return [] }
        var complete: [TemporalUnit] = []
        if let before = unit, before.timestamp != timestamp {
            if !isAfterGap, let whole = before.whole { complete.append(whole) }
            unit = nil
        }
        var current = unit ?? Assembly(timestamp: timestamp, time: time)
        if isAfterGap { current.lose(hasBegun: unit != nil) }
        unit = nil
        do throws(Failure) {
            try current.take(payload)
        } catch {
            current.isDamaged = true
            unit = marker ? nil : current
            throw error
        }
        if marker, let whole = current.whole { complete.append(whole) }
        unit = marker ? nil : current
        return complete
    }
}

/// A unit that is being put together.
private struct Assembly: Sendable {
    let timestamp: UInt32
    let time: MonotonicTime
    /// Packets are missing, or were malformed.
    var isDamaged = false
    private var bytes: [UInt8] = []
    private var sequenceHeader: [UInt8]?
    /// The first frame's type is known, and it is a shown key frame.
    private var beginsWithKeyFrame: Bool?
    /// The beginning of an OBU that goes on in the next packet.
    private var fragment: [UInt8]?

    init(timestamp: UInt32, time: MonotonicTime) {
        self.timestamp = timestamp
        self.time = time
    }

    /// The unit as it is, where nothing is missing.
    var whole: AV1Depacketizer.TemporalUnit? {
        guard !isDamaged, fragment == nil, !bytes.isEmpty else { return nil }
        return AV1Depacketizer.TemporalUnit(
            time: time, isKeyframe: sequenceHeader != nil && beginsWithKeyFrame == true, bytes: bytes, sequenceHeader: sequenceHeader)
    }

    /// Packets are missing here. Whether those of a unit's beginning are among them, its first packet tells.
    mutating func lose(hasBegun: Bool) {
        fragment = nil
        if hasBegun { isDamaged = true }
    }

    mutating func take(_ payload: UnsafeRawBufferPointer) throws(AV1Depacketizer.Failure) {
        guard let header = AV1AggregationHeader(reading: payload) else { throw .malformed }
        guard !isDamaged else { return }
        guard header.continuesElement == (fragment != nil) else {
            // The beginning is missing, or the end of what was begun.
            isDamaged = true
            fragment = nil
            return
        }
        guard bytes.count + (fragment?.count ?? 0) + payload.count <= AV1Depacketizer.largestUnit else { throw .tooLarge }
        let elements = try Self.elements(of: payload, count: header.elementCount)
        for (index, element) in elements.enumerated() {
            let whole = index == 0 ? (fragment.take() ?? []) + element : Array(element)
            if index == elements.count - 1, header.lastElementContinues { fragment = whole } else { try append(whole) }
        }
    }

    /// Section 4.3: a length before each element, but for the last one where the header counts them.
    private static func elements(
        of payload: UnsafeRawBufferPointer, count: UInt8
    ) throws(AV1Depacketizer.Failure) -> [Slice<UnsafeRawBufferPointer>] {
        var elements: [Slice<UnsafeRawBufferPointer>] = []
        var offset = 1
        while offset < payload.count {
            var size = payload.count - offset
            if count == 0 || elements.count + 1 < Int(count) {
                guard let length = LEB128(reading: payload, at: offset) else { throw .malformed }
                offset += length.size
                size = length.value
            }
            guard size <= payload.count - offset, count == 0 || elements.count < Int(count) else { throw .malformed }
            elements.append(payload[offset..<offset + size])
            offset += size
        }
        guard count == 0 || elements.count == Int(count) else { throw .malformed }
        return elements
    }

    private mutating func append(_ bytes: [UInt8]) throws(AV1Depacketizer.Failure) {
        guard let unit = OpenBitstreamUnit(bytes) else { throw .malformed }
        switch unit.type {
        case OpenBitstreamUnit.temporalDelimiter, OpenBitstreamUnit.tileList, OpenBitstreamUnit.padding: return
        case OpenBitstreamUnit.sequenceHeader: if sequenceHeader == nil { sequenceHeader = unit.sized }
        case OpenBitstreamUnit.frame, OpenBitstreamUnit.frameHeader:
            if beginsWithKeyFrame == nil { beginsWithKeyFrame = unit.isShownKeyFrame }
        default: break
        }
        self.bytes += unit.sized
    }
}

/// One OBU (AV1 bitstream specification, section 5.3).
private struct OpenBitstreamUnit {
    // Types (section 6.2.2).
    static let sequenceHeader: UInt8 = 1
    static let temporalDelimiter: UInt8 = 2
    static let frameHeader: UInt8 = 3
    static let frame: UInt8 = 6
    static let tileList: UInt8 = 8
    static let padding: UInt8 = 15

    private static let hasExtension: UInt8 = 0x04
    private static let hasSize: UInt8 = 0x02

    let type: UInt8
    private let header: ArraySlice<UInt8>
    private let content: ArraySlice<UInt8>

    /// With or without a size of its own; nil when that or its header does not fit.
    init?(_ bytes: [UInt8]) {
        guard let first = bytes.first, first & 0x80 == 0 else { return nil }
        type = first >> 3 & 0x0F
        let headerSize = first & Self.hasExtension == 0 ? 1 : 2
        guard bytes.count >= headerSize else { return nil }
        header = bytes[..<headerSize]
        guard first & Self.hasSize != 0 else {
            content = bytes[headerSize...]
            return
        }
        guard let length = bytes.withUnsafeBytes({ LEB128(reading: $0, at: headerSize) }) else { return nil }
        let start = headerSize + length.size
        guard length.value <= bytes.count - start else { return nil }
        content = bytes[start..<start + length.value]
    }

    /// With a size, as files have it.
    var sized: [UInt8] {
        var size = content.count
        var bytes = [header[0] | Self.hasSize] + header.dropFirst()
        repeat {
            bytes.append(UInt8(size & 0x7F) | (size > 0x7F ? 0x80 : 0))
            size >>= 7
        } while size > 0
        return bytes + content
    }

    /// Of a frame or its header: `show_existing_frame` is 0, `frame_type` is KEY_FRAME, `show_frame` is 1 (section 5.9.2).
    var isShownKeyFrame: Bool { content.first.map { $0 & 0xF0 == 0x10 } ?? false }
}
