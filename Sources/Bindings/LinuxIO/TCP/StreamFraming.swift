/// Cuts a TCP byte stream into the datagrams of ICE-TCP (RFC 4571 section 2: two bytes of length in network order, then so many bytes).
///
/// It owns one buffer, made at the start. Use: fill `space`, tell `filled`, then take frames with `next` until it has none; a frame is valid until
/// the next call of `space`. One thread.
package struct StreamFraming: ~Copyable {
    /// The stream cannot be followed any further: close the connection.
    package enum Fault: Error, Sendable, Equatable {
        /// A frame is longer than may be; its length.
        case tooLong(Int)
    }

    /// Bytes of a frame's head.
    package static let headerLength = 2
    private let storage: UnsafeMutableRawBufferPointer
    private let frameLimit: Int
    private var start = 0
    private var end = 0

    /// Frames of at most `frameLimit` bytes, 1 to 65535; anything else is a bug of ours.
    package init(frameLimit: Int) {
        precondition((1...Int(UInt16.max)).contains(frameLimit), "no such frame")
        self.frameLimit = frameLimit
        storage = .allocate(byteCount: 2 * (frameLimit + Self.headerLength), alignment: 8)
    }

    deinit { storage.deallocate() }

    /// Bytes that wait for the rest of their frame.
    package var pending: Int { end - start }

    /// Where the next bytes of the stream go: never empty after `next` returned nil. Frames that were taken are gone then.
    package mutating func space() -> UnsafeMutableRawBufferPointer {
        if start > 0 {
            storage.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[start..<end]))
            end -= start
            start = 0
        }
        return UnsafeMutableRawBufferPointer(rebasing: storage[end...])
    }

    /// So many bytes of `space` were filled. More than there was room is a bug of ours.
    package mutating func filled(_ count: Int) {
        precondition(count >= 0 && count <= storage.count - end, "more than there was room")
        end += count
    }

    /// The next whole frame, without its head, whose bytes may be changed; nil when more bytes are needed. Empty frames are passed over.
    package mutating func next() throws(Fault) -> UnsafeMutableRawBufferPointer? {
        while end - start >= Self.headerLength {
            let length = Int(storage[start]) << 8 | Int(storage[start + 1])
            guard length <= frameLimit else { throw .tooLong(length) }
            let body = start + Self.headerLength
            guard end - body >= length else { return nil }
            start = body + length
            if length > 0 { return UnsafeMutableRawBufferPointer(rebasing: storage[body..<start]) }
        }
        return nil
    }

    /// The head of a frame of `length` bytes; nil when no frame has that length.
    package static func header(of length: Int) -> (UInt8, UInt8)? {
        guard (1...Int(UInt16.max)).contains(length) else { return nil }
        return (UInt8(length >> 8), UInt8(length & 0xFF))
    }
}
