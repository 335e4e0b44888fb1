internal import Glibc

/// Cuts a byte stream into frames.
package struct FrameReader {
    /// Longest frame that is accepted, in bytes: an SDP of 128 KiB as JSON, with room.
    package static let maximumFrame = 1024 * 1024

    private var bytes: [UInt8] = []
    private var descriptors: [Int32] = []

    package init() {}

    package mutating func append(_ more: ArraySlice<UInt8>, descriptors: ArraySlice<Int32> = []) {
        bytes += more
        self.descriptors += descriptors
    }

    /// The next whole frame; nil when more bytes are needed. Throws EMSGSIZE for a length above `maximumFrame`.
    package mutating func next() throws(SystemError) -> [UInt8]? {
        guard bytes.count >= 4 else { return nil }
        let length = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.maximumFrame else { throw SystemError(call: "frame", number: EMSGSIZE) }
        guard bytes.count >= 4 + length else { return nil }
        let frame = Array(bytes[4..<4 + length])
        bytes.removeFirst(4 + length)
        return frame
    }

    /// The descriptors that came so far, handed over.
    package mutating func takeDescriptors() -> [Int32] {
        defer { descriptors = [] }
        return descriptors
    }
}
