package import BridgeModel
package import SDP

/// The media of a room: for each participant one peer that sends to us and one that we send by. Implemented by ControlPlane on `EdgePeers`, one for
/// each room, since tracks have their ids from it.
///
/// The calls come one after another, in the order of `RoomMachine`'s effects, and return when what follows may depend on them. Calls for
/// what is over or was never there do nothing unless they say otherwise.
package protocol RoomMedia: RoomTrackSources, SeatHearing {
    /// Answers the offer of a participant's publishing peer: a section for each track that it may ever send, so that a track that begins or ends needs
    /// no other description. A second offer takes the place of the first peer. Throws `unacceptable_offer`, `limit_reached`.
    func publish(
        _ offer: ReceivedOffer, by owner: RoomPeerOwner, events: @escaping @Sendable (RoomMediaEvent) -> Void
    ) async throws(BridgeError) -> String
    /// Makes a track of a section of its owner's publishing peer. It goes to nobody until somebody subscribes. Throws `invalid_field` when there is no
    /// such section, or it is of another kind.
    func open(_ track: RoomTrack, of owner: RoomPeerOwner) async throws(BridgeError)
    /// Makes a track of a stream's track, for a camera that the bridge joins. Throws `not_found` when the stream is not live or has no such track.
    func open(_ track: RoomTrack, from stream: StreamID, index: UInt8) async throws(BridgeError)
    /// A track's packets go to its subscribers, or to nobody.
    func forward(_ track: RoomTrackID, _ isForwarded: Bool) async
    /// A track is dead.
    func drop(_ track: RoomTrackID) async
    /// What a participant is sent changes. The first update makes the subscribing peer; each that adds or removes tracks makes one offer
    /// (`RoomMediaEvent.offer`), which waits for the answer to the one before.
    func subscribe(
        _ owner: RoomPeerOwner, to update: SubscriptionUpdate, events: @escaping @Sendable (RoomMediaEvent) -> Void
    ) async
    /// The participant's answer to the newest offer. Throws `unacceptable_offer`, and `not_found` when there is no offer to answer.
    func accept(_ answer: String, of owner: RoomPeerOwner) async throws(BridgeError)
    /// Ends these of a participant's peers, with all that they carry.
    func close(_ peers: Set<RoomPeerKind>, of owner: RoomPeerOwner) async
}

/// How loud the cameras are that the bridge joins.
package protocol SeatHearing: Sendable {
    /// Tells how loud a track of a camera that the bridge joins is, from now on, until it is dropped; nothing where its source does not say so.
    func listen(to track: RoomTrackID, _ tell: @escaping @Sendable (RoomLevel) -> Void) async
}

/// The two peers of a participant.
package enum RoomPeerKind: String, Sendable, CaseIterable, Hashable {
    /// It sends what the participant shows and says.
    case publish
    /// It receives the others.
    case subscribe
}

/// Whose peers are meant.
package struct RoomPeerOwner: Hashable, Sendable {
    package var account: AccountID
    package var room: RoomID
    package var participant: ParticipantID

    package init(account: AccountID, room: RoomID, participant: ParticipantID) {
        self.account = account
        self.room = room
        self.participant = participant
    }
}

/// What happens to a participant's peers.
package enum RoomMediaEvent: Sendable, Equatable {
    /// An offer of the subscribing peer, and which section carries which track.
    case offer(sdp: String, tracks: [String: RoomTrackID])
    case connected(RoomPeerKind)
    /// Nothing was heard for a while; it may come back.
    case disconnected(RoomPeerKind)
    /// Nothing follows of this peer. nil: it was closed by `close` or replaced.
    case ended(RoomPeerKind, BridgeError?)
    /// How loud the publishing peer's microphones are (RFC 6464), at most ten times a second and only while something changes.
    case levels([RoomLevel])
}
