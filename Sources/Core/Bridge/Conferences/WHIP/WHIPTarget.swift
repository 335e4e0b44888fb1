package import BridgeModel

/// Somebody else's WHIP endpoint (RFC 9725).
package struct WHIPTarget: Sendable, Equatable {
    package var url: DeliveryURL
    /// The bearer token that the endpoint wants; nil where it wants none.
    package var token: Redacted<String>?

    package init(url: DeliveryURL, token: Redacted<String>? = nil) {
        self.url = url
        self.token = token
    }

    /// Bytes of a token.
    private static let tokenLimit = 4096

    /// Reads the members `url` and `token` of an order.
    package init(reading order: JSONValue, rules: AddressRules) throws(FieldFault) {
        guard let member = order["url"], !member.isNull else { throw .missing("url") }
        guard let text = member.string else { throw FieldFault("url", "a string") }
        do throws(BridgeError) {
            url = try DeliveryURL(parsing: Redacted(text), rules: rules)
        } catch {
            throw FieldFault("url", "an absolute https URL with a public host and an ordinary port")
        }
        guard let member = order["token"], !member.isNull else { return }
        // What a field of HTTP may carry (RFC 6750 section 2.1 allows less).
        guard let text = member.string, (1...Self.tokenLimit).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw FieldFault("token", "1 to \(Self.tokenLimit) visible ASCII characters")
        }
        token = Redacted(text)
    }
}
