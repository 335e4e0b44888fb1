internal import CLinux
internal import Glibc

/// A listening TCP socket, non-blocking: the passive side of ICE-TCP (RFC 6544). Owns its descriptor and closes it at the end.
package final class TCPListener: Sendable {
    /// For an `Epoll`; stays owned here.
    package let descriptor: Int32
    /// Where it listens, with the port that the kernel chose.
    package let localAddress: SocketAddress

    /// Listens on `address`; `::` takes IPv6 and IPv4, or IPv4 alone on a machine without IPv6. `isForThisMachine`: others do not get through, whatever the
    /// address. Throws the failed system call.
    package init(bindingTo address: SocketAddress, backlog: Int32 = 256, isForThisMachine: Bool = false) throws(SystemError) {
        var raw = address.raw
        var local = clinux_address()
        descriptor = clinux_tcp_listen(&raw, backlog, isForThisMachine ? 1 : 0, &local)
        guard descriptor >= 0 else { throw SystemError(call: "listen", number: -descriptor) }
        localAddress = SocketAddress(local)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// What `accept` found.
    package enum Accepted {
        case connection(FramedConnection)
        /// Nobody waits.
        case empty
        /// The process or the machine has no descriptor or memory left: those who wait go on waiting.
        case exhausted
    }

    /// Takes one connection. Whoever gets it owns it.
    package func accept() -> Accepted {
        while true {
            var remote = clinux_address()
            var local = clinux_address()
            let accepted = clinux_tcp_accept(descriptor, &remote, &local)
            if accepted >= 0 {
                return .connection(FramedConnection(descriptor: accepted, remote: SocketAddress(remote), local: SocketAddress(local)))
            }
            switch -accepted {
            case EINTR, ECONNABORTED, EPROTO: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            default: return .empty
            }
        }
    }
}
