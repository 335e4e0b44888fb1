package import BridgeModel

/// Where a room's tracks come from. Implemented by ControlPlane, beside `RoomMedia`.
package protocol RoomTrackSources: Sendable {
    /// nil for a track that is not open.
    func trackSource(_ id: RoomTrackID) async -> RoomTrackSource?
    /// Where an open track's packets are; nil while they do not flow yet.
    func hubTrack(of id: RoomTrackID) async -> RoomTrackSource?
}

/// Where the packets of a room's track come from.
package struct RoomTrackSource: Sendable, Equatable {
    /// The hub's name of the stream.
    package var stream: StreamID
    package var description: TrackDescription
    /// The stream is of the room alone: a participant publishes it. Else it is a stream of the bridge, which a camera's seat has brought.
    package var isOfRoom: Bool

    package init(stream: StreamID, description: TrackDescription, isOfRoom: Bool = false) {
        self.stream = stream
        self.description = description
        self.isOfRoom = isOfRoom
    }
}
