import Bridge
import BridgeModel

/// A URL of a webhook or an upload and a `Location` after it, an address, and a `Retry-After` header: all of it is foreign text.
func fuzzDeliveryURL(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    for rules in [AddressRules(), AddressRules(allowPrivate: true)] {
        guard let url = try? DeliveryURL(parsing: Redacted(String(parts[0])), rules: rules) else { continue }
        // What is requested means the same when it is read again.
        precondition((try? DeliveryURL(parsing: url.text, rules: rules)) == url || url.text.revealed.utf8.count > DeliveryURL.maximumLength)
        _ = try? url.redirected(to: Redacted(String(parts.last ?? "")), rules: rules)
    }
    if let address = IPAddress(parsing: text) { precondition(IPAddress(parsing: address.text) == address) }
    _ = RetryAfter.parse(text, now: WallTime(nanoseconds: 1_700_000_000_000_000_000))
}
