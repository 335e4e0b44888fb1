import BridgeModel

// The native words of what happens in rooms.
extension RoomEvent {
    var kind: EventKind {
        switch self {
        case .started: .roomStarted
        case .ended: .roomEnded
        case .joined: .participantJoined
        case .left: .participantLeft
        case .trackPublished: .roomTrackPublished
        case .trackUnpublished: .roomTrackUnpublished
        case .cameraSeated: .cameraSeated
        case .cameraUnseated: .cameraUnseated
        case .recordingStarted: .roomRecordingStarted
        case .recordingEnded: .roomRecordingEnded
        }
    }

    /// The members of `data`.
    func facts(in room: RoomID) -> [JSONText.Member] {
        [.init("room_id", .string(room.rawValue))] + own
    }

    private var own: [JSONText.Member] {
        switch self {
        case .started: []
        case .ended(let end): [.init("cause", .string(end.rawValue))]
        case .joined(let participant): participant.facts
        case .left(let participant, let departure): participant.facts + [.init("cause", .string(departure.rawValue))]
        case .trackPublished(let track), .trackUnpublished(let track): track.facts
        case .cameraSeated(let seat): seat.facts
        case .cameraUnseated(let seat, let end): seat.facts + [.init("cause", .string(end.rawValue))]
        case .recordingStarted(let recording): recording.facts
        case .recordingEnded(let recording, let end): recording.facts + [.init("cause", .string(end.rawValue))]
        }
    }
}

extension RoomParticipant {
    fileprivate var facts: [JSONText.Member] {
        [
            .init("participant_id", .string(id.rawValue)), .init("role", .string(role.rawValue)), .init("name", .string(name)),
        ]
    }
}

extension RoomTrack {
    fileprivate var facts: [JSONText.Member] {
        [
            .init("track_id", .string(id.rawValue)), .init("participant_id", .string(owner.rawValue)),
            .init("kind", .string(kind.rawValue)),
        ]
    }
}

extension RoomRecordingRow {
    func facts(_ keys: RoomRecordingKeys) -> [JSONText.Member] {
        let path = "/bridge/v1/room-recordings/\(id)"
        return [
            .init("room_id", .string(room.rawValue)), .init("room_recording_id", .string(id.rawValue)),
            .init("recordings", .array(parts.map { .string($0.recording.rawValue) })),
            .init("manifest", .string(path)), .init("manifest_key", .optional(keys.manifest)),
            .init(
                "snapshots",
                .array(
                    pictures.map { picture in
                        .object([
                            .init("id", .string(picture)), .init("path", .string("\(path)/snapshots/\(picture).jpg")),
                            .init("key", .optional(keys.pictures[picture])),
                        ])
                    })),
        ]
    }
}

extension RoomRecording {
    fileprivate var facts: [JSONText.Member] {
        [
            .init("room_recording_id", .string(id.rawValue)), .init("mode", .string(mode.rawValue)),
            .init("participant_id", .optional(participant?.rawValue)),
        ]
    }
}

extension RoomSeat {
    fileprivate var facts: [JSONText.Member] {
        let source: JSONText.Member =
            switch order.source {
            case .stream(let stream): .init("stream", .string(stream.rawValue))
            case .camera(let camera): .init("camera", .string(camera.rawValue))
            }
        return [
            .init("seat_id", .string(id.rawValue)), .init("participant_id", .string(participant.rawValue)), source,
            .init("display_name", .string(order.displayName)), .init("seated_by", .optional(owner?.rawValue)),
        ]
    }
}
