internal import Glibc

/// One datagram at a time over a connected, non-blocking AF_UNIX socket.
package enum DatagramSocket {
    /// What `receive` can find.
    package enum Received: Sendable, Equatable {
        /// A datagram of this many bytes lies in the buffer.
        case datagram(Int)
        /// A datagram was longer than the buffer and is lost.
        case tooLong
        /// Nothing more for now.
        case wouldBlock
        /// The socket is broken.
        case failed
    }

    /// Takes the next datagram, without waiting.
    package static func receive(from descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Received {
        while true {
            // With MSG_TRUNC the result is the datagram's true length (recv(2)).
            let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT | MSG_TRUNC))
            if count >= 0 { return count <= buffer.count ? .datagram(count) : .tooLong }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed
        }
    }

    /// Sends one datagram without waiting; false when it was not taken.
    @discardableResult
    package static func send(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL)) == bytes.count
    }
}
