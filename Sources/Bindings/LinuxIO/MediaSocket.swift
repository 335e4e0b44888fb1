internal import Glibc

/// A connected AF_UNIX datagram socket as a pipeline's media socket: never waits, keeps the borders of datagrams, copies nothing to send
/// a header and a packet together. Owns its descriptor.
package final class MediaSocket: Sendable {
    package let descriptor: Int32

    /// Takes over a descriptor of `SocketPair.datagram`.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// What became of a datagram.
    package enum SendResult: Sendable, Equatable {
        case sent
        /// The receiver is behind: nothing was sent.
        case full
        /// The other end is gone, or the descriptor is no socket.
        case closed
    }

    /// Sends `header` and `payload` as one datagram. Callable from any thread.
    package func send(header: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) -> SendResult {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { parts in
            parts[0] = iovec(iov_base: UnsafeMutableRawPointer(mutating: header.baseAddress), iov_len: header.count)
            parts[1] = iovec(iov_base: UnsafeMutableRawPointer(mutating: payload.baseAddress), iov_len: payload.count)
            var message = msghdr()
            message.msg_iov = parts.baseAddress
            message.msg_iovlen = payload.isEmpty ? 1 : 2
            while true {
                let flags = Int32(MSG_DONTWAIT.rawValue) | Int32(MSG_NOSIGNAL.rawValue)
                if sendmsg(descriptor, &message, flags) >= 0 { return .sent }
                switch errno {
                case EINTR: continue
                case EAGAIN, ENOBUFS: return .full
                default: return .closed
                }
            }
        }
    }

    /// What a read found.
    package enum ReceiveResult: Sendable, Equatable {
        /// So many bytes lie in the buffer; a longer datagram was cut.
        case datagram(Int)
        case wouldBlock
        case closed
    }

    /// Reads one datagram into `buffer`. One thread at a time.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> ReceiveResult {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT.rawValue))
            if count > 0 { return .datagram(count) }
            if count == 0 { return .closed }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .closed
            }
        }
    }
}
