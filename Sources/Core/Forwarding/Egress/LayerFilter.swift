/// Lets the packets of the chosen spatial and temporal layers of one encoding pass, frame by frame; moves up only where a decoder can follow
/// (RFC 7741 section 4.2, RFC 9628 section 4.2), down at once.
struct LayerFilter: Sendable {
    /// What may pass; layers above are wanted but wait for a point to begin at.
    private(set) var spatial: UInt8
    private(set) var temporal: UInt8 = .max
    private(set) var targetSpatial: UInt8
    private(set) var targetTemporal: UInt8 = .max
    /// What passed of a picture: the same for all of its packets, whatever overtakes them.
    private struct Picture: Sendable {
        var timestamp: UInt32
        var spatial: UInt8
        var temporal: UInt8
    }

    /// The newest picture; layers change between pictures only.
    private var timestamp: UInt32?
    /// The one before, whose last packets may be late.
    private var previous: Picture?

    /// Spatial layers above this one never pass.
    private let highestSpatial: UInt8

    /// Everything passes up to this spatial layer.
    init(highestSpatial: UInt8 = .max) {
        self.highestSpatial = highestSpatial
        (spatial, targetSpatial) = (highestSpatial, highestSpatial)
    }

    /// Begins anew with a keyframe: all wanted layers begin with it.
    mutating func restart(spatial: UInt8, temporal: UInt8) {
        self = LayerFilter(highestSpatial: highestSpatial)
        aim(spatial: spatial, temporal: temporal)
        (self.spatial, self.temporal) = (targetSpatial, targetTemporal)
    }

    /// Aims at other layers.
    mutating func aim(spatial: UInt8, temporal: UInt8) {
        targetSpatial = min(spatial, highestSpatial)
        targetTemporal = temporal
    }

    /// Whether a higher spatial layer waits for a picture to begin with.
    var awaitsSpatialSwitch: Bool { targetSpatial > spatial }

    /// Whether a packet passes. Packets come in the order of the cache.
    mutating func passes(_ descriptor: PacketDescriptor, timestamp: UInt32) -> Bool {
        guard descriptor.flags.contains(.isLayered) else { return true }
        if let previous, previous.timestamp == timestamp {
            return descriptor.spatialLayer <= previous.spatial && descriptor.temporalLayer <= previous.temporal
        }
        let isNew = self.timestamp.map { Int32(bitPattern: timestamp &- $0) > 0 } ?? true
        if isNew { beginPicture(timestamp) }
        riseIfPossible(descriptor, isFirstOfPicture: isNew)
        return isWithin(descriptor)
    }

    /// Whether the packet's layers are among those that pass now; decides nothing.
    func isWithin(_ descriptor: PacketDescriptor) -> Bool {
        descriptor.spatialLayer <= spatial && descriptor.temporalLayer <= temporal
    }

    /// Whether this packet is the last of what passes of its picture: its marker bit is to be set (RFC 9628 section 4.1).
    func endsPicture(_ descriptor: PacketDescriptor) -> Bool {
        guard descriptor.flags.contains([.isLayered, .endsFrame]), descriptor.spatialLayer == spatial else { return false }
        // The layer that is waited for begins in this picture.
        return !(awaitsSpatialSwitch && descriptor.flags.contains(.spatialSwitchPoint))
    }

    private mutating func beginPicture(_ timestamp: UInt32) {
        previous = self.timestamp.map { Picture(timestamp: $0, spatial: spatial, temporal: temporal) }
        self.timestamp = timestamp
        spatial = min(spatial, targetSpatial)
        temporal = min(temporal, targetTemporal)
    }

    private mutating func riseIfPossible(_ descriptor: PacketDescriptor, isFirstOfPicture: Bool) {
        guard descriptor.flags.contains(.beginsFrame) else { return }
        if isFirstOfPicture, descriptor.temporalLayer > temporal, descriptor.temporalLayer <= targetTemporal,
            descriptor.flags.contains(.temporalSwitchPoint)
        {
            temporal = descriptor.temporalLayer
        }
        if descriptor.spatialLayer > spatial, descriptor.spatialLayer <= targetSpatial, descriptor.spatialLayer - spatial == 1,
            descriptor.flags.contains(.spatialSwitchPoint), descriptor.temporalLayer <= temporal
        {
            spatial = descriptor.spatialLayer
        }
    }
}
