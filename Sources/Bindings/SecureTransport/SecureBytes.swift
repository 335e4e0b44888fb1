internal import COpenSSL

/// Bytes from OpenSSL's generator, fit for keys and identities.
///
/// - Parameter count: how many; at least 0.
package func randomBytes(count: Int) throws(OpenSSLError) -> [UInt8] {
    precondition(count >= 0 && count <= Int(Int32.max), "RAND_bytes takes an int")
    var bytes = [UInt8](repeating: 0, count: count)
    try check(RAND_bytes(&bytes, Int32(count)), "RAND_bytes")
    return bytes
}

/// Compares two secrets in a time that depends on their length only. Secrets of different lengths are unequal.
package func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return CRYPTO_memcmp(left, right, left.count) == 0
}
