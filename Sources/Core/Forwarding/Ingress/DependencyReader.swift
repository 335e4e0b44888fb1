internal import BridgeModel
internal import RTP

/// Reads the dependency descriptors of one AV1 encoding, each of which is understood by what came before it.
struct DependencyReader: Sendable {
    /// Of the header extension.
    private let identifier: UInt8
    /// The newest structure of the source.
    private var layers: AV1LayerStructure?
    /// The newest picture, and the lowest frame number seen of it.
    private var picture: (timestamp: UInt32, start: UInt16)?

    /// Nil for other codecs and where the extension was not negotiated.
    init?(_ codec: Codec, extensions: ExtensionMap) {
        guard codec == .av1, let identifier = extensions[.dependencyDescriptor] else { return nil }
        self.identifier = identifier
    }

    /// Completes what is known of a packet; its layer structure when the packet brings one, nil otherwise.
    mutating func read(_ packet: RTPPacketView, into descriptor: inout PacketDescriptor) -> AV1LayerStructure? {
        for element in HeaderExtensionElements(packet) where element.identifier == identifier {
            guard let dependencies = AV1DependencyDescriptor(reading: element.value, known: layers) else { return nil }
            layers = dependencies.layers
            descriptor.read(dependencies, pictureStart: pictureStart(dependencies.frameNumber, timestamp: packet.timestamp))
            return dependencies.structure
        }
        return nil
    }

    /// The source became another one.
    mutating func reset() {
        layers = nil
        picture = nil
    }

    /// The lowest number that was seen of the frame's picture. While packets overtake each other it is too high rather than too low.
    private mutating func pictureStart(_ frameNumber: UInt16, timestamp: UInt32) -> UInt16 {
        if let picture, picture.timestamp == timestamp, Int16(bitPattern: frameNumber &- picture.start) >= 0 { return picture.start }
        picture = (timestamp, frameNumber)
        return frameNumber
    }
}
