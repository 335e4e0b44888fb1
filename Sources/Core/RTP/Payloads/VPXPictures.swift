/// Puts a VP8 frame together (RFC 7741): its bytes are those behind the payload descriptors.
package struct VP8Picture: PictureAssembly {
    private var bytes: [UInt8] = []
    private var isKeyframe = false
    private var format: PictureFormat?

    package init() {}

    package var count: Int { bytes.count }

    package mutating func begin(isAfterLoss: Bool) { self = VP8Picture() }

    package mutating func add(_ payload: UnsafeRawBufferPointer) throws(DepacketizerFailure) {
        guard let descriptor = VP8Descriptor(reading: payload) else { throw .malformed }
        let content = payload.suffix(fromOffset: descriptor.size)
        if bytes.isEmpty {
            guard descriptor.beginsPartition, descriptor.partition == 0 else { throw .incomplete }
            isKeyframe = descriptor.traits(of: payload).contains(.keyframe)
            if isKeyframe { format = VP8KeyframeHeader(reading: content).map { PictureFormat(size: $0.size) } }
        }
        bytes.append(contentsOf: content)
    }

    package mutating func end() -> AssembledPicture? {
        guard !bytes.isEmpty else { return nil }
        return AssembledPicture(bytes: bytes, isKeyframe: isKeyframe && format != nil, format: format)
    }
}

/// Puts a VP9 picture together (RFC 9628): the frames of its spatial layers, one behind the other, as decoders take them.
package struct VP9Picture: PictureAssembly {
    private var bytes: [UInt8] = []
    private var isAfterLoss = false
    private var isKeyframe = false
    private var format: PictureFormat?

    package init() {}

    package var count: Int { bytes.count }

    package mutating func begin(isAfterLoss: Bool) {
        self = VP9Picture()
        self.isAfterLoss = isAfterLoss
    }

    package mutating func add(_ payload: UnsafeRawBufferPointer) throws(DepacketizerFailure) {
        guard let descriptor = VP9Descriptor(reading: payload) else { throw .malformed }
        let content = payload.suffix(fromOffset: descriptor.size)
        if bytes.isEmpty {
            // After a loss the layers below may be what is missing.
            guard descriptor.beginsFrame, !isAfterLoss || descriptor.spatialLayer == 0 else { throw .incomplete }
            isKeyframe = descriptor.traits(of: payload).contains(.keyframe)
            if isKeyframe { format = Self.format(descriptor, payload, content) }
        }
        bytes.append(contentsOf: content)
    }

    package mutating func end() -> AssembledPicture? {
        guard !bytes.isEmpty else { return nil }
        return AssembledPicture(bytes: bytes, isKeyframe: isKeyframe && format != nil, format: format)
    }

    /// The size of the highest layer, where the packet tells of layers.
    private static func format(
        _ descriptor: VP9Descriptor, _ payload: UnsafeRawBufferPointer, _ content: UnsafeRawBufferPointer
    ) -> PictureFormat? {
        guard let header = VP9KeyframeHeader(reading: content) else { return nil }
        return PictureFormat(size: VP9ScalabilityStructure(descriptor, in: payload)?.largestSize ?? header.size)
    }
}
