internal import BridgeModel
internal import Synchronization

/// Why a transaction did nothing: it may be run twice, and the last word counts.
final class Refusal: Sendable {
    private let noted = Mutex<BridgeError?>(nil)

    var error: BridgeError? { noted.withLock { $0 } }

    func note(_ error: BridgeError?) { noted.withLock { $0 = error } }
}
