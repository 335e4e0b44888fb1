package import BridgeModel

/// Where a camera publishes.
package enum CameraTarget: Sendable, Equatable {
    /// A bridge of ours, by its origin in http or https: sessions of the native API, signalled over RTM.
    case rtm(DeliveryURL)
    /// Anybody's WHIP endpoint (RFC 9725).
    case whip(DeliveryURL)

    /// What a camera may connect to: its operator has chosen the place, so that no address is refused.
    package static func rules(host: String) -> AddressRules { AddressRules(allowPrivate: true, allow: [host]) }

    /// Reads what an operator gives: `ws://` or `wss://` and a bridge's host and port, or the `http://` or `https://` URL of a WHIP endpoint.
    package init(parsing text: String) throws(BridgeError) {
        let lowered = text.lowercased()
        if lowered.hasPrefix("ws://") || lowered.hasPrefix("wss://") {
            let url = try Self.url("http" + text.dropFirst(2), text)
            guard ["/", Self.socketPath].contains(url.target.revealed) else {
                let advice = "give a bridge as ws://HOST:PORT, and a WHIP endpoint as http:// or https://."
                throw BridgeError(.invalidURL, "\(text) has a path; \(advice)")
            }
            self = .rtm(url)
        } else if lowered.hasPrefix("http://") || lowered.hasPrefix("https://") {
            self = .whip(try Self.url(text, text))
        } else {
            throw Self.refused(text)
        }
    }

    private static let socketPath = "/bridge/v1/io"

    private static func url(_ url: some StringProtocol, _ text: String) throws(BridgeError) -> DeliveryURL {
        do throws(BridgeError) {
            return try DeliveryURL(parsing: Redacted(String(url)), rules: AddressRules(allowPrivate: true))
        } catch {
            throw refused(text)
        }
    }

    private static func refused(_ text: String) -> BridgeError {
        BridgeError(
            .invalidURL,
            "\(text) is no place that a camera can publish to; give a bridge as ws://HOST:PORT (or wss://), or a WHIP endpoint as http:// or "
                + "https:// with an ordinary port.")
    }

    /// Host of the place, in lower case or an address.
    package var host: String {
        switch self {
        case .rtm(let url), .whip(let url): url.host
        }
    }

    /// For sentences.
    package var name: String {
        switch self {
        case .rtm(let url): "The bridge at \(url.origin)"
        case .whip(let url): "The WHIP endpoint at \(url.origin)"
        }
    }
}
