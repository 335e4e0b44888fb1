package import BridgeModel

/// Directed cameras as their sockets meet them. Implemented by ControlPlane.
///
/// A socket's life: `open`, then what comes in, in order, then `lost`, also after `closed`.
package protocol CameraDoor: Sendable {
    /// A socket of an agent whose token was verified. The camera is there from its hello on. `tell` is called in order, and for the last time with
    /// `closed`.
    func open(_ camera: ClientID, of account: AccountID, tell: @escaping @Sendable (CameraSocketEvent) -> Void) async -> CameraSocketID
    /// What came in by the socket.
    func receive(_ message: CameraSocketMessage, from socket: CameraSocketID) async
    /// The socket is closed, and why.
    func lost(_ socket: CameraSocketID, _ end: CameraEnd) async
}

/// One socket of an agent, never used again after it is closed.
package struct CameraSocketID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// What an agent sends.
package enum CameraSocketMessage: Sendable, Equatable {
    case hello(CameraAbilities)
    case done(Int)
    case refused(Int, BridgeError)
    /// How the camera is, now and then.
    case health(CameraHealth)
}

/// What an agent's socket is told.
package enum CameraSocketEvent: Sendable, Equatable {
    case order(Int, CameraOrder)
    /// A newer socket of the same camera has taken over; nothing follows.
    case closed
}
