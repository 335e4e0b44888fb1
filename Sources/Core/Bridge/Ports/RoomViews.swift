package import BridgeModel

/// Rooms, for what shows or mixes them. Implemented by ControlPlane.
package protocol RoomViews: Sendable {
    /// A room from now on; nil when there is none of this name.
    func watch(_ room: RoomID) async -> RoomWatch?
}

/// A room that is watched.
package struct RoomWatch: Sendable {
    /// Whose room it is.
    package var account: AccountID
    /// The room as it is, and again after each change; of several that wait, the newest. Ends with the room. For one consumer, who may stop at any time.
    package var views: AsyncStream<RoomView>

    package init(account: AccountID, views: AsyncStream<RoomView>) {
        self.account = account
        self.views = views
    }
}

/// What there is to see and to hear in a room at one moment.
package struct RoomView: Sendable, Equatable {
    /// In the order in which they came.
    package var people: [RoomParticipant]
    /// In the order in which they were published.
    package var tracks: [Track]
    /// Who speaks, or did last; nil when nobody has for a while.
    package var speaker: ParticipantID?
    package var spotlight: [RoomTrackID]

    /// A published track, and where it comes from.
    package struct Track: Sendable, Equatable {
        package var track: RoomTrack
        /// Nil while it does not flow yet.
        package var source: RoomTrackSource?

        package init(_ track: RoomTrack, source: RoomTrackSource?) {
            self.track = track
            self.source = source
        }
    }

    package init(people: [RoomParticipant] = [], tracks: [Track] = [], speaker: ParticipantID? = nil, spotlight: [RoomTrackID] = []) {
        self.people = people
        self.tracks = tracks
        self.speaker = speaker
        self.spotlight = spotlight
    }
}
