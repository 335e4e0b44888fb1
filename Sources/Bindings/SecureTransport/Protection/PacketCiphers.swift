/// What all peers of a media worker share: OpenSSL's algorithms, looked up once, and contexts for what is too rare to keep one for each peer.
///
/// A worker makes one, and only its thread uses it. RTCP packets come a few times a second, so their key is scheduled anew for each of them
/// (0.05 to 0.14 us), which saves each peer two contexts of up to 1.2 kB.
package final class PacketCiphers {
    private let gcm: CipherAlgorithm
    private let counterMode: CipherAlgorithm
    private let sharedGCM: CipherContext
    private let sharedCounterMode: CipherContext
    /// For AES128_CM_SHA1_80.
    let hmac: HMACSHA1

    /// Fails when OpenSSL has no AES-128-GCM or AES-128-CTR, or no memory.
    package init() throws(OpenSSLError) {
        gcm = try CipherAlgorithm("AES-128-GCM")
        counterMode = try CipherAlgorithm("AES-128-CTR")
        sharedGCM = try CipherContext(gcm)
        sharedCounterMode = try CipherContext(counterMode)
        hmac = HMACSHA1()
    }

    /// A context whose key is scheduled once.
    func makeContext(for profile: ProtectionProfile, key: UnsafePointer<UInt8>) throws(OpenSSLError) -> CipherContext {
        switch profile {
        case .aeadAES128GCM: try CipherContext(gcm, key: key)
        case .aes128CMSHA1_80: try CipherContext(counterMode, key: key)
        }
    }

    /// The context that is given a key with each packet.
    func shared(for profile: ProtectionProfile) -> CipherOperations {
        switch profile {
        case .aeadAES128GCM: sharedGCM.operations
        case .aes128CMSHA1_80: sharedCounterMode.operations
        }
    }
}
