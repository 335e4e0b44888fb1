package import BridgeModel

/// Why something recorded cannot be shown. `field` and `rule` are for people and hold nothing that a caller has sent.
package enum PlaybackError: Error, Sendable, Equatable {
    /// A parameter is not of its form: `field` must be `rule`.
    case malformed(field: String, rule: String)
    /// Nothing was recorded in this range.
    case nothingRecorded
    /// Nothing was recorded at this moment; the nearest moments before and after it of which something was, where they are near.
    case nothingAt(before: WallTime?, after: WallTime?)
    /// The container cannot hold this codec; `instead` is the name of one that can.
    case unsuitable(codec: String, instead: String)
    /// The tracks change inside the range, which one file cannot hold.
    case formatChanges
    /// A failure of the bridge.
    case failed(BridgeError)
}
