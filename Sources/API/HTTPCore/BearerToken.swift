package import Bridge
package import BridgeModel

/// What an `Authorization` field holds.
package enum BearerToken: Sendable, Equatable {
    /// No field, or another scheme.
    case missing
    /// The scheme without a token, or with something that is none.
    case malformed
    case token(Redacted<String>)

    /// Reads `Bearer <token>`; the scheme's name in any case (RFC 9110 section 11.1).
    package init(_ field: String?) {
        // By bytes: a token has some 400 characters, and is read with each request.
        let words = (field ?? "").utf8.split(separator: UInt8(ascii: " ")).map(Substring.init)
        guard let scheme = words.first, scheme.lowercased() == "bearer" else {
            self = .missing
            return
        }
        guard words.count == 2, Self.isToken(words[1]) else {
            self = .malformed
            return
        }
        self = .token(Redacted(String(words[1])))
    }

    /// `token68` of RFC 9110 section 11.2.
    private static func isToken(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "-._~+/=".utf8.contains(byte)
                }
            }
    }
}

/// The token of a socket upgrade: in the query, because browsers cannot set a field there, or in `Authorization`.
package enum SocketToken {
    /// Both places must hold the same token if both hold one. Throws `missing` or `invalid`.
    package static func read(_ request: APIRequest) throws(AccessError) -> Redacted<String> {
        let query = request.query["auth_token"].map { Redacted($0) }
        switch request.bearer {
        case .malformed: throw .invalid
        case .missing:
            guard let query, !query.revealed.isEmpty else { throw .missing }
            return query
        case .token(let token):
            guard query == nil || query == token else { throw .invalid }
            return token
        }
    }
}
