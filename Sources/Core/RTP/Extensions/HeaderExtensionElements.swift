/// The elements of a packet's header extension (RFC 8285 section 4), in order, read in place.
///
/// Empty for a packet without extension and for another profile than the one-byte and two-byte forms. Iteration ends at the first element that does not
/// fit: what came before it holds (section 4.1.2 lets a receiver ignore the rest).
package struct HeaderExtensionElements: Sequence, IteratorProtocol {
    /// One element.
    package struct Element {
        /// The local identifier: 1...14, in the two-byte form 1...255.
        package var identifier: UInt8
        /// 1...16 bytes, in the two-byte form 0...255.
        package var value: UnsafeRawBufferPointer
        /// Where the element's own header begins in the extension's content.
        package var offset: Int
    }

    /// How elements are written (RFC 8285 sections 4.2 and 4.3).
    package enum Form: Sendable {
        /// Four bits of identifier and four of length.
        case oneByte
        /// A byte of identifier and a byte of length.
        case twoByte

        /// The form that a header extension's profile field names; nil for other profiles.
        package init?(profile: UInt16) {
            switch profile {
            case 0xBEDE: self = .oneByte
            // The last four bits are application bits, which carry nothing here (section 4.3).
            case 0x1000...0x100F: self = .twoByte
            default: return nil
            }
        }

        /// The profile field.
        package var profile: UInt16 { self == .oneByte ? 0xBEDE : 0x1000 }

        /// Bytes in front of a value.
        package var headerSize: Int { self == .oneByte ? 1 : 2 }
    }

    /// The form that the packet uses; elements of one form can be handed on in it.
    package let form: Form
    private let content: UnsafeRawBufferPointer
    private var offset = 0

    package init(_ packet: RTPPacketView) {
        guard let (profile, content) = packet.headerExtension, let form = Form(profile: profile) else {
            self.init(content: UnsafeRawBufferPointer(start: nil, count: 0), form: .oneByte)
            return
        }
        self.init(content: content, form: form)
    }

    /// The elements of an extension's content, which follows the profile and the length.
    package init(content: UnsafeRawBufferPointer, form: Form) {
        self.content = content
        self.form = form
    }

    package mutating func next() -> Element? {
        skipPadding()
        guard offset < content.count else { return nil }
        switch form {
        case .oneByte: return nextOneByte()
        case .twoByte: return nextTwoByte()
        }
    }

    /// Bytes of zero between elements (section 4.1.2).
    private mutating func skipPadding() {
        while offset < content.count, content[offset] == 0 { offset += 1 }
    }

    private mutating func nextOneByte() -> Element? {
        let head = content[offset]
        let identifier = head >> 4
        // An identifier of 0 with a length, and the reserved 15, end the whole extension (section 4.2).
        guard identifier != 0, identifier != 15 else { return end() }
        // The length field is one less than the length.
        return take(identifier, from: offset + 1, count: Int(head & 0x0F) + 1)
    }

    private mutating func nextTwoByte() -> Element? {
        guard offset + 1 < content.count else { return end() }
        return take(content[offset], from: offset + 2, count: Int(content[offset + 1]))
    }

    private mutating func take(_ identifier: UInt8, from start: Int, count: Int) -> Element? {
        guard count <= content.count - start else { return end() }
        defer { offset = start + count }
        return Element(identifier: identifier, value: UnsafeRawBufferPointer(rebasing: content[start..<start + count]), offset: offset)
    }

    private mutating func end() -> Element? {
        offset = content.count
        return nil
    }
}
