package import BridgeModel

/// Cameras whose agents obey commands. Implemented by ControlPlane.
package protocol DirectedCameras: Sendable {
    /// Those whose agent is connected now or was in this run of the bridge, by their names.
    func cameras(of account: AccountID) async -> [DirectedCamera]
    /// One of them; nil when no agent of this name has been seen.
    func camera(_ id: ClientID, of account: AccountID) async -> DirectedCamera?
    /// Returns when the camera has done it. Throws `not_found` (no such agent), `unavailable` (not connected, or it did not answer in time),
    /// `invalid_field` (it cannot do that) and what the camera says.
    func perform(_ order: CameraOrder, on camera: ClientID, of account: AccountID) async throws(BridgeError)
    /// The stream that a camera is to play now: whoever may publish as the camera may watch it. nil: none.
    func spoken(to camera: ClientID, of account: AccountID) async -> StreamID?
}

/// Directed cameras as rooms need them: what seats need holds for as long as they do, whether the agent is there or comes later. Implemented by
/// ControlPlane.
package protocol SeatedCameras: DirectedCameras {
    /// What a seat needs of a camera from now on; nil: nothing any more. The calls of one seat come one after another.
    func set(_ need: CameraNeed?, by seat: CameraHold, of camera: ClientID, of account: AccountID) async
}

/// Who needs a camera.
package struct CameraHold: Hashable, Sendable {
    package var room: RoomID
    package var seat: SeatID

    package init(room: RoomID, seat: SeatID) {
        self.room = room
        self.seat = seat
    }
}

/// What a seat needs of its camera.
package struct CameraNeed: Equatable, Sendable {
    /// It is to send its stream.
    package var publishes: Bool
    /// With pictures of at most so many lines; nil: all it has.
    package var greatestHeight: Int?
    /// What it is to play; a camera plays what the newest seat wants.
    package var talk: StreamID?

    package init(publishes: Bool, greatestHeight: Int? = nil, talk: StreamID? = nil) {
        self.publishes = publishes
        self.greatestHeight = greatestHeight
        self.talk = talk
    }
}

/// A camera with an agent, at one moment.
package struct DirectedCamera: Sendable, Equatable {
    /// The camera's name, which its stream has too.
    package var id: ClientID
    package var abilities: CameraAbilities
    package var isOnline: Bool
    /// When the agent came, or went if it is not online.
    package var since: WallTime
    /// How it is by its agent's last word; nil: it has said nothing since it came, or is not online.
    package var report: CameraReport?

    package init(id: ClientID, abilities: CameraAbilities, isOnline: Bool, since: WallTime, report: CameraReport? = nil) {
        self.id = id
        self.abilities = abilities
        self.isOnline = isOnline
        self.since = since
        self.report = report
    }
}

/// The voices in a room as one stream of sound for somebody who takes but one. Implemented by ControlPlane.
package protocol RoomMixes: Sendable {
    /// A stream of everything that is heard in the room except what this participant says themselves; it follows joins and leaves, and runs until
    /// `endMix`. The same participant's again is the same stream. Throws `limit_reached`, `not_found` and `pipeline_unavailable`.
    func mix(of room: RoomID, without participant: ParticipantID) async throws(BridgeError) -> StreamID
    /// Nothing when there is none.
    func endMix(of room: RoomID, without participant: ParticipantID) async
}
