internal import CWebSockets
internal import CWebSocketsShims
import Glibc

/// The listening socket of a server, on its loop.
struct Door {
    /// Connections taken in one go before others get their turn.
    private static let batch = 64

    let handler: any WebHandler
    let isSecure: Bool
    private let socket: ListeningSocket
    private let watcher: OpaquePointer

    /// Watches a listening socket by way of a host without TLS; nil when libwebsockets fails.
    init?(socket: ListeningSocket, handler: any WebHandler, isSecure: Bool, watchedBy vhost: OpaquePointer) {
        let id = ConnectionID.listener.opaquePointer
        guard let watcher = viaduct_lws_adopt_listener(vhost, socket.descriptor, VirtualHosts.protocolNamePointer, id) else { return nil }
        self.watcher = watcher
        self.socket = socket
        self.handler = handler
        self.isSecure = isSecure
    }

    /// Takes the connections that wait. Without free descriptors it stops looking until `resume`, instead of looking without end.
    func accept(_ admit: (AcceptedSocket) -> Void) {
        for _ in 0..<Self.batch {
            switch socket.accept() {
            case .accepted(let accepted): admit(accepted)
            case .nothing: return
            case .exhausted:
                lws_rx_flow_control(watcher, 0)
                return
            }
        }
    }

    /// Looks again, if it had to stop.
    func resume() { lws_rx_flow_control(watcher, 1) }

    /// Stops listening; libwebsockets closes the descriptor.
    func close() {
        shutdown(socket.descriptor, Int32(SHUT_RD))
        lws_set_timeout(watcher, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC)
    }
}

/// A TCP socket that listens. Whoever adopts it closes it.
struct ListeningSocket: Sendable {
    /// What a call of `accept` found.
    enum Outcome {
        case accepted(AcceptedSocket)
        case nothing
        /// The process or the system has no descriptor left.
        case exhausted
    }

    private static let backlog: Int32 = 4096

    let descriptor: Int32
    /// The port listened on, also when the system chose it.
    let port: Int

    /// Binds and listens.
    init(address: String, port: Int) throws(WebServerError) {
        guard let target = SocketAddress(numeric: address, port: port) else { throw .invalidAddress(address) }
        let descriptor = socket(
            target.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw .cannotListen(address: address, port: port, reason: String(cString: strerror(errno))) }
        var on: Int32 = 1
        var off: Int32 = 0
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        if target.family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, socklen_t(MemoryLayout<Int32>.size))
        }
        guard target.bind(descriptor) == 0, listen(descriptor, Self.backlog) == 0 else {
            let reason = String(cString: strerror(errno))
            _ = Glibc.close(descriptor)
            throw .cannotListen(address: address, port: port, reason: reason)
        }
        self.descriptor = descriptor
        self.port = SocketAddress(localOf: descriptor)?.port ?? port
    }

    func accept() -> Outcome {
        while true {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let accepted = withUnsafeMutableBytes(of: &storage) { raw in
                viaduct_accept(descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
            }
            guard accepted < 0 else { return .accepted(AcceptedSocket(descriptor: accepted, address: SocketAddress(storage).host)) }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            default: return .nothing
            }
        }
    }
}

/// A connection that was accepted and not adopted yet.
struct AcceptedSocket {
    let descriptor: Int32
    let address: String

    /// Hands the descriptor to libwebsockets, which closes it when this fails.
    func adopt(into vhost: OpaquePointer, id: ConnectionID) -> OpaquePointer? {
        var on: Int32 = 1
        // Responses are written whole; waiting to fill a segment would only delay them.
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return viaduct_lws_adopt_socket(vhost, descriptor, VirtualHosts.protocolNamePointer, id.opaquePointer)
    }

    func close() { _ = Glibc.close(descriptor) }
}

extension ListeningSocket {
    /// Stops listening, where nobody has adopted the socket.
    func close() { _ = Glibc.close(descriptor) }
}
