internal import COpenSSL

/// Keyed message digests (RFC 2104).
package enum MessageAuthentication: String, Sendable, CaseIterable {
    /// For TURN credentials (coturn's `use-auth-secret`) and STUN MESSAGE-INTEGRITY.
    case hmacSHA1 = "SHA1"
    case hmacSHA256 = "SHA256"

    /// Octets of the code.
    package var byteCount: Int {
        switch self {
        case .hmacSHA1: 20
        case .hmacSHA256: 32
        }
    }

    /// The code of `message` under `key`; both may be empty.
    package func code(of message: [UInt8], key: [UInt8]) throws(OpenSSLError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: byteCount)
        var length = 0
        // OpenSSL takes a null key as "none was set", so an empty key must still have an address.
        let result = (key + [0]).withUnsafeBufferPointer { keyBytes in
            EVP_Q_mac(
                nil, "HMAC", nil, rawValue, nil, keyBytes.baseAddress, key.count, message, message.count, &output, output.count, &length)
        }
        try check(result, "EVP_Q_mac")
        return output
    }
}
