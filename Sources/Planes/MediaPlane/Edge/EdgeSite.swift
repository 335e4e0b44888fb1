import BridgeModel
package import LinuxIO
import PeerTransport
import SDP
package import SecureTransport
import Forwarding

/// The sockets and the certificate of our own WebRTC engine: made before the hub, whose workers run it.
package struct EdgeSite: Sendable {
    let environment: EdgeEnvironment
    /// What answers name.
    let candidates: [LocalCandidate]
    private let sockets: [UDPSocket]
    private let listener: TCPListener?
    /// How viewers are let in, and where.
    let admission: EdgeOptions.Admission

    /// Binds one port for all workers. Throws the failed system call, for instance EADDRINUSE.
    package init(_ options: EdgeOptions, workers: Int, identity: DTLSContext) throws(SystemError) {
        let (sockets, listener) = try Self.bind(options, workers: max(1, workers))
        let port = sockets[0].localAddress.port
        self.sockets = sockets
        admission = options.admission
        environment = EdgeEnvironment(
            port: port, peersPerWorker: options.peersPerWorker, transportPolicy: options.transportPolicy,
            viewerRules: options.viewerRules, identity: identity,
            awaited: AwaitedPeers(capacity: options.peersPerWorker * max(1, workers)))
        self.listener = listener
        let addresses = options.advertisedAddresses
        candidates =
            addresses.map { LocalCandidate(address: $0, port: port) }
            + (options.takesTCP ? addresses.map { LocalCandidate(address: $0, port: port, transport: .tcpPassive) } : [])
    }

    /// A socket for each worker, and one listener: a connection cannot be told apart before its first check, so one worker takes all of them and hands
    /// them on. Where the kernel chooses the port, one is looked for that both protocols have free.
    private static func bind(_ options: EdgeOptions, workers: Int) throws(SystemError) -> ([UDPSocket], TCPListener?) {
        for _ in 1..<portAttempts {
            do throws(SystemError) {
                return try bindOnce(options, workers: workers)
            } catch {
                guard options.address.port == 0, error.isAddressInUse else { throw error }
            }
        }
        return try bindOnce(options, workers: workers)
    }

    private static let portAttempts = 16

    private static func bindOnce(_ options: EdgeOptions, workers: Int) throws(SystemError) -> ([UDPSocket], TCPListener?) {
        let socketOptions = UDPSocket.Options(
            receiveBuffer: options.receiveBuffer, sendBuffer: options.sendBuffer, sharesPort: workers > 1,
            isForThisMachine: options.isForThisMachine)
        var sockets = [try UDPSocket(bindingTo: options.address, options: socketOptions)]
        let address = sockets[0].localAddress
        while sockets.count < workers { sockets.append(try UDPSocket(bindingTo: address, options: socketOptions)) }
        guard options.takesTCP else { return (sockets, nil) }
        return (sockets, try TCPListener(bindingTo: address, isForThisMachine: options.isForThisMachine))
    }

    /// The UDP port that all peers share.
    package var port: UInt16 { environment.port }
    /// What the kernel can do for the sockets, and the buffers that it granted.
    package var socketFacts: (features: UDPSocket.Features, receiveBuffer: Int, sendBuffer: Int) {
        (sockets[0].features, sockets[0].receiveBufferBytes, sockets[0].sendBufferBytes)
    }

    func parts(ofWorker number: Int) -> EdgeWorkerParts {
        EdgeWorkerParts(environment: environment, socket: sockets[number % sockets.count], listener: number == 0 ? listener : nil)
    }
}

/// What the peers of a worker share with those of the others.
struct EdgeEnvironment: Sendable {
    /// The port that every worker's socket is bound to.
    let port: UInt16
    let peersPerWorker: Int
    let transportPolicy: TransportPolicy
    let viewerRules: EgressViewerRules
    /// Our certificate and what handshakes agree on.
    let identity: DTLSContext
    /// Peers that have an offer of ours and whose answer is under way.
    let awaited: AwaitedPeers

    /// Our SSRC towards a publisher: any one will do, since we send it no media.
    func ssrc(of peer: PeerIndex) -> UInt32 { 0x5641_0000 &+ UInt32(truncatingIfNeeded: peer.number) }
}
