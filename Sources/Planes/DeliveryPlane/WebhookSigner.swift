internal import Bridge
package import BridgeModel
internal import Crypto
internal import Foundation

/// The secret of webhook signatures in its textual form, `whsec_` and base64 of 24 to 64 bytes (Standard Webhooks).
package struct WebhookSecret: Sendable, Equatable {
    private static let prefix = "whsec_"
    private static let lengths = 24...64
    /// Bytes of a secret that the bridge makes: the length of SHA-256.
    private static let madeLength = 32

    let key: Redacted<[UInt8]>

    /// Throws `invalid_field`, without the text.
    package init(parsing text: Redacted<String>) throws(BridgeError) {
        guard text.revealed.hasPrefix(Self.prefix), let key = Data(base64Encoded: String(text.revealed.dropFirst(Self.prefix.count))),
            Self.lengths.contains(key.count)
        else {
            throw BridgeError(
                .invalidField,
                "the webhook secret is not `whsec_` and base64 of 24 to 64 bytes: set webhooks.secret to such a text, or leave it empty")
        }
        self.key = Redacted([UInt8](key))
    }

    /// A new random secret as text, for `init(parsing:)` and for the receivers.
    package static func make() -> Redacted<String> {
        let key = SymmetricKey(size: SymmetricKeySize(bitCount: madeLength * 8)).withUnsafeBytes { Data($0) }
        return Redacted(prefix + key.base64EncodedString())
    }
}

/// Signs webhooks as Standard Webhooks says: HMAC-SHA256 over `id.timestamp.body`, as `v1,` and base64, one for each secret.
package struct WebhookSigner: Sendable {
    private let secrets: [WebhookSecret]

    /// The current secret first, then the one that receivers may still hold. Throws `invalid_field` without any.
    package init(_ secrets: [WebhookSecret]) throws(BridgeError) {
        guard !secrets.isEmpty else { throw BridgeError(.invalidField, "webhooks have no secret: set webhooks.secret") }
        self.secrets = secrets
    }

    /// From the configuration; `stored` is the secret kept in the data folder, for when none is configured. Throws `invalid_field`.
    package init(_ settings: WebhookSettings, stored: Redacted<String>) throws(BridgeError) {
        var secrets = [try WebhookSecret(parsing: settings.secret.revealed.isEmpty ? stored : settings.secret)]
        if !settings.previousSecret.revealed.isEmpty { secrets.append(try WebhookSecret(parsing: settings.previousSecret)) }
        try self.init(secrets)
    }

    /// The value of `webhook-signature`; `timestamp` in seconds since the epoch, as in `webhook-timestamp`.
    package func signature(id: DeliveryID, timestamp: Int64, body: String) -> String {
        let signed = Data("\(id.rawValue).\(timestamp).\(body)".utf8)
        return secrets.map { secret in
            let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: secret.key.revealed))
            return "v1," + Data(code).base64EncodedString()
        }.joined(separator: " ")
    }
}
