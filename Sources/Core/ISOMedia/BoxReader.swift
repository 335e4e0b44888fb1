/// Reads fields and boxes from bytes that may be anything: nothing is read past the end, and once something was missing `isExhausted` stays.
struct BoxReader {
    private(set) var rest: ArraySlice<UInt8>
    /// More was asked for than there is: what was read is worth nothing.
    private(set) var isExhausted = false

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// A big-endian number; 0 past the end.
    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number {
        let count = Number.bitWidth / 8
        guard rest.count >= count else {
            isExhausted = true
            rest = []
            return 0
        }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    mutating func skip(_ count: Int) {
        if rest.count < count { isExhausted = true }
        rest = rest.dropFirst(count)
    }

    /// Version and flags of a full box.
    mutating func versionAndFlags() -> (version: UInt8, flags: UInt32) {
        let field = number(UInt32.self)
        return (UInt8(truncatingIfNeeded: field >> 24), field & 0xFF_FFFF)
    }

    /// 64 bits in version 1, 32 in version 0.
    mutating func number(version: UInt8) -> UInt64 { version == 1 ? number(UInt64.self) : UInt64(number(UInt32.self)) }

    /// The next box within these bytes; nil at the end. Throws `malformed` for a box that is longer than what holds it.
    mutating func box() throws(ISOMediaError) -> Box? {
        guard !rest.isEmpty else { return nil }
        let total = rest.count
        let size = UInt64(number(UInt32.self))
        let type = FourCC(rawValue: number(UInt32.self))
        let long = size == 1 ? number(UInt64.self) : nil
        let header = total - rest.count
        // A size of 0 reaches to the end (section 4.2.2).
        let length = size == 0 ? UInt64(total) : long ?? size
        guard !isExhausted, length >= UInt64(header), length <= UInt64(total) else { throw .malformed(type) }
        let content = rest.prefix(Int(length) - header)
        rest = rest.dropFirst(content.count)
        return Box(type: type, content: content)
    }
}

/// One box and what is in it.
struct Box {
    var type: FourCC
    var content: ArraySlice<UInt8>

    /// The boxes in it. Throws `malformed`.
    func children() throws(ISOMediaError) -> [Box] {
        var reader = BoxReader(content)
        var found: [Box] = []
        while let box = try reader.box() { found.append(box) }
        return found
    }
}

extension [Box] {
    func first(_ type: FourCC) -> Box? { first { $0.type == type } }

    /// Throws `malformed` with the missing box's name.
    func required(_ type: FourCC) throws(ISOMediaError) -> Box {
        guard let box = first(type) else { throw .malformed(type) }
        return box
    }
}
