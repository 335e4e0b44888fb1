/// Who begins the handshake, as `a=setup` settles it (RFC 5763 section 5): active is the client, passive the server.
package enum DTLSRole: Sendable, Hashable {
    /// Sends the ClientHello: `a=setup:active`.
    case client
    /// Waits for it: `a=setup:passive`.
    case server

    /// The role of the other side.
    package var opposite: DTLSRole { self == .client ? .server : .client }
}

/// Why a DTLS association did not come to be, or ended. Holds no secret.
package enum DTLSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// None of the peer's `a=fingerprint` values uses SHA-256, SHA-384 or SHA-512.
    case noUsableFingerprint
    /// The peer's certificate is not the one that its SDP names. It got a `bad_certificate` alert and no keys exist.
    case fingerprintMismatch
    /// The key in the peer's certificate is neither P-256, P-384 nor RSA of 2048 to 8192 bits.
    case weakCertificate
    /// The peer offered, or chose, no SRTP profile of ours.
    case noCommonProfile
    /// The peer refused with this alert (RFC 5246 section 7.2).
    case alertReceived(UInt8)
    /// The handshake cannot go on, for instance because no cipher suite is shared; OpenSSL's reason.
    case handshakeFailed(OpenSSLError)
    /// The peer stayed silent through all retransmissions.
    case timedOut

    /// One line for a log.
    package var description: String {
        switch self {
        case .noUsableFingerprint: "the SDP has no fingerprint with SHA-256 or better"
        case .fingerprintMismatch: "the certificate does not match the SDP's fingerprint"
        case .weakCertificate: "the certificate's key is too weak or of an unsupported kind"
        case .noCommonProfile: "no SRTP profile is shared"
        case .alertReceived(let code): "the peer refused the handshake with alert \(code)"
        case .handshakeFailed(let error): "the handshake failed: \(error)"
        case .timedOut: "the peer did not answer the handshake"
        }
    }
}

/// What happened to a `DTLSEndpoint` during a call.
package enum DTLSEvent: Sendable, Equatable {
    /// The handshake is finished on this side and the peer's certificate matched. Comes once, before any other; `takeKeyingMaterial` has the keys.
    case connected
    /// The association is over and never had, or no longer has, a peer. Comes at most once; nothing comes after it.
    case failed(DTLSError)
    /// The peer said goodbye (`close_notify`). Comes at most once; nothing comes after it.
    case closedByPeer
}
