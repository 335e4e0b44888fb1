package import BridgeModel

/// A camera's seat, as everybody in the room knows it. It is the camera's until it ends: a camera that drops comes back to it.
package struct RoomSeat: Sendable, Equatable {
    package let id: SeatID
    package let order: SeatOrder
    /// Who gave the camera its seat; nil: the account.
    package let owner: ParticipantID?
    package var state = State.waiting
    /// What its camera can be told; nil: no agent of it is connected.
    package var abilities: CameraAbilities?

    /// Who sits on it.
    package var participant: ParticipantID { .camera(of: id) }

    /// Whether its camera is there.
    package enum State: String, Sendable, CaseIterable {
        /// It has not come yet.
        case waiting
        case live
        /// It was there and dropped.
        case away
    }

    /// Why a seat ended.
    package enum End: String, Sendable, CaseIterable {
        case removed, timeOver = "time_over", roomEnded = "room_ended"
    }
}

/// What a camera is seated with.
package struct SeatOrder: Sendable, Equatable {
    package var source: Source
    package var displayName: String
    /// What it gives the room.
    package var sends: Set<MediaKind>
    /// What it takes: the others' voices, for one that can play them.
    package var receives: Set<MediaKind>
    /// Lines of video at most; nil: all it has.
    package var greatestHeight: Int?
    /// When the seat ends by itself.
    package var until: WallTime?

    package init(
        source: Source, displayName: String, sends: Set<MediaKind> = [.audio, .video], receives: Set<MediaKind> = [],
        greatestHeight: Int? = nil, until: WallTime? = nil
    ) {
        self.source = source
        self.displayName = displayName
        self.sends = sends
        self.receives = receives
        self.greatestHeight = greatestHeight
        self.until = until
    }

    /// What is seated; each once in a room.
    package enum Source: Sendable, Hashable {
        /// A stream of the bridge.
        case stream(StreamID)
        /// A camera whose agent obeys commands.
        case camera(ClientID)
    }
}

/// A track that a seated stream has.
package struct SeatTrack: Sendable, Equatable {
    package var kind: RoomTrackKind
    package var mid: String

    package init(_ kind: RoomTrackKind, mid: String) {
        self.kind = kind
        self.mid = mid
    }
}

extension SeatOrder {
    /// By which its camera is brought.
    package var stream: StreamID {
        switch source {
        case .stream(let stream): stream
        case .camera(let camera): StreamID(camera.rawValue)
        }
    }
}
