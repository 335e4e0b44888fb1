import BridgeModel
import RTP

/// A packet's header extensions: every element lies in the packet, a rewritten block stays in its room and reads back, in place the size stays.
func fuzzRTPExtensions(_ bytes: UnsafeRawBufferPointer) {
    guard let packet = RTPPacketView(reading: bytes) else { return }
    let source = ExtensionMap([
        .mid: 1, .streamID: 2, .repairedStreamID: 3, .absoluteSendTime: 4, .transportSequence: 5, .audioLevel: 6, .videoOrientation: 7,
        .absoluteCaptureTime: 8, .dependencyDescriptor: 9,
    ])
    var target = ExtensionMap([.audioLevel: 14, .dependencyDescriptor: 3, .absoluteCaptureTime: 200, .transportSequence: 1])
    target.allowsMixedForms = bytes.count % 2 == 0
    let content = packet.headerExtension?.content.count ?? 0
    for element in HeaderExtensionElements(packet) { precondition(element.offset + element.value.count < content + 1) }
    _ = ExtensionValues(packet, map: source)
    _ = ExtensionIdentity(packet, map: source)
    var layers: AV1LayerStructure?
    for element in HeaderExtensionElements(packet) {
        layers = AV1DependencyDescriptor(reading: element.value, known: layers)?.layers ?? layers
    }
    let rewriter = ExtensionRewriter(from: source, to: target)
    var output = [UInt8](repeating: 0xEE, count: bytes.count % 97)
    let block = output.withUnsafeMutableBytes { rewriter.write(packet, hop: .init(transportSequence: 7), into: $0) }
    precondition(block.size <= output.count && block.size % 4 == 0)
    var copy = Array(bytes)
    copy.withUnsafeMutableBytes { rewriter.rewriteInPlace($0) }
    copy.withUnsafeBytes { rewritten in
        guard let view = RTPPacketView(reading: rewritten) else { preconditionFailure("a rewritten packet is still one") }
        precondition(view.payloadRange == packet.payloadRange)
        for element in HeaderExtensionElements(view) { precondition(target.kind(of: element.identifier)?.isEndToEnd == true) }
    }
}
