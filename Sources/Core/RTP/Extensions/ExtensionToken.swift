/// A short text that packets carry in a header extension: a MID or a RID. Sixteen bytes at most, which is what the one-byte form can hold
/// (RFC 8285 section 4.2); kept in place, so that comparing two costs no allocation.
package struct ExtensionToken: Hashable, Sendable, CustomStringConvertible {
    /// The longest text, in bytes.
    package static let maximumCount = 16

    private var bytes = SIMD16<UInt8>(repeating: 0)
    /// Length in bytes, 1...16.
    package let count: Int

    /// Nil when `text` is empty or longer than `maximumCount`.
    package init?(_ text: UnsafeRawBufferPointer) {
        guard 1...Self.maximumCount ~= text.count else { return nil }
        count = text.count
        withUnsafeMutableBytes(of: &bytes) { $0.copyMemory(from: text) }
    }

    /// Nil when the text is empty or longer than `maximumCount` bytes of UTF-8.
    package init?(_ text: some StringProtocol) {
        let utf8 = text.utf8
        guard 1...Self.maximumCount ~= utf8.count else { return nil }
        count = utf8.count
        for (index, byte) in utf8.enumerated() { bytes[index] = byte }
    }

    /// The text's bytes, for the time of `body`.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: bytes) { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    package var description: String { withBytes { String(decoding: $0, as: UTF8.self) } }
}
