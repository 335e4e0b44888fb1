package import BridgeModel
package import RTP

/// What a forwarder knows about a cached packet, read once for all viewers: where its payload lies, and which layer of which frame it belongs to.
package struct PacketDescriptor: Sendable, Equatable {
    /// Marks of a packet.
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// First packet of a frame; of a layer's frame where a picture has several spatial layers.
        package static let beginsFrame = Flags(rawValue: 1)
        /// Last packet of a layer's frame.
        package static let endsFrame = Flags(rawValue: 2)
        /// A receiver that has the lower temporal layers may begin with this one here.
        package static let temporalSwitchPoint = Flags(rawValue: 4)
        /// A receiver that has the lower spatial layers of this picture may begin with this one here.
        package static let spatialSwitchPoint = Flags(rawValue: 8)
        /// The packet tells of its layer; without this mark it belongs to all.
        package static let isLayered = Flags(rawValue: 16)
        /// The packet has no payload: viewers do not get it, nor do they wait for it.
        package static let isPadding = Flags(rawValue: 32)
    }

    /// Where the payload begins in the packet.
    package var payloadStart: UInt16 = 12
    /// Where it ends; padding follows.
    package var payloadEnd: UInt16 = 12
    package var flags: Flags = []
    package var spatialLayer: UInt8 = 0
    package var temporalLayer: UInt8 = 0
    /// Numbers in the payload's descriptor that have to go on over a switch.
    package var numbering = PictureNumbering()

    package init() {}

    /// Reads a packet whose payload is not understood: RED and FEC, which pass as they are.
    package init(_ packet: RTPPacketView) {
        payloadStart = UInt16(clamping: packet.payloadRange.lowerBound)
        payloadEnd = UInt16(clamping: packet.payloadRange.upperBound)
        if packet.marker { flags.insert(.endsFrame) }
    }

    /// Reads a packet of `codec`; a payload that does not fit its codec has no layer.
    package init(codec: Codec, packet: RTPPacketView) {
        self.init(packet)
        switch codec {
        case .vp8:
            if let descriptor = VP8Descriptor(reading: packet.payload) { read(descriptor) }
        case .vp9:
            if let descriptor = VP9Descriptor(reading: packet.payload) { read(descriptor) }
        case .h264, .h265, .av1, .opus, .pcmu, .pcma, .aac: break
        }
    }

    /// Bytes of the payload.
    package var payloadSize: Int { Int(payloadEnd) - Int(payloadStart) }
}

extension PacketDescriptor {
    private mutating func read(_ descriptor: VP8Descriptor) {
        if descriptor.beginsPartition, descriptor.partition == 0 { flags.insert(.beginsFrame) }
        if let layer = descriptor.temporalLayer {
            flags.insert(.isLayered)
            temporalLayer = layer
            // A base layer frame is a point to begin with itself; the others are where Y is set (RFC 7741 section 4.2).
            if layer == 0 || descriptor.isLayerSync { flags.insert(.temporalSwitchPoint) }
        }
        numbering = PictureNumbering(descriptor)
    }

    private mutating func read(_ descriptor: VP9Descriptor) {
        if descriptor.beginsFrame { flags.insert(.beginsFrame) }
        if descriptor.endsFrame { flags.insert(.endsFrame) }
        if descriptor.hasLayers {
            flags.insert(.isLayered)
            spatialLayer = descriptor.spatialLayer
            temporalLayer = descriptor.temporalLayer
        }
        if descriptor.temporalLayer == 0 || descriptor.isSwitchingUpPoint { flags.insert(.temporalSwitchPoint) }
        if !descriptor.isInterPicturePredicted { flags.insert(.spatialSwitchPoint) }
        numbering = PictureNumbering(descriptor)
    }
}

/// The running numbers of VP8's and VP9's payload descriptors, and where they stand (RFC 7741 section 4.2, RFC 9628 section 4.2); AV1's frame number,
/// which stands in a header extension.
package struct PictureNumbering: Sendable, Equatable {
    package enum Form: UInt8, Sendable {
        /// The codec has no such numbers, or the packet does not carry them.
        case none
        case vp8
        case vp9
        /// `pictureID` is the frame number of the dependency descriptor (AV1 RTP specification, appendix A.8.2); nothing stands in the payload.
        case av1
    }

    package var form = Form.none
    /// Bytes of the picture id: 0, 1 (7 bits) or 2 (15 bits).
    package var pictureIDSize: UInt8 = 0
    /// Where TL0PICIDX stands in the payload; 0 without one.
    package var zeroIndexOffset: UInt8 = 0
    /// Where VP8's KEYIDX stands, in the low five bits; 0 without one.
    package var keyIndexOffset: UInt8 = 0
    /// Bytes from the payload's beginning to the end of the last of them: what is rewritten.
    package var size: UInt8 = 0
    package var pictureID: UInt16 = 0
    package var zeroIndex: UInt8 = 0
    package var keyIndex: UInt8 = 0

    package init() {}

    init(_ descriptor: VP8Descriptor) {
        // X, then I: the picture id follows the extension byte (RFC 7741 section 4.2).
        readPictureID(descriptor.pictureID, size: descriptor.pictureIDSize, at: 2)
        var next = 2 + pictureIDSize
        if let index = descriptor.temporalLayerZeroIndex {
            zeroIndex = index
            zeroIndexOffset = next
            next += 1
        }
        if let index = descriptor.keyIndex {
            keyIndex = index
            keyIndexOffset = next
        }
        size = max(size, zeroIndexOffset + 1, keyIndexOffset + 1)
        form = size > 1 ? .vp8 : .none
    }

    init(_ descriptor: AV1DependencyDescriptor) {
        form = .av1
        pictureID = descriptor.frameNumber
    }

    init(_ descriptor: VP9Descriptor) {
        readPictureID(descriptor.pictureID, size: descriptor.pictureIDSize, at: 1)
        if let index = descriptor.temporalLayerZeroIndex {
            zeroIndex = index
            // The layer byte stands in front of it (RFC 9628 section 4.2).
            zeroIndexOffset = 1 + pictureIDSize + 1
        }
        size = max(size, zeroIndexOffset + 1)
        form = size > 1 ? .vp9 : .none
    }

    private mutating func readPictureID(_ id: UInt16?, size bytes: UInt8, at offset: UInt8) {
        guard let id else { return }
        pictureID = id
        pictureIDSize = bytes
        size = offset + bytes
    }
}
