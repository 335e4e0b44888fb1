internal import Glibc

/// Cuts a byte stream into frames, and keeps each frame's descriptors with it.
package struct FrameReader {
    /// Longest frame that is accepted, in bytes: an SDP of 128 KiB as JSON, with room.
    package static let maximumFrame = 1024 * 1024

    private static let prefix = 4
    private var bytes: [UInt8] = []
    /// Place of `bytes` in the stream.
    private var position = 0
    /// Descriptors that wait for their frame, with the place where it begins, in the order of the stream.
    private var waiting: [(frame: Int, descriptors: [Int32])] = []

    package init() {}

    /// `descriptors` came with these bytes. They belong to the last frame that begins in them: one read may bring several frames, but the kernel
    /// ends it behind the bytes that descriptors were sent with (unix(7)).
    package mutating func append(_ more: ArraySlice<UInt8>, descriptors: ArraySlice<Int32> = []) {
        bytes += more
        guard !descriptors.isEmpty else { return }
        waiting.append((position + lastFrameStart, Array(descriptors)))
    }

    /// The next whole frame; nil when more bytes are needed. Throws EMSGSIZE for a length above `maximumFrame`.
    package mutating func next() throws(SystemError) -> [UInt8]? {
        guard let length = frameLength(at: 0) else { return nil }
        guard length <= Self.maximumFrame else { throw SystemError(call: "frame", number: EMSGSIZE) }
        let end = Self.prefix + length
        guard bytes.count >= end else { return nil }
        let frame = Array(bytes[Self.prefix..<end])
        bytes.removeFirst(end)
        position += end
        return frame
    }

    /// The descriptors of the frames that `next` has given out, handed over.
    package mutating func takeDescriptors() -> [Int32] {
        let due = waiting.prefix { $0.frame < position }
        waiting.removeFirst(due.count)
        return due.flatMap(\.descriptors)
    }

    private func frameLength(at start: Int) -> Int? {
        guard bytes.count >= start + Self.prefix else { return nil }
        return bytes[start..<start + Self.prefix].reduce(0) { $0 << 8 | Int($1) }
    }

    private var lastFrameStart: Int {
        var start = 0
        while let length = frameLength(at: start), start + Self.prefix + length < bytes.count { start += Self.prefix + length }
        return start
    }
}
