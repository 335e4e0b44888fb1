package import BridgeModel

/// Where sessions are created before their socket is opened. Implemented by ControlPlane.
package protocol SessionDirectory: Sendable {
    /// Creates a session resource, which is discarded when it was not started within 120 s; of a client's unused resources only the newest
    /// three are kept. Throws `limit_reached` (running sessions of the account) and `unavailable` (draining or overloaded).
    func createSession(
        for grant: Grant, direction: SessionContext.Direction, stream: StreamID
    ) async throws(BridgeError) -> SessionContext
    /// Forgets a session that was created and will not be started.
    func discardSession(_ id: SessionID) async
    /// A created or running session; nil when it is unknown, expired or over.
    func session(_ id: SessionID) async -> SessionContext?
}
