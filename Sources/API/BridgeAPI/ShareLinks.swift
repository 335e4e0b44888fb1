package import BridgeModel

/// Signs links that open one clip until they expire: HMAC-SHA256 over the clip's id and the expiry, so that nothing about them is kept.
package struct ShareLinks: Sendable {
    /// HMAC-SHA256 of a message under the bridge's key; 32 bytes.
    package typealias MessageAuthentication = @Sendable (_ message: [UInt8]) -> [UInt8]

    private let authenticate: MessageAuthentication

    package init(hmacSHA256: @escaping MessageAuthentication) { authenticate = hmacSHA256 }

    /// The query of a link: when it expires, in seconds since 1970, and the signature in hexadecimal.
    package func query(for clip: ClipID, expiry: WallTime) -> String {
        "expires=\(expiry.seconds)&signature=\(signature(clip, expires: String(expiry.seconds)))"
    }

    /// Whether the parts of a link belong together and it has not expired. Takes the same time for every signature of the right length.
    package func isValid(_ clip: ClipID, expires: String?, signature: String?, now: WallTime) -> Bool {
        guard let expires, let signature, let seconds = WholeNumber.read(expires, in: 0...999_999_999_999), now.seconds < seconds
        else { return false }
        let (given, expected) = (Array(signature.utf8), Array(self.signature(clip, expires: expires).utf8))
        guard given.count == expected.count, !expected.isEmpty else { return false }
        return zip(given, expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private func signature(_ clip: ClipID, expires: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let code = authenticate(Array("clip \(clip) \(expires)".utf8))
        return String(decoding: code.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
