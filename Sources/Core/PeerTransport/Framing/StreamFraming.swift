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
    /// The longest frame of a peer as a rule: what a UDP datagram on Ethernet carries.
    package static let defaultFrameLimit = 1500

    private let storage: UnsafeMutableRawBufferPointer
    private let frameLimit: Int
    private var start = 0
    private var end = 0

    /// Frames of at most `frameLimit` bytes, 1 to 65535; anything else is a bug of ours.
    package init(frameLimit: Int = defaultFrameLimit) {
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

    /// The next whole frame, without its head; nil when more bytes are needed. Empty frames are passed over.
    package mutating func next() throws(Fault) -> UnsafeRawBufferPointer? {
        while end - start >= Self.headerLength {
            let length = Int(storage[start]) << 8 | Int(storage[start + 1])
            guard length <= frameLimit else { throw .tooLong(length) }
            let body = start + Self.headerLength
            guard end - body >= length else { return nil }
            start = body + length
            if length > 0 { return UnsafeRawBufferPointer(rebasing: storage[body..<start]) }
        }
        return nil
    }

    /// Writes the head of a frame of `length` bytes. False when the length or the room does not allow it; nothing is written then.
    package static func writeHeader(length: Int, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard (1...Int(UInt16.max)).contains(length), bytes.count >= headerLength else { return false }
        bytes.storeBytes(of: UInt16(truncatingIfNeeded: length).bigEndian, as: UInt16.self)
        return true
    }
}
