internal import CLinux
internal import Glibc

/// One end of a connected AF_UNIX pair that keeps the borders of datagrams (`SocketPair.datagram`): media between hub and child. It never waits and
/// raises no SIGPIPE. Owns its descriptor and closes it at the end.
package final class DatagramSocket: Sendable {
    /// Open as long as this object lives.
    package let descriptor: Int32

    /// Takes over a descriptor.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// What became of a datagram.
    package enum SendResult: Sendable, Equatable {
        case sent
        /// The receiver is behind: nothing was sent.
        case full
        /// The other end is gone, or the descriptor is no such socket.
        case closed
    }

    /// Sends `head` and `body` as one datagram, without copying them together. Callable from any thread.
    @discardableResult
    package func send(
        _ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) -> SendResult {
        switch -clinux_send_datagram(descriptor, head.baseAddress, head.count, body.baseAddress, body.count) {
        case 0: .sent
        case EAGAIN, ENOBUFS, ENOMEM: .full
        default: .closed
        }
    }

    /// What `receive` found.
    package enum Received: Sendable, Equatable {
        /// A datagram of this many bytes lies in the buffer.
        case datagram(Int)
        /// A datagram was longer than the buffer and is lost.
        case tooLong
        /// Nothing more for now.
        case empty
        /// The other end is gone, or the descriptor is no such socket.
        case closed
    }

    /// Takes one datagram into `buffer`. One thread at a time; whoever takes many uses a `DatagramBatch`.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Received {
        while true {
            // With MSG_TRUNC the result is the datagram's true length (recv(2)).
            let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT | MSG_TRUNC))
            if count >= 0 { return count <= buffer.count ? .datagram(count) : .tooLong }
            switch errno {
            case EINTR: continue
            case EAGAIN, ENOBUFS, ENOMEM: return .empty
            default: return .closed
            }
        }
    }
}

/// Room for a batch of datagrams, filled again and again: receiving allocates nothing. It belongs to one thread.
package struct DatagramBatch: ~Copyable {
    /// What a receive found.
    package enum Received: Sendable, Equatable {
        /// So many datagrams can be read with `datagram`.
        case datagrams(Int)
        /// There is nothing now.
        case empty
        /// The other end is gone, or the socket failed.
        case closed
    }

    /// The most datagrams of one receive.
    package static let capacity = Int(CLINUX_DATAGRAM_BATCH)
    private let slot: Int
    private let slab: UnsafeMutableRawBufferPointer
    private var lengths = [UInt32](repeating: 0, count: capacity)

    /// `datagramSize` is the longest datagram that is taken; a longer one reads as empty.
    package init(datagramSize: Int) {
        slot = datagramSize
        slab = .allocate(byteCount: datagramSize * Self.capacity, alignment: 16)
    }

    deinit { slab.deallocate() }

    /// Takes what waits at `socket`, up to `capacity` datagrams.
    package mutating func receive(from socket: borrowing DatagramSocket) -> Received {
        let descriptor = socket.descriptor
        let count = lengths.withUnsafeMutableBufferPointer { clinux_receive_datagrams(descriptor, slab.baseAddress, slot, $0.baseAddress) }
        switch count {
        case 1...: return .datagrams(Int(count))
        case -EAGAIN, -EINTR, -ENOBUFS, -ENOMEM: return .empty
        default: return .closed
        }
    }

    /// Datagram number `index` of the last receive; the bytes are valid until the next one.
    package func datagram(_ index: Int) -> UnsafeRawBufferPointer {
        let start = index * slot
        return UnsafeRawBufferPointer(rebasing: slab[start..<start + Int(lengths[index])])
    }
}
