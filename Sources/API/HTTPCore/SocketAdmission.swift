package import BridgeModel

/// The decision about a socket upgrade, before it is made.
package enum SocketAdmission: Sendable {
    /// Upgrade; the socket acts for this grant.
    case admit(Grant)
    /// Answer as plain HTTP.
    case refuse(APIResponse)
}
