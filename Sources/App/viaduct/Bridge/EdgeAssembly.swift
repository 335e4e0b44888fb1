import Bridge
import BridgeModel
import LinuxIO
import MediaPlane
import SecureTransport

extension EdgeSite {
    /// The sockets of our own engine as the settings want them. Throws what the operator has to correct.
    init(_ settings: Settings, certificate: Certificate, workers: Int) throws {
        let offered = IceSettings(settings).addresses
        let addresses = offered.isEmpty ? HostFacts.reachable(HostFacts.interfaceAddresses()) : offered
        let port = UInt16(clamping: settings.webrtc.port)
        // One loopback address: the socket is bound to it alone. Several addresses need a socket that is bound to all.
        let isLocal = addresses.allSatisfy { ["127.0.0.1", "::1"].contains($0) } && addresses.count == 1
        let bind = isLocal ? addresses.first.flatMap { SocketAddress($0, port: port) } : nil
        do {
            try self.init(
                EdgeOptions(address: bind ?? .any(port: port), advertisedAddresses: addresses), workers: workers,
                identity: DTLSContext(certificate: certificate))
        } catch {
            throw OperatorError("The port of WebRTC (webrtc.port, \(port)) does not open: \(error)")
        }
    }
}
