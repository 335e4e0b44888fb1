/// Why a server could not start or reload, or a client could not connect.
package enum WebServerError: Error, Sendable, Equatable {
    /// The bind address is not a numeric IPv4 or IPv6 address, or the port is out of range.
    case invalidAddress(String)
    /// The system refused to listen; `reason` is its own text for the error number.
    case cannotListen(address: String, port: Int, reason: String)
    /// A certificate or key file cannot be read, or the two do not belong together.
    case invalidCertificate(certificatePath: String, keyPath: String)
    /// `reloadCertificate()` on a server that has no TLS.
    case tlsNotConfigured
    /// `start()` on a server that was started before, or another call on one that does not run.
    case notInThisState
    /// libwebsockets could not be set up: the name of the function that failed.
    case libraryFailure(String)
    /// The URL of a client is not `ws://` or `wss://` with a host.
    case invalidURL(String)
    /// The server of a client could not be reached, or its TLS handshake failed.
    case connectFailed(reason: String)
    /// The server of a client answered with this HTTP status instead of 101.
    case upgradeRefused(status: Int)
    /// The server of a client answered with something that is no WebSocket handshake (RFC 6455, 4.1).
    case invalidHandshake
    /// The connection and handshake took longer than the limit.
    case timedOut
}

extension WebServerError: CustomStringConvertible {
    /// One sentence: what happened, to what, and what to do.
    package var description: String {
        switch self {
        case .invalidAddress(let address): "\(address) is not a numeric IP address with a port from 0 to 65535; correct the configuration."
        case .cannotListen(let address, let port, let reason):
            "Cannot listen on \(address) port \(port): \(reason); choose another address or stop what uses it."
        case .invalidCertificate(let certificate, let key):
            "The certificate \(certificate) and the key \(key) cannot be used together; check that both are readable PEM files of one pair."
        case .tlsNotConfigured: "The server has no certificate to reload; configure one and restart."
        case .notInThisState: "The server is not in a state that allows this call; start it once, before anything else."
        case .libraryFailure(let function): "libwebsockets failed in \(function); see the log lines before this one."
        case .invalidURL(let url): "\(url) is not a ws:// or wss:// URL with a host; correct it."
        case .connectFailed(let reason): "The server could not be reached: \(reason)."
        case .upgradeRefused(let status): "The server answered \(status) instead of opening a WebSocket; check the address and the token."
        case .invalidHandshake: "The server's answer is no WebSocket handshake; check that the address leads to a WebSocket server."
        case .timedOut: "The server did not answer in time; check that it is reachable."
        }
    }
}
