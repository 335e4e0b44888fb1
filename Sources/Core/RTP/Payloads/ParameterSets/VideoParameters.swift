package import BridgeModel

/// What the packets of a video stream say about its decoder and its pictures.
package struct VideoParameters: Sendable, Equatable {
    /// Nil for VP8, which has no profiles that matter.
    package var profile: CodecProfile?
    /// Of the layer that the packet belongs to.
    package var size: PictureSize

    /// Looks for a sequence parameter set, a sequence header or the header of a key frame in one RTP payload. Nil where there is none, which is so for most
    /// packets: ask for those whose `PayloadTraits` have `keyframe` or `parameterSets`. Parameter sets in fragments are not put together. No allocation.
    package init?(codec: Codec, payload: UnsafeRawBufferPointer) {
        let found: VideoParameters?
        switch codec {
        case .h264: found = H264Payload.parameters(in: payload)
        case .h265: found = H265Payload.parameters(in: payload)
        case .vp8: found = VP8Descriptor(reading: payload).flatMap { $0.parameters(in: payload) }
        case .vp9: found = VP9Descriptor(reading: payload).flatMap { $0.parameters(in: payload) }
        case .av1: found = AV1AggregationHeader(reading: payload).flatMap { $0.parameters(in: payload) }
        case .opus, .pcmu, .pcma, .aac: found = nil
        }
        guard let found else { return nil }
        self = found
    }

    fileprivate init(_ profile: CodecProfile?, _ size: PictureSize) {
        self.profile = profile
        self.size = size
    }
}

extension H264Payload {
    fileprivate static func parameters(in payload: UnsafeRawBufferPointer) -> VideoParameters? {
        let stapA: UInt8 = 24
        guard let header = payload.first, header & 0x1F == stapA else { return parameters(of: payload) }
        return firstUnit(in: payload, from: 1, parameters(of:))
    }

    private static func parameters(of unit: UnsafeRawBufferPointer) -> VideoParameters? {
        H264SequenceParameterSet(reading: unit).map { VideoParameters($0.codecProfile, $0.size) }
    }
}

extension H265Payload {
    fileprivate static func parameters(in payload: UnsafeRawBufferPointer) -> VideoParameters? {
        let aggregation: UInt8 = 48
        guard let header = payload.first, header >> 1 & 0x3F == aggregation else { return parameters(of: payload) }
        return firstUnit(in: payload, from: 2, parameters(of:))
    }

    private static func parameters(of unit: UnsafeRawBufferPointer) -> VideoParameters? {
        H265SequenceParameterSet(reading: unit).map { VideoParameters($0.codecProfile, $0.size) }
    }
}

/// The first unit of an aggregate (a 16-bit size before each) that `read` makes something of.
private func firstUnit(
    in payload: UnsafeRawBufferPointer, from start: Int, _ read: (UnsafeRawBufferPointer) -> VideoParameters?
) -> VideoParameters? {
    var offset = start
    while payload.count >= offset + 2 {
        let size = Int(payload.uint16(at: offset))
        guard size > 0, payload.count >= offset + 2 + size else { return nil }
        if let found = read(UnsafeRawBufferPointer(rebasing: payload[(offset + 2)..<(offset + 2 + size)])) { return found }
        offset += 2 + size
    }
    return nil
}

extension VP8Descriptor {
    fileprivate func parameters(in payload: UnsafeRawBufferPointer) -> VideoParameters? {
        guard beginsPartition, partition == 0 else { return nil }
        return VP8KeyframeHeader(reading: payload.suffix(fromOffset: size)).map { VideoParameters(nil, $0.size) }
    }
}

extension VP9Descriptor {
    fileprivate func parameters(in payload: UnsafeRawBufferPointer) -> VideoParameters? {
        guard beginsFrame, !isInterPicturePredicted else { return nil }
        return VP9KeyframeHeader(reading: payload.suffix(fromOffset: size)).map { VideoParameters($0.codecProfile, $0.size) }
    }
}

extension AV1AggregationHeader {
    /// The sequence header stands first where there is one (AV1 RTP section 4.4: a new sequence begins a packet), behind at most a temporal delimiter.
    fileprivate func parameters(in payload: UnsafeRawBufferPointer) -> VideoParameters? {
        guard !continuesElement else { return nil }
        var offset = 1
        var index: UInt8 = 0
        while offset < payload.count, index < 3 {
            index += 1
            var size = payload.count - offset
            if index != elementCount {
                guard let length = LEB128(reading: payload, at: offset) else { return nil }
                offset += length.size
                size = length.value
            }
            guard size > 0, size <= payload.count - offset else { return nil }
            if let header = AV1SequenceHeader(reading: UnsafeRawBufferPointer(rebasing: payload[offset..<(offset + size)])) {
                return VideoParameters(header.codecProfile, header.size)
            }
            offset += size
        }
        return nil
    }
}
