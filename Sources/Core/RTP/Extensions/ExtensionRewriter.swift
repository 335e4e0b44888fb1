internal import BridgeModel

/// Carries header extensions from a publisher's identifiers to a viewer's: what the viewer did not negotiate is left out, what speaks of one hop is
/// written anew. A plain value; nothing is allocated.
package struct ExtensionRewriter: Sendable, Equatable {
    /// The largest block that `write` makes: profile and length, a dependency descriptor of any size, and what all other kinds need together, in the
    /// two-byte form.
    package static let maximumBlockSize = 4 + 257 + 75

    /// The values that belong to the viewer's hop. What is nil, or not negotiated, is left out.
    package struct HopValues: Sendable, Equatable {
        package var mid: ExtensionToken?
        /// Written now or overwritten later at `Block.transportSequenceOffset`.
        package var transportSequence: UInt16?
        /// 24 bits of 6.18 fixed-point seconds; written now or overwritten later at `Block.absoluteSendTimeOffset`.
        package var absoluteSendTime: UInt32?
        /// In place of the number in AV1's dependency descriptor; nil leaves that as it is.
        package var frameNumber: UInt16?

        package init(mid: ExtensionToken? = nil, transportSequence: UInt16? = nil, absoluteSendTime: UInt32? = nil) {
            self.mid = mid
            self.transportSequence = transportSequence
            self.absoluteSendTime = absoluteSendTime
        }
    }

    /// A block that was written.
    package struct Block: Sendable, Equatable {
        /// Bytes of the whole block, a multiple of four; 0 when there is nothing to say, and the packet's X bit is then 0.
        package var size = 0
        /// Where the values lie in the block; nil when they are not in it.
        package var transportSequenceOffset: Int?
        package var absoluteSendTimeOffset: Int?

        /// An empty block.
        package init() {}
    }

    private let source: ExtensionMap
    private let target: ExtensionMap

    /// `source` is what the publisher negotiated, `target` what the viewer did.
    package init(from source: ExtensionMap, to target: ExtensionMap) {
        self.source = source
        self.target = target
    }

    /// Writes the block for the viewer at the start of `output`: first the hop's own values, then those of `packet` that are handed on. What does not
    /// fit into `output` is left out.
    package func write(_ packet: RTPPacketView, hop: HopValues, into output: UnsafeMutableRawBufferPointer) -> Block {
        var writer = ExtensionWriter(output, form: form(for: packet, hop: hop))
        var block = Block()
        if let value = hop.mid, let identifier = target[.mid] { _ = writer.append(identifier, value) }
        if let value = hop.transportSequence, let identifier = target[.transportSequence] {
            block.transportSequenceOffset = writer.append(identifier, value)
        }
        if let value = hop.absoluteSendTime, let identifier = target[.absoluteSendTime] {
            block.absoluteSendTimeOffset = writer.append(identifier, lower24Bits: value)
        }
        for element in HeaderExtensionElements(packet) {
            guard let identifier = forwardedIdentifier(of: element), let offset = writer.append(identifier, element.value) else { continue }
            guard let number = hop.frameNumber, element.value.count >= AV1DependencyDescriptor.mandatorySize,
                source.kind(of: element.identifier) == .dependencyDescriptor
            else { continue }
            output.store(number, at: offset + AV1DependencyDescriptor.frameNumberOffset)
        }
        block.size = writer.finish()
        return block
    }

    /// Gives the elements of a packet the viewer's identifiers where they lie; what is not handed on becomes padding, and the packet keeps its size.
    /// The packet must have been checked by an `RTPPacketView`. Hop-by-hop values are removed too.
    package func rewriteInPlace(_ packet: UnsafeMutableRawBufferPointer) {
        guard let view = RTPPacketView(reading: UnsafeRawBufferPointer(packet)), let range = view.headerExtensionRange else { return }
        let elements = HeaderExtensionElements(view)
        for element in elements {
            let start = range.lowerBound + element.offset
            let size = elements.form.headerSize + element.value.count
            guard let identifier = forwardedIdentifier(of: element), identifier < 15 || elements.form == .twoByte else {
                for offset in start..<start + size { packet[offset] = 0 }
                continue
            }
            packet[start] = elements.form == .oneByte ? identifier << 4 | packet[start] & 0x0F : identifier
        }
    }

    /// The viewer's identifier of an element that is handed on.
    private func forwardedIdentifier(of element: HeaderExtensionElements.Element) -> UInt8? {
        guard let kind = source.kind(of: element.identifier), kind.isEndToEnd else { return nil }
        return target[kind]
    }

    /// The one-byte form where it can hold everything, or where the viewer does not take the other (RFC 8285 section 4.1.2).
    private func form(for packet: RTPPacketView, hop: HopValues) -> HeaderExtensionElements.Form {
        if target.needsTwoByteForm { return .twoByte }
        guard target.allowsMixedForms else { return .oneByte }
        for element in HeaderExtensionElements(packet) where forwardedIdentifier(of: element) != nil && !(1...16 ~= element.value.count) {
            return .twoByte
        }
        return .oneByte
    }
}
