internal import CLinux
internal import Glibc

/// A UDP socket that is shared by all peers of a worker: non-blocking, bound, not connected. Owns its descriptor and closes it at the end.
///
/// Several workers share one port: each opens a socket of its own with `sharesPort` (SO_REUSEPORT), and the kernel gives all datagrams of one 5-tuple
/// to one of them as long as the group of sockets stays the same. A socket of the group may send to any peer: the source port is the same. A datagram
/// that arrives at another worker than its peer's is handed over by the caller (MediaPlane), which needs neither eBPF nor a descriptor a peer.
package final class UDPSocket: Sendable {
    /// What the kernel can do for a socket; asked when the socket is opened.
    package struct Features: OptionSet, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        /// UDP_SEGMENT: one send makes many datagrams (Linux 4.18).
        package static let segmentation = Features(rawValue: Int32(CLINUX_UDP_SEGMENT))
        /// UDP_GRO: one receive gives many datagrams (Linux 5.0).
        package static let coalescing = Features(rawValue: Int32(CLINUX_UDP_GRO))
        /// The local address of each datagram is known (IP_PKTINFO, IPV6_RECVPKTINFO).
        package static let localAddresses = Features(rawValue: Int32(CLINUX_UDP_PKTINFO))
        /// IPv6 and IPv4 on one socket.
        package static let dualStack = Features(rawValue: Int32(CLINUX_UDP_DUAL_STACK))
        /// The socket is of the IPv6 family.
        package static let ipv6 = Features(rawValue: Int32(CLINUX_UDP_IPV6))
    }

    /// What is asked of the kernel.
    package struct Options: Sendable, Equatable {
        /// Bytes that may wait to be received; above net.core.rmem_max only with CAP_NET_ADMIN.
        package var receiveBuffer: Int32
        /// Bytes that may wait to be sent.
        package var sendBuffer: Int32
        /// Other sockets of ours are bound to the same port (SO_REUSEPORT).
        package var sharesPort: Bool
        /// Take many datagrams with one receive (UDP_GRO).
        package var coalesces: Bool
        /// Take nothing that another machine sent, whatever address the socket is bound to.
        package var isForThisMachine: Bool

        package init(
            receiveBuffer: Int32 = 8 << 20, sendBuffer: Int32 = 8 << 20, sharesPort: Bool = false, coalesces: Bool = true,
            isForThisMachine: Bool = false
        ) {
            self.isForThisMachine = isForThisMachine
            self.receiveBuffer = receiveBuffer
            self.sendBuffer = sendBuffer
            self.sharesPort = sharesPort
            self.coalesces = coalesces
        }
    }

    /// For an `Epoll`; stays owned here.
    package let descriptor: Int32
    /// Where the socket is bound, with the port that the kernel chose.
    package let localAddress: SocketAddress
    package let features: Features
    /// What the kernel granted, in bytes of its own book-keeping (twice what fits, socket(7)).
    package let receiveBufferBytes: Int
    package let sendBufferBytes: Int

    /// Binds to `address`. `::` takes IPv6 and IPv4, or IPv4 alone on a machine without IPv6. Throws the failed system call, for instance EADDRINUSE.
    package init(bindingTo address: SocketAddress, options: Options = Options()) throws(SystemError) {
        var raw = address.raw
        var wanted = clinux_udp_options(
            receive_buffer: options.receiveBuffer, send_buffer: options.sendBuffer, reuse_port: options.sharesPort ? 1 : 0,
            coalesce: options.coalesces ? 1 : 0, only_local: options.isForThisMachine ? 1 : 0)
        var facts = clinux_udp_facts()
        descriptor = clinux_udp_open(&raw, &wanted, &facts)
        guard descriptor >= 0 else { throw SystemError(call: "bind", number: -descriptor) }
        localAddress = SocketAddress(facts.local)
        features = Features(rawValue: facts.features)
        receiveBufferBytes = Int(facts.receive_buffer)
        sendBufferBytes = Int(facts.send_buffer)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
