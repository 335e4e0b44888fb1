import Foundation

/// The text form of a webhook secret (Standard Webhooks, "Signature scheme").
enum WebhookSecret {
    private static let prefix = "whsec_"
    private static let byteCounts = 24...64

    /// Empty, or `whsec_` and 24 to 64 bytes as base64.
    static func isAcceptable(_ text: String) -> Bool {
        guard !text.isEmpty else { return true }
        guard text.hasPrefix(prefix), let key = Data(base64Encoded: String(text.dropFirst(prefix.count))) else { return false }
        return byteCounts.contains(key.count)
    }
}
