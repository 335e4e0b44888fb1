package import BridgeModel

/// What somebody is in a room; a join link says it.
package enum RoomRole: String, Sendable, Codable, CaseIterable {
    /// Leads the room.
    case host
    /// Helps from afar: sees, talks, points and draws.
    case expert
    /// Stands where the work is, often with the camera.
    case worker
    /// Watches and writes.
    case viewer
    /// A device without a person.
    case camera
}

/// Something that can be done in a room.
package enum RoomAction: String, Sendable, CaseIterable {
    case publishMicrophone, publishCamera, publishScreen
    /// Mute a track, or let it be heard and seen again.
    case mute
    /// Let somebody in who knocks, or not.
    case admit
    case remove
    /// Raise a hand; lower one.
    case hand
    /// Keep a track in the own view.
    case pin
    /// Keep a track in everybody's view.
    case spotlight
    /// Choose what is sent to oneself.
    case view
    /// Change a name or metadata.
    case describe
    case chat
    /// Give a camera a seat, or end it.
    case seatCamera
    /// Tell a seated camera something: its light, zoom, turn, mute.
    case commandCamera
    /// Freeze a frame of a track for everybody; end that.
    case freeze
    case annotate, erase
    /// Point at a moving picture.
    case point
    /// Record the room; end that.
    case record
    /// Mark the last seconds to be kept.
    case clip
    /// Take a picture.
    case snapshot
    /// End the room.
    case close
}

/// How far an action is allowed.
package enum RoomPermission: Sendable, Equatable {
    case never
    /// On what is one's own: one's tracks, hand, drawings, the cameras one has seated.
    case own
    case always
}

/// Who acts.
package enum RoomActor: Sendable, Hashable {
    case participant(ParticipantID)
    /// The room's account, over the native API: it is nobody in the room.
    case account
}

// The table that every decision is made from.
extension RoomAction {
    /// What a participant of this role may.
    package func permission(of role: RoomRole) -> RoomPermission {
        switch role {
        case .host: permissionOfHost
        case .expert: permissionOfExpert
        case .worker: permissionOfWorker
        case .viewer: permissionOfViewer
        case .camera: permissionOfCamera
        }
    }

    /// What the account may over the API: all that a host may, save what only somebody in the room can.
    package var permissionOfAccount: RoomPermission {
        switch self {
        case .mute, .admit, .remove, .hand, .spotlight, .describe, .seatCamera, .freeze, .erase, .record, .close: .always
        // A camera has orders of its own in the API.
        case .publishMicrophone, .publishCamera, .publishScreen, .pin, .view, .chat, .annotate, .point, .commandCamera, .clip, .snapshot:
            .never
        }
    }

    private var permissionOfHost: RoomPermission {
        switch self {
        case .mute, .admit, .remove, .hand, .spotlight, .describe, .seatCamera, .commandCamera, .freeze, .annotate, .erase, .point, .record,
            .clip, .snapshot, .close:
            .always
        case .publishMicrophone, .publishCamera, .publishScreen, .pin, .view, .chat: .own
        }
    }

    private var permissionOfExpert: RoomPermission {
        switch self {
        // Who helps from afar needs the light where they look.
        case .spotlight, .commandCamera, .freeze, .annotate, .point, .record, .clip, .snapshot: .always
        case .publishMicrophone, .publishCamera, .publishScreen, .mute, .hand, .pin, .view, .describe, .chat, .seatCamera, .erase: .own
        case .admit, .remove, .close: .never
        }
    }

    private var permissionOfWorker: RoomPermission {
        switch self {
        case .annotate, .point, .record, .clip, .snapshot: .always
        case .publishMicrophone, .publishCamera, .publishScreen, .mute, .hand, .pin, .view, .describe, .chat, .freeze, .erase,
            .commandCamera:
            .own
        case .admit, .remove, .spotlight, .seatCamera, .close: .never
        }
    }

    private var permissionOfViewer: RoomPermission {
        switch self {
        case .hand, .pin, .view, .describe, .chat: .own
        case .publishMicrophone, .publishCamera, .publishScreen, .mute, .admit, .remove, .spotlight, .seatCamera, .commandCamera, .freeze,
            .annotate, .erase, .point, .record, .clip, .snapshot, .close:
            .never
        }
    }

    private var permissionOfCamera: RoomPermission {
        switch self {
        case .publishMicrophone, .publishCamera, .mute, .view, .describe: .own
        case .publishScreen, .admit, .remove, .hand, .pin, .spotlight, .chat, .seatCamera, .commandCamera, .freeze, .annotate, .erase,
            .point, .record, .clip, .snapshot, .close:
            .never
        }
    }
}
