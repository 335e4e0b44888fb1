package import BridgeModel

/// The picture sizes in a VP9 scalability structure (RFC 9628 section 4.2.1), read in place.
package struct VP9ScalabilityStructure {
    /// Spatial layers, 1...8.
    package let spatialLayerCount: Int
    private let sizes: UnsafeRawBufferPointer?

    /// Nil when the descriptor, which was read from this payload, has no structure.
    package init?(_ descriptor: VP9Descriptor, in payload: UnsafeRawBufferPointer) {
        guard let offset = descriptor.scalabilityOffset, offset < payload.count else { return nil }
        let head = payload[offset]
        spatialLayerCount = Int(head >> 5) + 1
        let end = offset + 1 + 4 * spatialLayerCount
        // Y: sizes follow, each of two 16-bit numbers.
        guard head & 0x10 != 0, end <= payload.count else {
            sizes = nil
            return
        }
        sizes = UnsafeRawBufferPointer(rebasing: payload[offset + 1..<end])
    }

    /// The size of the highest layer; nil when the structure does not tell sizes, or that one is empty.
    package var largestSize: PictureSize? { size(ofSpatialLayer: spatialLayerCount - 1) }

    /// The size of a layer; nil when the structure does not tell sizes, that one is empty, or there is no such layer.
    package func size(ofSpatialLayer layer: Int) -> PictureSize? {
        guard let sizes, (0..<spatialLayerCount).contains(layer) else { return nil }
        let size = PictureSize(width: UInt32(sizes.uint16(at: 4 * layer)), height: UInt32(sizes.uint16(at: 4 * layer + 2)))
        return size.width > 0 && size.height > 0 ? size : nil
    }
}
