internal import CLinux
internal import Glibc

/// Room for a batch of received datagrams, filled again and again: receiving allocates nothing. It belongs to one thread.
///
/// With UDP_GRO one message holds many datagrams of one sender; `forEach` takes them apart. Each message has room for the largest that UDP has.
package struct UDPReceiveBatch: ~Copyable {
    /// What a receive found.
    package enum Received: Sendable, Equatable {
        /// So many messages can be read with `message`; fewer than `capacity` mean that the socket is empty.
        case messages(Int)
        /// There is nothing now.
        case empty
        /// The socket failed.
        case failed(SystemError)
    }

    /// One or more datagrams from one sender.
    package struct Message {
        /// Where they came from and which of our addresses they came to: the way back.
        package let route: UDPRoute
        /// All datagrams, one behind the other. May be changed in place until the next receive. Empty when the message was cut.
        package let bytes: UnsafeMutableRawBufferPointer
        /// Length of each datagram but the last, which may be shorter.
        package let segmentSize: Int

        /// Calls `body` for each datagram, in the order in which they were sent.
        @inline(__always)
        package func forEachDatagram(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
            var start = 0
            while start < bytes.count {
                let end = min(start + max(1, segmentSize), bytes.count)
                body(UnsafeMutableRawBufferPointer(rebasing: bytes[start..<end]))
                start = end
            }
        }
    }

    /// The most messages of one receive.
    package static let capacity = Int(CLINUX_UDP_BATCH)
    /// A UDP datagram's largest length (RFC 768), and that of a coalesced one.
    private static let slot = 65_536
    private let slab: UnsafeMutableRawBufferPointer
    private let received: UnsafeMutablePointer<clinux_udp_received>

    /// Takes two mebibytes of address space; pages that no message reaches stay without memory.
    package init() {
        slab = .allocate(byteCount: Self.slot * Self.capacity, alignment: 4096)
        received = .allocate(capacity: Self.capacity)
        received.initialize(repeating: clinux_udp_received(), count: Self.capacity)
    }

    deinit {
        slab.deallocate()
        received.deallocate()
    }

    /// Takes what waits at `socket`, up to `capacity` messages. An error that a peer caused (ICMP) counts as nothing there.
    package mutating func receive(from socket: borrowing UDPSocket) -> Received {
        let count = clinux_udp_receive(socket.descriptor, slab.baseAddress, Self.slot, received)
        switch count {
        case 1...: return .messages(Int(count))
        case 0, -EAGAIN, -EINTR, -ENOBUFS, -ENOMEM, -ECONNREFUSED, -EHOSTUNREACH, -ENETUNREACH: return .empty
        default: return .failed(SystemError(call: "recvmmsg", number: -count))
        }
    }

    /// Message number `index` of the last receive.
    package func message(_ index: Int) -> Message {
        let raw = received[index]
        let start = index * Self.slot
        return Message(
            route: UDPRoute(remote: SocketAddress(raw.remote), local: SocketAddress(raw.local)),
            bytes: UnsafeMutableRawBufferPointer(rebasing: slab[start..<start + Int(raw.length)]), segmentSize: Int(raw.segment))
    }
}
