package import Forwarding
package import LinuxIO
package import PeerTransport

/// What an operator or a test may set of the edge.
package struct EdgeOptions: Sendable {
    /// How viewers are let in, and where.
    package struct Admission: Sendable {
        /// From this share of its time on a worker takes no new viewers; those who watch are kept. 1 and more refuses nobody.
        package var loadLimit = 0.9
        /// Viewers of one stream that a worker gets before another one begins with a replica of the stream: that costs about as much as two of them.
        package var viewersBeforeSpreading = 50
    }

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
    package var admission = Admission()
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
        receiveBuffer = 8 << 20
        sendBuffer = 8 << 20
    }
}
