import Bridge
import BridgeModel
import LinuxIO
import MediaPlane
import SecureTransport

/// The open port of our own engine.
struct OpenEdge {
    let site: EdgeSite
    let reach: EdgeReach

    /// For people.
    var summary: String { reach.summary(port: site.port) }

    /// Opens the sockets that the settings want. Throws what the operator has to correct.
    init(_ settings: Settings, certificate: Certificate, workers: Int) throws {
        reach = try EdgeReach(settings)
        let port = UInt16(clamping: settings.webrtc.port)
        let bind = reach.bound.flatMap { SocketAddress($0, port: port) } ?? .any(port: port)
        var options = EdgeOptions(address: bind, advertisedAddresses: reach.offered)
        options.isForThisMachine = reach.isForThisMachine
        options.admission.loadLimit = Double(settings.webrtc.loadLimit) / 100
        do {
            site = try EdgeSite(options, workers: workers, identity: DTLSContext(certificate: certificate))
        } catch {
            throw OperatorError(
                "The port of WebRTC (webrtc.port, UDP and TCP \(port)) does not open: \(error); end what has it, or set another one.")
        }
    }

    /// Throws when this machine's OpenSSL cannot encrypt media: no peer would ever connect.
    static func checkCiphers() throws(OperatorError) {
        do {
            _ = try PacketCiphers()
        } catch {
            throw OperatorError(
                "OpenSSL lacks a cipher that WebRTC needs (AES-128-GCM, AES-128-CTR): \(error); correct its configuration (openssl.cnf).")
        }
    }
}
