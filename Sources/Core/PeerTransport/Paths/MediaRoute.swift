package import BridgeModel

/// The path that a peer's media goes, for as long as the peer's consent lasts there (RFC 7675).
package struct MediaRoute: Sendable {
    let tuple: FiveTuple
    /// Monotonic; from then on nothing may be sent.
    var consentEnd: MonotonicTime

    /// nil: consent has run out.
    package func tuple(at now: MonotonicTime) -> FiveTuple? { now < consentEnd ? tuple : nil }
}
