import BridgeModel
import RTP
import Testing

@Suite struct ExtensionRewriterTests {
    private static let publisher = ExtensionMap([
        .audioLevel: 1, .absoluteSendTime: 2, .transportSequence: 3, .mid: 4, .videoOrientation: 13, .dependencyDescriptor: 12,
    ])
    /// Audio level, send time, transport sequence, MID, orientation, and 9, which was never negotiated.
    private static let content: [UInt8] =
        [0x10, 0x85] + [0x22, 1, 2, 3] + [0x31, 9, 9] + [0x40, 0x30] + [0xD0, 0x02] + [0x91, 7, 7]

    private func write(
        to viewer: ExtensionMap, hop: ExtensionRewriter.HopValues, content: [UInt8] = Self.content, capacity: Int = 104
    ) -> (block: ExtensionRewriter.Block, bytes: [UInt8]) {
        var output = [UInt8](repeating: 0xEE, count: capacity)
        let rewriter = ExtensionRewriter(from: Self.publisher, to: viewer)
        let block = withPacket(packet(profile: 0xBEDE, extension: content)) { packet in
            output.withUnsafeMutableBytes { rewriter.write(packet, hop: hop, into: $0) }
        }
        let size = block?.size ?? 0
        #expect(output[size...].allSatisfy { $0 == 0xEE } || size == 0, "nothing behind the block is touched")
        return (block ?? .init(), Array(output[..<size]))
    }

    @Test func theViewersOwnValuesComeFirstAndTheRestIsHandedOn() {
        let viewer = ExtensionMap([.mid: 1, .transportSequence: 5, .absoluteSendTime: 6, .audioLevel: 7])
        let hop = ExtensionRewriter.HopValues(mid: ExtensionToken("v1"), transportSequence: 0x1234, absoluteSendTime: 0xABCDEF)
        let (block, bytes) = write(to: viewer, hop: hop)
        let expected: [UInt8] =
            [0xBE, 0xDE, 0, 3] + [0x11, 0x76, 0x31] + [0x51, 0x12, 0x34] + [0x62, 0xAB, 0xCD, 0xEF] + [0x70, 0x85]
        #expect(bytes == expected)
        #expect(block.transportSequenceOffset == 8 && block.absoluteSendTimeOffset == 11)
    }

    @Test func whatTheViewerDidNotNegotiateIsLeftOut() {
        let hop = ExtensionRewriter.HopValues(mid: ExtensionToken("v1"), transportSequence: 1, absoluteSendTime: 2)
        #expect(write(to: ExtensionMap(), hop: hop).block == ExtensionRewriter.Block())
        #expect(write(to: ExtensionMap([.videoOrientation: 3]), hop: hop).bytes == [0xBE, 0xDE, 0, 1, 0x30, 0x02, 0, 0])
    }

    @Test func thePublishersHopByHopValuesAreNeverHandedOn() {
        let viewer = ExtensionMap([.mid: 1, .transportSequence: 5, .absoluteSendTime: 6])
        #expect(write(to: viewer, hop: ExtensionRewriter.HopValues()).block.size == 0)
    }

    @Test(arguments: [(3, [7, 0xAB, 0xCD]), (2, [7, 8])] as [(Int, [UInt8])])
    func theFrameNumberIsTheViewersOwn(size: Int, expected: [UInt8]) {
        let viewer = ExtensionMap([.dependencyDescriptor: 2])
        var hop = ExtensionRewriter.HopValues()
        hop.frameNumber = 0xABCD
        let content: [UInt8] = [0xC0 | UInt8(size - 1)] + [7, 8, 9].prefix(size)
        let bytes = write(to: viewer, hop: hop, content: content).bytes
        #expect(Array(bytes[4..<5 + size]) == [0x20 | UInt8(size - 1)] + expected, "a value that is cut stays as it is")
    }

    @Test func aValueThatTheOneByteFormCannotHoldNeedsAViewerThatTakesTheOther() {
        let descriptor = [UInt8](repeating: 5, count: 20)
        let twoByte = packet(profile: 0x1000, extension: [12, 20] + descriptor + [1, 1, 0x85])
        var viewer = ExtensionMap([.dependencyDescriptor: 2, .audioLevel: 3])
        let rewriter = ExtensionRewriter(from: Self.publisher, to: viewer)
        var output = [UInt8](repeating: 0, count: 104)
        let block = withPacket(twoByte) { packet in output.withUnsafeMutableBytes { rewriter.write(packet, hop: .init(), into: $0) } }
        #expect(block?.size == 8 && Array(output[..<8]) == [0xBE, 0xDE, 0, 1, 0x30, 0x85, 0, 0])
        viewer.allowsMixedForms = true
        let mixed = ExtensionRewriter(from: Self.publisher, to: viewer)
        let whole = withPacket(twoByte) { packet in output.withUnsafeMutableBytes { mixed.write(packet, hop: .init(), into: $0) } }
        #expect(whole?.size == 4 + 28)
        #expect(Array(output[..<29]) == [0x10, 0, 0, 7, 2, 20] + descriptor + [3, 1, 0x85])
    }

    @Test func anElementThatDoesNotFitIsLeftOut() {
        let viewer = ExtensionMap([.audioLevel: 7, .videoOrientation: 8])
        #expect(write(to: viewer, hop: .init(), capacity: 8).bytes == [0xBE, 0xDE, 0, 1, 0x70, 0x85, 0x80, 0x02])
        #expect(write(to: viewer, hop: .init(), capacity: 7).block.size == 0)
        let long = write(to: viewer, hop: .init(mid: ExtensionToken("1234")), capacity: 8)
        #expect(long.bytes == [0xBE, 0xDE, 0, 1, 0x70, 0x85, 0x80, 0x02], "the viewer has no MID")
    }

    @Test func identifiersAreExchangedInPlace() {
        // The viewer's identifiers are the publisher's, crossed.
        var bytes = packet(profile: 0xBEDE, extension: Self.content)
        let rewriter = ExtensionRewriter(from: Self.publisher, to: ExtensionMap([.audioLevel: 13, .videoOrientation: 1, .mid: 4]))
        let before = bytes
        bytes.withUnsafeMutableBytes { rewriter.rewriteInPlace($0) }
        let elements = withPacket(bytes) { HeaderExtensionElements($0).map { [$0.identifier] + Array($0.value) } }
        #expect(elements == [[13, 0x85], [1, 0x02]])
        #expect(bytes.count == before.count && bytes.suffix(3) == before.suffix(3))
    }

    @Test func randomBlocksKeepTheirBoundsAndTheirEndToEndValues() {
        var random = SeededRandom(seed: 12)
        var viewer = ExtensionMap([.audioLevel: 20, .dependencyDescriptor: 3, .mid: 9])
        viewer.allowsMixedForms = true
        let rewriter = ExtensionRewriter(from: Self.publisher, to: viewer)
        for round in 0..<20_000 {
            var bytes = packet(profile: round % 2 == 0 ? 0xBEDE : 0x1000, extension: random.bytes(upTo: 60))
            var output = [UInt8](repeating: 0xEE, count: Int.random(in: 0...80, using: &random))
            let block = withPacket(bytes) { packet in
                output.withUnsafeMutableBytes { rewriter.write(packet, hop: .init(mid: ExtensionToken("ab")), into: $0) }
            }
            #expect((block?.size ?? 0) <= output.count && (block?.size ?? 0) % 4 == 0)
            bytes.withUnsafeMutableBytes { rewriter.rewriteInPlace($0) }
            let identifiers = withPacket(bytes) { HeaderExtensionElements($0).map(\.identifier) }
            #expect(identifiers?.allSatisfy { $0 == 3 || $0 == 20 } == true)
        }
    }
}
