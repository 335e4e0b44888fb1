/// The user fragment and password of one ICE session (RFC 8445 section 5.3); a new pair begins another one.
package struct IceParameters: Codable, Sendable, Hashable {
    /// 4 to 256 ICE characters.
    package var ufrag: String
    /// 22 to 256 ICE characters.
    package var password: Redacted<String>

    /// Wraps text that a codec has already checked.
    package init(ufrag: String, password: Redacted<String>) {
        self.ufrag = ufrag
        self.password = password
    }
}
