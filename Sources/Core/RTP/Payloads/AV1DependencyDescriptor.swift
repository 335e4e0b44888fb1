package import BridgeModel

/// The AV1 dependency descriptor, a header extension that tells a frame's layer (AV1 RTP specification, appendix A). Read as far as forwarding needs it;
/// chains are left to the receivers.
package struct AV1DependencyDescriptor: Sendable {
    /// The packet is the first of its frame (of one layer).
    package let beginsFrame: Bool
    /// The packet is the last of its frame (of one layer).
    package let endsFrame: Bool
    /// Counts frames of all layers.
    package let frameNumber: UInt16
    package let spatialLayer: UInt8
    package let temporalLayer: UInt8
    /// A receiver that begins with the frame's layer here can decode all that follows (a decode target indication of "switch").
    package let isSwitchPoint: Bool
    /// How many frame numbers back the oldest frame lies that this one refers to; 0 when it refers to none (`frame_fdiffs()`, appendix A.8.2).
    package let reach: UInt16
    /// The structure that comes with this frame, which begins a coded video sequence; nil on most packets.
    package let structure: AV1LayerStructure?
    /// The structure that the frame was read by: its own, or the one before.
    package let layers: AV1LayerStructure

    /// Bytes of the mandatory fields.
    static let mandatorySize = 3
    /// Where the frame number stands among them (appendix A.8.2).
    static let frameNumberOffset = 1

    /// Reads the extension's value; `known` is the newest structure of the source. Nil when it is cut, when it names a template that the structure does
    /// not have, and while no structure is known.
    package init?(reading value: UnsafeRawBufferPointer, known: AV1LayerStructure?) {
        guard value.count >= Self.mandatorySize else { return nil }
        beginsFrame = value[0] & 0x80 != 0
        endsFrame = value[0] & 0x40 != 0
        frameNumber = value.uint16(at: 1)
        var reader = BitReader(value, from: Self.mandatorySize, skipsEmulationPrevention: false)
        let fields = value.count > Self.mandatorySize ? ExtendedFields(reading: &reader) : ExtendedFields()
        let structure = fields.hasStructure ? AV1LayerStructure(reading: &reader) : nil
        guard !fields.hasStructure || structure != nil else { return nil }
        guard let layers = structure ?? known, let template = layers.template(value[0] & 0x3F) else { return nil }
        if fields.hasActiveTargets { reader.skip(layers.decodeTargetCount) }
        self.structure = structure
        self.layers = layers
        spatialLayer = template.spatialLayer
        temporalLayer = template.temporalLayer
        isSwitchPoint = fields.hasIndications ? layers.readsSwitch(of: template, from: &reader) : template.isSwitchPoint
        reach = fields.hasDifferences ? Self.readReach(&reader) : template.reach
        guard !reader.isExhausted else { return nil }
    }

    /// Which of the fields behind the mandatory ones there are (`extended_descriptor_fields()`, appendix A.8.2); a frame's own chains come last.
    private struct ExtendedFields {
        var hasStructure = false
        var hasActiveTargets = false
        var hasIndications = false
        var hasDifferences = false

        init() {}

        init(reading reader: inout BitReader) {
            hasStructure = reader.flag()
            hasActiveTargets = reader.flag()
            hasIndications = reader.flag()
            hasDifferences = reader.flag()
            reader.skip(1)
        }
    }

    /// A frame's own `frame_fdiffs()`: the farthest of them.
    private static func readReach(_ reader: inout BitReader) -> UInt16 {
        var reach: UInt16 = 0
        // `next_fdiff_size` counts groups of four bits; a cut list ends with zeros.
        while case let size = Int(reader.bits(2)), size > 0 {
            reach = max(reach, UInt16(truncatingIfNeeded: reader.bits(4 * size)) + 1)
        }
        return reach
    }
}

/// The templates of an AV1 stream's frames: which layers there are, and where a receiver may begin with one (appendix A.8.3). A value of fixed size.
package struct AV1LayerStructure: Sendable {
    /// What frames of one template have in common.
    struct Template: Sendable {
        var spatialLayer: UInt8 = 0
        var temporalLayer: UInt8 = 0
        var isSwitchPoint = false
        /// See `AV1DependencyDescriptor.reach`.
        var reach: UInt16 = 0
    }

    /// A template's identifier has six bits.
    private static let maximumTemplates = 64
    /// `next_layer_idc` of the last template.
    private static let lastTemplate: UInt32 = 3
    /// `DTI` of a frame at which a receiver may begin.
    private static let switchIndication: UInt32 = 2

    private var templates = InlineArray<64, Template>(repeating: Template())
    /// The highest layer of each decode target: what of it is asked for at a switch.
    private var targets = InlineArray<32, Template>(repeating: Template())
    private var templateCount = 0
    private let firstIdentifier: UInt8
    /// Decode targets, 1...32.
    package let decodeTargetCount: Int
    /// Spatial layers, 1...4.
    package private(set) var spatialLayerCount = 1
    /// Temporal layers, 1...8.
    package private(set) var temporalLayerCount = 1
    /// Of the highest spatial layer; nil when it is not told.
    package var largestSize: PictureSize? { size(ofSpatialLayer: spatialLayerCount - 1) }
    private var sizes = InlineArray<4, PictureSize?>(repeating: nil)

    /// `template_dependency_structure()`; nil when it is cut, or has more layers or templates than there can be.
    init?(reading reader: inout BitReader) {
        firstIdentifier = reader.byte(bits: 6)
        decodeTargetCount = Int(reader.bits(5)) + 1
        guard readLayers(&reader) else { return nil }
        readIndications(&reader)
        readFrameDifferences(&reader)
        skipChains(&reader)
        if reader.flag() { readSizes(&reader) }
        guard !reader.isExhausted else { return nil }
    }

    /// The picture of a spatial layer; nil when it is not told, or there is no such layer.
    package func size(ofSpatialLayer layer: Int) -> PictureSize? { (0..<spatialLayerCount).contains(layer) ? sizes[layer] : nil }

    /// The template that a frame names by its identifier; nil when there is none.
    func template(_ identifier: UInt8) -> Template? {
        let index = Int((identifier &- firstIdentifier) & 0x3F)
        return index < templateCount ? templates[index] : nil
    }

    /// Whether a frame's own indications (`frame_dtis()`) make it a switch point of its layer.
    func readsSwitch(of template: Template, from reader: inout BitReader) -> Bool {
        var isSwitch = false
        for target in 0..<decodeTargetCount {
            if reader.bits(2) == Self.switchIndication, isHighest(template, of: target) { isSwitch = true }
        }
        return isSwitch
    }

    private func isHighest(_ template: Template, of target: Int) -> Bool {
        targets[target].spatialLayer == template.spatialLayer && targets[target].temporalLayer == template.temporalLayer
    }
}

extension AV1LayerStructure {
    /// `template_layers()`.
    private mutating func readLayers(_ reader: inout BitReader) -> Bool {
        var layer = Template()
        while templateCount < Self.maximumTemplates {
            templates[templateCount] = layer
            templateCount += 1
            spatialLayerCount = max(spatialLayerCount, Int(layer.spatialLayer) + 1)
            temporalLayerCount = max(temporalLayerCount, Int(layer.temporalLayer) + 1)
            let next = reader.bits(2)
            if next == Self.lastTemplate { return true }
            if next == 1 { layer.temporalLayer += 1 }
            if next == 2 {
                layer.temporalLayer = 0
                layer.spatialLayer += 1
            }
            // Ids of three and two bits (AV1 bitstream specification, section 5.3.3).
            guard !reader.isExhausted, layer.temporalLayer < 8, layer.spatialLayer < 4 else { return false }
        }
        return false
    }

    /// `template_dtis()`; a target's highest layers are those of the templates that it contains (`decode_target_layers()`). They are known only when all
    /// were read, so switches are noted by target first.
    private mutating func readIndications(_ reader: inout BitReader) {
        var switches = InlineArray<64, UInt32>(repeating: 0)
        for index in 0..<templateCount {
            for target in 0..<decodeTargetCount {
                let indication = reader.bits(2)
                if indication == Self.switchIndication { switches[index] |= 1 << UInt32(target) }
                guard indication != 0 else { continue }
                targets[target].spatialLayer = max(targets[target].spatialLayer, templates[index].spatialLayer)
                targets[target].temporalLayer = max(targets[target].temporalLayer, templates[index].temporalLayer)
            }
        }
        for index in 0..<templateCount {
            for target in 0..<decodeTargetCount where switches[index] & 1 << UInt32(target) != 0 {
                if isHighest(templates[index], of: target) { templates[index].isSwitchPoint = true }
            }
        }
    }

    /// `template_fdiffs()`.
    private mutating func readFrameDifferences(_ reader: inout BitReader) {
        for index in 0..<templateCount {
            while !reader.isExhausted, reader.flag() {
                templates[index].reach = max(templates[index].reach, UInt16(truncatingIfNeeded: reader.bits(4)) + 1)
            }
        }
    }

    /// `template_chains()`.
    private func skipChains(_ reader: inout BitReader) {
        let chains = Self.nonSymmetric(&reader, below: UInt32(decodeTargetCount) + 1)
        guard chains > 0 else { return }
        for _ in 0..<decodeTargetCount { _ = Self.nonSymmetric(&reader, below: chains) }
        reader.skip(4 * templateCount * Int(chains))
    }

    /// `render_resolutions()`.
    private mutating func readSizes(_ reader: inout BitReader) {
        for layer in 0..<spatialLayerCount {
            sizes[layer] = PictureSize(width: reader.bits(16) + 1, height: reader.bits(16) + 1)
        }
    }

    /// `ns(n)` (AV1 bitstream specification, section 4.10.7).
    private static func nonSymmetric(_ reader: inout BitReader, below count: UInt32) -> UInt32 {
        let width = UInt32.bitWidth - count.leadingZeroBitCount
        let short = (UInt32(1) << UInt32(width)) - count
        let value = reader.bits(width - 1)
        guard value >= short else { return value }
        return (value << 1) - short + reader.bit()
    }
}
