/// Writes a header extension block (RFC 8285 section 4) into a buffer: profile, length, elements, padding to a whole word.
///
/// It borrows its buffer and never writes past it: an element that does not fit, or that the form cannot express, is refused.
package struct ExtensionWriter {
    private let bytes: UnsafeMutableRawBufferPointer
    private let form: HeaderExtensionElements.Form
    /// Bytes that are written so far, the block's own header included.
    private var count = Self.blockHeaderSize

    /// Profile and length (RFC 3550 section 5.3.1).
    package static let blockHeaderSize = 4

    /// Begins a block at the start of `bytes`.
    package init(_ bytes: UnsafeMutableRawBufferPointer, form: HeaderExtensionElements.Form) {
        self.bytes = bytes
        self.form = form
    }

    /// Adds an element. Nil, and nothing is written, when its identifier or length is out of the form's range or the buffer is full; else the offset
    /// of the value in the buffer, to overwrite it when the packet is sent.
    package mutating func append(_ identifier: UInt8, _ value: UnsafeRawBufferPointer) -> Int? {
        guard let start = begin(identifier, count: value.count) else { return nil }
        bytes.copy(value, to: start)
        return start
    }

    /// Adds an element of a 16-bit number.
    package mutating func append(_ identifier: UInt8, _ value: UInt16) -> Int? {
        guard let start = begin(identifier, count: 2) else { return nil }
        bytes.store(value, at: start)
        return start
    }

    /// Adds an element of the lower 24 bits of a number.
    package mutating func append(_ identifier: UInt8, lower24Bits value: UInt32) -> Int? {
        guard let start = begin(identifier, count: 3) else { return nil }
        Self.store(lower24Bits: value, in: bytes, at: start)
        return start
    }

    /// Adds an element of a token.
    package mutating func append(_ identifier: UInt8, _ value: ExtensionToken) -> Int? {
        value.withBytes { append(identifier, $0) }
    }

    /// Ends the block: pads it to a whole word and writes its header. The block's size; 0 when it has no element (the packet then needs no extension).
    package mutating func finish() -> Int {
        guard count > Self.blockHeaderSize else { return 0 }
        // There is room: `begin` counts the padding.
        while count % 4 != 0 {
            bytes[count] = 0
            count += 1
        }
        bytes.store(form.profile, at: 0)
        bytes.store(UInt16(count / 4 - 1), at: 2)
        return count
    }

    /// Overwrites a 24-bit value such as the absolute send time.
    package static func store(lower24Bits value: UInt32, in bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        bytes[offset] = UInt8(truncatingIfNeeded: value >> 16)
        bytes.store(UInt16(truncatingIfNeeded: value), at: offset + 1)
    }

    private mutating func begin(_ identifier: UInt8, count length: Int) -> Int? {
        let end = count + form.headerSize + length
        // Rounded up to a whole word, the block still fits, and its length is a 16-bit number of words.
        let padded = (end + 3) & ~3
        guard padded <= bytes.count, padded / 4 - 1 <= UInt16.max else { return nil }
        switch form {
        case .oneByte:
            guard ExtensionMap.oneByteIdentifiers ~= identifier, 1...16 ~= length else { return nil }
            bytes[count] = identifier << 4 | UInt8(length - 1)
        case .twoByte:
            guard identifier != 0, length <= UInt8.max else { return nil }
            bytes[count] = identifier
            bytes[count + 1] = UInt8(length)
        }
        defer { count = end }
        return count + form.headerSize
    }
}
