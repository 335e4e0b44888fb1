/// What an event tells, by a stable name (`signaling/events/`). An open set: a database may hold kinds of a newer version.
package struct EventKind: RawRepresentable, Hashable, Sendable {
    /// `<thing>.<what happened to it>`, in lower case.
    package let rawValue: String

    /// Wraps a name; names that are not in `all` are of another version.
    package init(rawValue: String) { self.rawValue = rawValue }

    /// A session's `session_start` was accepted (joined).
    package static let sessionStarted = EventKind(rawValue: "session.started")
    /// It is over (left); `cause` says why.
    package static let sessionEnded = EventKind(rawValue: "session.ended")
    /// A stream has a source.
    package static let streamStarted = EventKind(rawValue: "stream.started")
    /// It has none any more; `cause` says why.
    package static let streamEnded = EventKind(rawValue: "stream.ended")
    /// Somebody reported something that happened in front of its camera or in it.
    package static let streamEvent = EventKind(rawValue: "stream.event")
    /// The first frame of a recording is written.
    package static let recordingStarted = EventKind(rawValue: "recording.started")
    /// The recording's source is away.
    package static let recordingGap = EventKind(rawValue: "recording.gap")
    /// It is back.
    package static let recordingResumed = EventKind(rawValue: "recording.resumed")
    /// One of the recording's files is complete.
    package static let recordingSegment = EventKind(rawValue: "recording.segment")
    /// All its files are complete, on the bridge.
    package static let recordingReady = EventKind(rawValue: "recording.ready")
    /// They are at their destination.
    package static let recordingDelivered = EventKind(rawValue: "recording.delivered")
    /// There is no file, or it could not be delivered.
    package static let recordingFailed = EventKind(rawValue: "recording.failed")
    /// A legal hold was placed on it.
    package static let recordingHeld = EventKind(rawValue: "recording.held")
    /// Its legal hold was released.
    package static let recordingReleased = EventKind(rawValue: "recording.released")
    /// It was removed: from the bridge, and from its destination where that was wanted.
    package static let recordingDeleted = EventKind(rawValue: "recording.deleted")
    /// Its destination did not let go of it.
    package static let recordingDeletionFailed = EventKind(rawValue: "recording.deletion_failed")
    /// The spool's disk comes to its reserve.
    package static let storageLow = EventKind(rawValue: "storage.low")
    /// Uploads to a destination fail and are tried again.
    package static let destinationFailing = EventKind(rawValue: "destination.failing")
    /// A stream is in a conference elsewhere.
    package static let conferenceConnected = EventKind(rawValue: "conference.connected")
    /// It is not any more; `cause` says why.
    package static let conferenceDisconnected = EventKind(rawValue: "conference.disconnected")
    /// Sessions in a conference elsewhere fail, and are tried again; `cause` says why.
    package static let conferenceTroubleStarted = EventKind(rawValue: "conference.trouble_started")
    /// They do not any more; `cause` says why.
    package static let conferenceTroubleEnded = EventKind(rawValue: "conference.trouble_ended")
    /// A conference elsewhere is not tried any more; `cause` says why.
    package static let conferenceFailed = EventKind(rawValue: "conference.failed")
    /// A stream is sent to a server elsewhere.
    package static let pushStarted = EventKind(rawValue: "push.started")
    /// It is not any more; `cause` says why.
    package static let pushEnded = EventKind(rawValue: "push.ended")
    /// Sessions at a server elsewhere fail, and are tried again; `cause` says why.
    package static let pushTroubleStarted = EventKind(rawValue: "push.trouble_started")
    /// They do not any more; `cause` says why.
    package static let pushTroubleEnded = EventKind(rawValue: "push.trouble_ended")
    /// A server elsewhere is not tried any more; `cause` says why.
    package static let pushFailed = EventKind(rawValue: "push.failed")
    /// The stream of a composite is there.
    package static let compositeStarted = EventKind(rawValue: "composite.started")
    /// The composite was taken away.
    package static let compositeEnded = EventKind(rawValue: "composite.ended")

    /// A room is open.
    package static let roomStarted = EventKind(rawValue: "room.started")
    /// It is over; `cause` says why.
    package static let roomEnded = EventKind(rawValue: "room.ended")
    /// Somebody is in a room.
    package static let participantJoined = EventKind(rawValue: "participant.joined")
    /// They are not any more; `cause` says why.
    package static let participantLeft = EventKind(rawValue: "participant.left")
    /// Somebody in a room shows or says something.
    package static let roomTrackPublished = EventKind(rawValue: "room.track_published")
    /// They do not any more.
    package static let roomTrackUnpublished = EventKind(rawValue: "room.track_unpublished")
    /// A camera has a seat in a room, whether it is there or not.
    package static let cameraSeated = EventKind(rawValue: "camera.seated")
    /// It has none any more; `cause` says why.
    package static let cameraUnseated = EventKind(rawValue: "camera.unseated")
    /// A camera's agent is there.
    package static let cameraOnline = EventKind(rawValue: "camera.online")
    /// It is not any more; `cause` says why.
    package static let cameraOffline = EventKind(rawValue: "camera.offline")

    /// A room is being recorded.
    package static let roomRecordingStarted = EventKind(rawValue: "room_recording.started")
    /// It is not any more; its files are being completed.
    package static let roomRecordingEnded = EventKind(rawValue: "room_recording.ended")
    /// Its files are complete, and its manifest says what they are.
    package static let roomRecordingReady = EventKind(rawValue: "room_recording.ready")

    /// Every kind of this version.
    package static let all: [EventKind] = [
        .sessionStarted, .sessionEnded, .streamStarted, .streamEnded, .streamEvent, .recordingStarted, .recordingGap, .recordingResumed,
        .recordingSegment, .recordingReady, .recordingDelivered, .recordingFailed, .recordingHeld, .recordingReleased, .recordingDeleted,
        .recordingDeletionFailed, .storageLow, .destinationFailing, .conferenceConnected, .conferenceDisconnected,
        .roomStarted, .roomEnded, .participantJoined, .participantLeft, .roomTrackPublished, .roomTrackUnpublished, .cameraSeated,
        .cameraUnseated, .cameraOnline, .cameraOffline, .roomRecordingStarted, .roomRecordingEnded, .roomRecordingReady,
        .compositeStarted, .compositeEnded, .pushStarted, .pushEnded, .conferenceTroubleStarted, .conferenceTroubleEnded, .conferenceFailed,
        .pushTroubleStarted, .pushTroubleEnded, .pushFailed,
    ]

    /// What begins with streams that are published elsewhere. It is not as it was after a restart, and may begin anew.
    package static let conferenceBeginnings: Set<EventKind> = [
        .conferenceConnected, .pushStarted, .conferenceTroubleStarted, .pushTroubleStarted,
    ]

    /// What begins in rooms and with cameras' agents. They live in memory: what a process that died left open is over.
    package static let roomBeginnings: Set<EventKind> = [
        .roomStarted, .participantJoined, .roomTrackPublished, .cameraSeated, .roomRecordingStarted, .cameraOnline,
    ]

    /// The kind that ends what this one begins; nil for all that do not come in pairs.
    package var end: EventKind? {
        switch self {
        case .sessionStarted: .sessionEnded
        case .streamStarted: .streamEnded
        case .conferenceConnected: .conferenceDisconnected
        case .roomStarted: .roomEnded
        case .participantJoined: .participantLeft
        case .roomTrackPublished: .roomTrackUnpublished
        case .cameraSeated: .cameraUnseated
        case .cameraOnline: .cameraOffline
        case .roomRecordingStarted: .roomRecordingEnded
        case .compositeStarted: .compositeEnded
        case .pushStarted: .pushEnded
        case .conferenceTroubleStarted: .conferenceTroubleEnded
        case .pushTroubleStarted: .pushTroubleEnded
        default: nil
        }
    }
}
