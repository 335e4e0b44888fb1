package import BridgeModel

/// Rooms as the native API makes, shows and commands them. Implemented by ControlPlane.
package protocol RoomCommands: Sendable {
    /// Opens a room. One that is open under this name already is found, as it is (`isNew` is false). Throws `limit_reached` (rooms of the account)
    /// and `unavailable`.
    func open(_ order: RoomOrder) async throws(BridgeError) -> (status: RoomStatus, isNew: Bool)
    /// All rooms that are open, by their names.
    func rooms() async -> [RoomStatus]
    /// One of them; nil when there is none of this name, or it is over.
    func room(_ id: RoomID) async -> RoomStatus?
    /// Does what the room's account wants; returns when it is done. Throws `room_closed` also for a room that never was.
    func administer(_ command: RoomCommand, in room: RoomID) async throws(RoomError)
    /// Gives a camera a seat. The same order again finds the seat that it has (`isNew` is false). Throws `already_seated` for another order of a camera
    /// that has one.
    func seat(_ order: SeatOrder, in room: RoomID) async throws(RoomError) -> (seat: RoomSeat, isNew: Bool)
    /// Mutes all that a participant has of these kinds, now and later, or lets it be heard and seen again. Throws `not_found` for somebody who publishes
    /// none of them.
    func mute(_ participant: ParticipantID, _ kinds: Set<RoomTrackKind>, isMuted: Bool, in room: RoomID) async throws(RoomError)
    /// Puts out who came by a link that was taken back; they cannot come by it again. Nothing when nobody did, or the room is over.
    func linkRevoked(_ id: String, in room: RoomID) async
}

/// What a new room is to be.
package struct RoomOrder: Sendable, Equatable {
    package var id: RoomID
    package var account: AccountID
    package var settings: RoomSettings

    package init(id: RoomID, account: AccountID, settings: RoomSettings) {
        self.id = id
        self.account = account
        self.settings = settings
    }
}

/// A room at one moment.
package struct RoomStatus: Sendable, Equatable {
    package var order: RoomOrder
    package var openedAt: WallTime
    package var participants: [RoomParticipant]
    package var waiting: [ParticipantID]
    package var tracks: [RoomTrack]
    package var seats: [RoomSeat]
    /// nil: it is not recorded.
    package var recording: RoomRecording?

    /// As the machine has it.
    package init(_ machine: RoomMachine, openedAt: WallTime) {
        order = RoomOrder(id: machine.room, account: machine.account, settings: machine.settings)
        self.openedAt = openedAt
        participants = machine.participants
        waiting = machine.waiting
        tracks = machine.tracks
        seats = machine.seats
        recording = machine.recording
    }
}
