import BridgeModel
import RTP
import Testing

/// Descriptors are written here bit by bit, as appendix A.8 of the AV1 RTP specification lists their fields.
@Suite struct DependencyDescriptorTests {
    /// Writes bits, the most significant first.
    private struct BitWriter {
        private(set) var bytes: [UInt8] = []
        private var free = 0

        mutating func put(_ value: Int, _ count: Int) {
            for bit in (0..<count).reversed() {
                if free == 0 {
                    bytes.append(0)
                    free = 8
                }
                free -= 1
                bytes[bytes.count - 1] |= UInt8(value >> bit & 1) << UInt8(free)
            }
        }
    }

    private struct Frame {
        var begins = true
        var ends = true
        var template = 0
        var number = 7
        /// Of two spatial and three temporal layers; see `structure`.
        var hasStructure = false
        var hasSizes = true
        /// Own indications, one for each of the six decode targets.
        var indications: [Int]?
        /// Own frame differences, with how many groups of four bits each takes.
        var differences: [(groups: Int, difference: Int)]?
        var activeTargets: Int?
    }

    private static let templateOffset = 60

    private func bytes(_ frame: Frame) -> [UInt8] {
        var writer = BitWriter()
        writer.put(frame.begins ? 1 : 0, 1)
        writer.put(frame.ends ? 1 : 0, 1)
        writer.put(frame.template, 6)
        writer.put(frame.number, 16)
        guard frame.hasStructure || frame.indications != nil || frame.differences != nil || frame.activeTargets != nil else {
            return writer.bytes
        }
        writer.put(frame.hasStructure ? 1 : 0, 1)
        writer.put(frame.activeTargets == nil ? 0 : 1, 1)
        writer.put(frame.indications == nil ? 0 : 1, 1)
        writer.put(frame.differences == nil ? 0 : 1, 1)
        writer.put(0, 1)
        if frame.hasStructure { putStructure(&writer, hasSizes: frame.hasSizes) }
        if let active = frame.activeTargets { writer.put(active, 6) }
        for indication in frame.indications ?? [] { writer.put(indication, 2) }
        for (groups, difference) in frame.differences ?? [] {
            writer.put(groups, 2)
            writer.put(difference - 1, 4 * groups)
        }
        if frame.differences != nil { writer.put(0, 2) }
        return writer.bytes
    }

    /// L2T3: templates (0,0) (0,1) (0,2) (1,0) (1,1) (1,2), a decode target for each, one chain for each spatial layer.
    private func putStructure(_ writer: inout BitWriter, hasSizes: Bool) {
        writer.put(Self.templateOffset, 6)
        writer.put(5, 5)
        for next in [1, 1, 2, 1, 1, 3] { writer.put(next, 2) }
        for template in 0..<6 {
            for target in 0..<6 {
                let isPart = template / 3 <= target / 3 && template % 3 <= target % 3
                // Base frames are switch points of their target, the middle ones too; the highest are discardable.
                let indication = !isPart ? 0 : template == target ? (template % 3 == 2 ? 1 : 2) : 3
                writer.put(indication, 2)
            }
        }
        for template in 0..<6 {
            for difference in 0..<(template % 3) {
                writer.put(1, 1)
                writer.put(difference, 4)
            }
            writer.put(0, 1)
        }
        // ns(7) of 2: three bits have one short form, so that 2 is written as 2 + 1 in three bits.
        writer.put(3, 3)
        // ns(2) of the chain that protects each target: one bit.
        for target in 0..<6 { writer.put(target / 3, 1) }
        for _ in 0..<12 { writer.put(4, 4) }
        writer.put(hasSizes ? 1 : 0, 1)
        guard hasSizes else { return }
        for (width, height) in [(320, 180), (640, 360)] {
            writer.put(width - 1, 16)
            writer.put(height - 1, 16)
        }
    }

    private func read(_ bytes: [UInt8], known: AV1LayerStructure? = nil) -> AV1DependencyDescriptor? {
        bytes.withUnsafeBytes { AV1DependencyDescriptor(reading: $0, known: known) }
    }

    private func structure() throws -> AV1LayerStructure {
        try #require(read(bytes(Frame(template: Self.templateOffset, hasStructure: true)))?.structure)
    }

    @Test func aStructureTellsItsLayersAndSizes() throws {
        let structure = try structure()
        #expect(structure.decodeTargetCount == 6 && structure.spatialLayerCount == 2 && structure.temporalLayerCount == 3)
        #expect(structure.largestSize == PictureSize(width: 640, height: 360))
        let without = read(bytes(Frame(template: Self.templateOffset, hasStructure: true, hasSizes: false)))
        #expect(without?.structure != nil && without?.structure?.largestSize == nil)
    }

    @Test func framesAreReadByTheirTemplate() throws {
        let structure = try structure()
        for place in 0..<6 {
            // Identifiers wrap after 63.
            let frame = Frame(begins: place == 0, ends: place == 5, template: (Self.templateOffset + place) % 64, number: 65_530 + place)
            let descriptor = try #require(read(bytes(frame), known: structure))
            #expect(Int(descriptor.spatialLayer) == place / 3 && Int(descriptor.temporalLayer) == place % 3)
            #expect(descriptor.isSwitchPoint == (place % 3 < 2))
            #expect(descriptor.beginsFrame == (place == 0) && descriptor.endsFrame == (place == 5))
            #expect(descriptor.frameNumber == UInt16(65_530 + place) && descriptor.structure == nil)
        }
    }

    @Test func aFramesOwnIndicationsComeFirst() throws {
        let structure = try structure()
        let highest = (Self.templateOffset + 2) % 64
        let frame = Frame(template: highest, indications: [0, 0, 2, 0, 0, 3], activeTargets: 0x3F)
        #expect(read(bytes(frame), known: structure)?.isSwitchPoint == true)
        let other = Frame(template: highest, indications: [0, 2, 1, 2, 2, 2])
        #expect(read(bytes(other), known: structure)?.isSwitchPoint == false)
    }

    @Test func theFarthestReferenceIsKnown() throws {
        let structure = try structure()
        for place in 0..<6 {
            let frame = Frame(template: (Self.templateOffset + place) % 64)
            #expect(read(bytes(frame), known: structure)?.reach == UInt16(place % 3), "the template's")
        }
        let own = Frame(template: Self.templateOffset, indications: [0, 0, 2, 0, 0, 3], differences: [(1, 3), (3, 4096), (2, 17)])
        #expect(read(bytes(own), known: structure)?.reach == 4096)
        let none = Frame(template: (Self.templateOffset + 2) % 64, differences: [])
        #expect(read(bytes(none), known: structure)?.reach == 0)
        #expect(read(Array(bytes(own).dropLast(2)), known: structure) == nil, "cut")
    }

    @Test func whatCannotBeReadIsNothing() throws {
        let structure = try structure()
        #expect(read(bytes(Frame(template: Self.templateOffset))) == nil, "no structure is known")
        #expect(read(bytes(Frame(template: 5)), known: structure) == nil, "there are six templates")
        #expect(read([0x80, 0], known: structure) == nil)
        let whole = bytes(Frame(template: Self.templateOffset, hasStructure: true))
        for count in 4..<whole.count { #expect(read(Array(whole[..<count]), known: structure) == nil, "cut to \(count) bytes") }
        // A structure whose templates never end.
        #expect(read([0x80, 0, 1, 0x80] + [UInt8](repeating: 0, count: 60)) == nil)
        // One whose temporal layers never end.
        #expect(read([0x80, 0, 1, 0x80, 0x00] + [UInt8](repeating: 0x55, count: 60)) == nil)
    }

    @Test func randomDescriptorsNeverTrap() throws {
        let structure = try structure()
        var random = SeededRandom(seed: 21)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = random.bytes(upTo: 48)
            if let first = bytes.first { bytes[0] = first & 0xC0 | UInt8(Self.templateOffset) }
            if read(bytes, known: structure) != nil { accepted += 1 }
        }
        #expect(accepted > 1000, "the test must reach the fields")
    }
}
