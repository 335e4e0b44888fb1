package import BridgeModel

/// Rooms as sockets meet them. Implemented by ControlPlane.
///
/// A socket's life: `open`, then what comes in, in order, then `lost` unless `RoomSocketEvent.closed` came first.
package protocol RoomDoor: Sendable {
    /// A socket to a room, by the token of a join link. Nobody is in the room by it before a join request. `tell` is called in order, and for the last
    /// time with `closed`. Throws `forbidden` (no token of ours, another room's, expired, revoked), `not_found` (no such room, or it is over),
    /// `limit_reached`.
    func open(
        _ room: RoomID, token: String, tell: @escaping @Sendable (RoomSocketEvent) -> Void
    ) async throws(BridgeError) -> RoomSocketID
    /// What came in by the socket. Returns when the next one may be read; answers come by `tell`.
    func receive(_ message: RoomSocketMessage, from socket: RoomSocketID) async
    /// Tells a seated camera something; may take as long as the camera does. What is to be told of it; nil when it is done.
    func direct(_ order: CameraOrder, _ seat: SeatID, from socket: RoomSocketID) async -> RoomSocketEvent?
    /// The socket is gone without a word.
    func lost(_ socket: RoomSocketID) async
}

/// What a page or camera sends.
package enum RoomSocketMessage: Sendable, Equatable {
    case request(RoomRequest)
    /// For a seated camera.
    case cameraOrder(SeatID, CameraOrder)
    /// The offer of its publishing peer.
    case publishOffer(sdp: String)
    /// Its answer to the newest offer of the subscribing peer.
    case subscribeAnswer(sdp: String)
}

/// What a socket is told.
package enum RoomSocketEvent: Sendable, Equatable {
    case notice(RoomNotice)
    /// The answer to the newest offer of the publishing peer.
    case publishAnswer(sdp: String)
    /// Which of its tracks each section of the subscribing peer carries, and the offer to answer.
    case subscribeOffer(sdp: String, tracks: [String: RoomTrackID])
    /// A peer came up, is away for now or is over; a page makes its publishing peer anew then, and waits for another offer of the subscribing one.
    case peer(RoomPeerKind, RoomPeerState)
    /// An offer, an answer or a request was refused; nothing has changed.
    case failed(BridgeError)
    /// The socket is to be closed; nothing follows.
    case closed(RoomSocketEnd)
}

/// How a peer is.
package enum RoomPeerState: String, Sendable, CaseIterable {
    case connected, disconnected, ended
}
