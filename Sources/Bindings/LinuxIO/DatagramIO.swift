internal import CLinux
internal import Glibc

/// Sends and receives on AF_UNIX sockets that keep datagram borders (SOCK_DGRAM, SOCK_SEQPACKET). Nothing here blocks or raises SIGPIPE.
package enum DatagramIO {
    /// What became of a datagram.
    package enum SendResult: Sendable, Equatable {
        case sent
        /// The socket is full; nothing was sent.
        case full
        /// The peer is gone.
        case closed
    }

    /// Sends `head` and `body` as one datagram.
    package static func send(_ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer, to socket: Int32) -> SendResult {
        let status = clinux_send_datagram(socket, head.baseAddress, head.count, body.baseAddress, body.count)
        switch -status {
        case 0: return .sent
        case EAGAIN, ENOBUFS, ENOMEM, EINTR: return .full
        default: return .closed
        }
    }
}

/// Room for a batch of datagrams, filled again and again: receiving allocates nothing. It belongs to one thread.
package struct DatagramBatch: ~Copyable {
    /// What a receive found.
    package enum ReceiveResult: Sendable, Equatable {
        /// So many datagrams can be read with `withDatagram`.
        case received(Int)
        /// There is nothing now.
        case empty
        /// The peer is gone, or the socket failed.
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
    package mutating func receive(from socket: Int32) -> ReceiveResult {
        let count = lengths.withUnsafeMutableBufferPointer { clinux_receive_datagrams(socket, slab.baseAddress, slot, $0.baseAddress) }
        switch count {
        case 0: return .closed
        case 1...: return .received(Int(count))
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
