import SecureTransport

/// Contexts of two peers that know each other.
private let peers: (client: DTLSContext, server: DTLSContext)? = {
    guard let client = try? Certificate.makeSelfSigned(), let server = try? Certificate.makeSelfSigned(),
        let clientContext = try? DTLSContext(certificate: client), let serverContext = try? DTLSContext(certificate: server)
    else { return nil }
    return (clientContext, serverContext)
}()

/// Datagrams with their lengths in front, an octet each: they come to a server and a client before their handshake, amid it and after it. Nothing
/// traps, nothing that is sent is too long, and what the attacker sends to a connected endpoint leaves it connected.
func fuzzDTLS(_ bytes: UnsafeRawBufferPointer) {
    guard let choice = bytes.first, let stage = Stage(attackAt: Int(choice & 3)) else { return }
    var rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    while let length = rest.first {
        let datagram = UnsafeRawBufferPointer(rebasing: rest.dropFirst().prefix(Int(length)))
        stage.attack(datagram, server: choice & 4 == 0)
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(1 + datagram.count))
    }
    stage.finish()
}

private final class Stage {
    private let client: DTLSEndpoint
    private let server: DTLSEndpoint
    private var now = Duration.zero
    private var toServer: [[UInt8]] = []
    private var toClient: [[UInt8]] = []

    /// 0 is before the ClientHello, 1 before it is answered, 2 before the client's answer to that, 3 when both are connected.
    init?(attackAt moment: Int) {
        guard let peers,
            let client = try? DTLSEndpoint(context: peers.client, role: .client, fingerprints: [peers.server.fingerprint]),
            let server = try? DTLSEndpoint(context: peers.server, role: .server, fingerprints: [peers.client.fingerprint])
        else { return nil }
        self.client = client
        self.server = server
        if moment > 0 { start() }
        if moment > 1 { deliver() }
        if moment > 2 {
            for _ in 0..<4 { deliver() }
            precondition(client.isConnected && server.isConnected)
        }
    }

    func attack(_ datagram: UnsafeRawBufferPointer, server attacksServer: Bool) {
        now += .milliseconds(1)
        let victim = attacksServer ? server : client
        let wasConnected = victim.isConnected
        _ = victim.receive(datagram, now: now) { post($0, toServer: !attacksServer) }
        precondition(victim.isConnected || !wasConnected)
    }

    /// Whatever came before, time ends it.
    func finish() {
        start()
        for _ in 0..<100 where client.deadline != nil || server.deadline != nil {
            deliver()
            now += .seconds(4)
            _ = client.tick(now: now) { post($0, toServer: true) }
            _ = server.tick(now: now) { post($0, toServer: false) }
        }
        precondition(client.deadline == nil)
    }

    private func start() {
        if client.deadline == nil { _ = client.start(now: now) { post($0, toServer: true) } }
    }

    /// One way, then the other.
    private func deliver() {
        let (ofClient, ofServer) = (toServer, toClient)
        (toServer, toClient) = ([], [])
        for datagram in ofClient {
            datagram.withUnsafeBytes { octets in _ = server.receive(octets, now: now) { post($0, toServer: false) } }
        }
        for datagram in ofServer {
            datagram.withUnsafeBytes { octets in _ = client.receive(octets, now: now) { post($0, toServer: true) } }
        }
    }

    private func post(_ datagram: UnsafeRawBufferPointer, toServer isToServer: Bool) {
        precondition(!datagram.isEmpty && datagram.count <= DTLSContext.maximumDatagramByteCount)
        if isToServer { toServer.append(Array(datagram)) } else { toClient.append(Array(datagram)) }
    }
}
