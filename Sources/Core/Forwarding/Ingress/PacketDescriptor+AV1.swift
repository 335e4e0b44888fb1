internal import RTP

extension PacketDescriptor {
    /// Takes over what an AV1 dependency descriptor says of the packet's layer. `pictureStart` is the number of its picture's first frame, as far as
    /// that was seen.
    mutating func read(_ descriptor: AV1DependencyDescriptor, pictureStart: UInt16) {
        if descriptor.beginsFrame { flags.insert(.beginsFrame) }
        if descriptor.endsFrame { flags.insert(.endsFrame) }
        numbering = PictureNumbering(descriptor)
        spatialLayer = descriptor.spatialLayer
        temporalLayer = descriptor.temporalLayer
        if descriptor.layers.spatialLayerCount > 1 || descriptor.layers.temporalLayerCount > 1 { flags.insert(.isLayered) }
        if descriptor.temporalLayer == 0 || descriptor.isSwitchPoint { flags.insert(.temporalSwitchPoint) }
        // A frame that refers to nothing before its own picture needs no more than the lower layers of that.
        if descriptor.isSwitchPoint, descriptor.reach <= descriptor.frameNumber &- pictureStart { flags.insert(.spatialSwitchPoint) }
    }
}
