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

    /// Reads the members `url` and `token` of an order.
    package init(reading order: JSONValue, rules: AddressRules) throws(FieldFault) {
        url = try order.conferenceURL(rules: rules)
        token = try order.conferenceSecret("token")
    }

    /// What its order said.
    var order: [JSONText.Member] {
        [.init("url", .string(url.text.revealed)), .init("token", .optional(token?.revealed))]
    }
}
