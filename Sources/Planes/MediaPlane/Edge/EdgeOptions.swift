package import Forwarding
package import LinuxIO
package import PeerTransport

/// What an operator or a test may set of the edge.
package struct EdgeOptions: Sendable {
    /// Where UDP and ICE-TCP are bound; `::` takes IPv6 and IPv4. Port 0 lets the kernel choose.
    package var address: SocketAddress
    /// Nobody but this machine's own programs gets through, whatever the address.
    package var isForThisMachine: Bool
    /// The addresses that answers name, as text; the preferred one first. Port and protocol are the sockets'.
    package var advertisedAddresses: [String]
    /// Take ICE-TCP on the same port number (RFC 6544).
    package var takesTCP: Bool
    /// The most peers of one worker.
    package var peersPerWorker: Int
    /// Deadlines of a peer's transport.
    package var transportPolicy: TransportPolicy
    /// Limits of a viewer.
    package var viewerRules: EgressViewerRules
    /// Above this share of a worker's time new viewers are refused; those who watch are kept. 1 and more refuses nobody.
    package var admissionLimit: Double
    /// Buffers of the UDP sockets.
    package var receiveBuffer: Int32
    package var sendBuffer: Int32

    package init(
        address: SocketAddress = .any(port: 8189), advertisedAddresses: [String], peersPerWorker: Int = 4096,
        transportPolicy: TransportPolicy = TransportPolicy(), viewerRules: EgressViewerRules = EgressViewerRules()
    ) {
        self.address = address
        self.advertisedAddresses = advertisedAddresses
        self.peersPerWorker = peersPerWorker
        self.transportPolicy = transportPolicy
        self.viewerRules = viewerRules
        isForThisMachine = false
        takesTCP = true
        admissionLimit = 0.9
        receiveBuffer = 8 << 20
        sendBuffer = 8 << 20
    }
}
