import BridgeModel
import Synchronization

/// Tokens that have opened their one socket (`streamrec.single-use-socket`, contract section 12): two upgrades at once cannot both win here,
/// and the authority's revocation list remembers them beyond a restart.
final class SingleUse: Sendable {
    /// Until when each token would be valid.
    private let used = Mutex<[String: WallTime]>([:])

    /// True for the first claim of a token.
    func claim(_ grant: Grant, at now: WallTime) -> Bool {
        used.withLock { used in
            used = used.filter { $0.value >= now }
            return used.updateValue(grant.expiresAt, forKey: grant.tokenID) == nil
        }
    }
}
