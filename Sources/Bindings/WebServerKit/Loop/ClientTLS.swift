internal import CWebSocketsShims

/// The TLS of one outgoing connection: turns wire bytes into what the peer says, and the reverse. On its loop only.
final class ClientTLS {
    /// The handshake failed, the certificate was not accepted, or the peer's bytes are no TLS.
    struct Failure: Error {}

    /// What bytes from the wire have led to.
    struct Outcome {
        var plaintext: [UInt8] = []
        /// Bytes to send at once.
        var reply: [UInt8] = []
        /// The handshake has been completed by these bytes.
        var hasConnected = false
        /// The peer has said that it sends nothing more.
        var isClosed = false
    }

    /// As much as one TLS record holds (RFC 8446, 5.1).
    private static let recordBytes = 16 * 1024

    private let tls: OpaquePointer
    private var isConnected = false

    /// Nil when the file of authorities cannot be used.
    init?(host: String, authorityPath: String?) {
        let tls =
            if let authorityPath { viaduct_tls_open(host, authorityPath) } else { viaduct_tls_open(host, nil) }
        guard let tls else { return nil }
        self.tls = tls
    }

    deinit { viaduct_tls_free(tls) }

    /// The first bytes of the handshake.
    func begin() throws(Failure) -> [UInt8] {
        guard viaduct_tls_shake_hands(tls) >= 0 else { throw Failure() }
        return drain()
    }

    /// Takes bytes from the wire.
    func receive(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Outcome {
        var outcome = Outcome()
        guard viaduct_tls_feed(tls, bytes.baseAddress, bytes.count) != 0 else { throw Failure() }
        if !isConnected {
            let status = viaduct_tls_shake_hands(tls)
            guard status >= 0 else { throw Failure() }
            isConnected = status == 1
            outcome.hasConnected = isConnected
        }
        if isConnected { try readAll(into: &outcome) }
        outcome.reply = drain()
        return outcome
    }

    /// What to send for the peer to read these bytes.
    func seal(_ bytes: [UInt8]) -> [UInt8] {
        guard viaduct_tls_write(tls, bytes, bytes.count) != 0 else { return [] }
        return drain()
    }

    private func readAll(into outcome: inout Outcome) throws(Failure) {
        while true {
            var status: Int32 = 0
            let part = [UInt8](unsafeUninitializedCapacity: Self.recordBytes) { buffer, count in
                status = viaduct_tls_read(tls, buffer.baseAddress, Self.recordBytes)
                count = max(0, Int(status))
            }
            outcome.plaintext += part
            switch Int(status) {
            case VIADUCT_TLS_NEEDS_MORE: return
            case VIADUCT_TLS_CLOSED:
                outcome.isClosed = true
                return
            case VIADUCT_TLS_FAILED: throw Failure()
            default: break
            }
        }
    }

    private func drain() -> [UInt8] {
        var wire: [UInt8] = []
        while true {
            let part = [UInt8](unsafeUninitializedCapacity: Self.recordBytes) { buffer, count in
                count = viaduct_tls_drain(tls, buffer.baseAddress, Self.recordBytes)
            }
            if part.isEmpty { return wire }
            wire += part
        }
    }
}
