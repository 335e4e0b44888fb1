internal import CWebSockets

/// What a server needs to begin.
struct Opening: Sendable {
    let socket: ListeningSocket
    let tls: TLSFiles?
    let handler: any WebHandler
}

/// The virtual hosts that a socket host has in use.
struct VirtualHostTable {
    let maker: VirtualHosts
    /// For the listening socket and for connections without TLS.
    let plain: OpaquePointer
    /// For accepted connections. The host of an earlier certificate lives on for its connections, until the context goes.
    var serving: OpaquePointer
    /// For clients, by the file of authorities they trust.
    var clients: [String?: OpaquePointer] = [:]
}

extension SocketHost {
    /// Starts to serve. The socket is closed on failure.
    func open(_ opening: Opening) -> Result<Void, WebServerError> {
        guard makeVirtualHosts(), let plain = virtualHosts?.plain else {
            opening.socket.close()
            return .failure(.libraryFailure("lws_create_vhost"))
        }
        if let tls = opening.tls, case .failure(let error) = useCertificate(tls) {
            opening.socket.close()
            return .failure(error)
        }
        door = Door(socket: opening.socket, handler: opening.handler, isSecure: opening.tls != nil, watchedBy: plain)
        return door == nil ? .failure(.libraryFailure("lws_adopt_descriptor_vhost")) : .success(())
    }

    /// Serves new connections with these files.
    func useCertificate(_ files: TLSFiles) -> Result<Void, WebServerError> {
        guard let serving = virtualHosts?.maker.makeServer(files) else {
            return .failure(.invalidCertificate(certificatePath: files.certificatePath, keyPath: files.keyPath))
        }
        virtualHosts?.serving = serving
        return .success(())
    }

    /// The host for clients that trust this file's authorities, or the system's.
    func clientVirtualHost(authorityPath: String?) -> OpaquePointer? {
        guard virtualHosts != nil || makeVirtualHosts() else { return nil }
        if let known = virtualHosts?.clients[authorityPath] { return known }
        let made = virtualHosts?.maker.makeClient(authorityPath: authorityPath)
        virtualHosts?.clients[authorityPath] = made
        return made
    }

    private func makeVirtualHosts() -> Bool {
        guard let context, let plain = VirtualHosts(context: context).makePlain() else { return false }
        virtualHosts = VirtualHostTable(maker: VirtualHosts(context: context), plain: plain, serving: plain)
        return true
    }
}
