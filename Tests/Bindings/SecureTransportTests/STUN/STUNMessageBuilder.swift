/// Builds STUN messages octet by octet, right or wrong ones, without the code under test.
struct STUNMessageBuilder {
    static let binding: (request: UInt16, indication: UInt16, success: UInt16, error: UInt16) = (0x0001, 0x0011, 0x0101, 0x0111)

    var type = STUNMessageBuilder.binding.request
    var cookie: [UInt8] = [0x21, 0x12, 0xA4, 0x42]
    var transaction: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    private var attributes: [UInt8] = []
    /// Added to what the length fields truly are.
    var lengthError = 0

    init(type: UInt16 = STUNMessageBuilder.binding.request) { self.type = type }

    /// With an attribute whose length field may lie.
    func with(_ attribute: UInt16, _ value: [UInt8], claimedLength: Int? = nil) -> STUNMessageBuilder {
        var copy = self
        let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
        copy.attributes += Self.octets(attribute) + Self.octets(UInt16(claimedLength ?? value.count)) + value + padding
        return copy
    }

    /// With octets that are no whole attribute.
    func withRaw(_ octets: [UInt8]) -> STUNMessageBuilder {
        var copy = self
        copy.attributes += octets
        return copy
    }

    var message: [UInt8] {
        Self.octets(type) + Self.octets(UInt16(truncatingIfNeeded: attributes.count + lengthError)) + cookie + transaction + attributes
    }

    private static func octets(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
}
