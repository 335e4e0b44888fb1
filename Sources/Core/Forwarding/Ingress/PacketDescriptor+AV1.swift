internal import RTP

extension PacketDescriptor {
    /// Takes over what an AV1 dependency descriptor says of the packet's layer.
    mutating func read(_ descriptor: AV1DependencyDescriptor) {
        if descriptor.beginsFrame { flags.insert(.beginsFrame) }
        if descriptor.endsFrame { flags.insert(.endsFrame) }
        numbering = PictureNumbering(descriptor)
        spatialLayer = descriptor.spatialLayer
        temporalLayer = descriptor.temporalLayer
        if descriptor.layers.spatialLayerCount > 1 || descriptor.layers.temporalLayerCount > 1 { flags.insert(.isLayered) }
        if descriptor.temporalLayer == 0 || descriptor.isSwitchPoint { flags.insert(.temporalSwitchPoint) }
        // A new structure comes with a key picture: all of its spatial layers can be begun with.
        if descriptor.structure != nil { flags.insert(.spatialSwitchPoint) }
    }
}
