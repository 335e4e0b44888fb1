package import Bridge
package import BridgeModel

/// A line of the journal of a room's recording: what has happened, written when it happens.
package enum RoomRecordingEntry: Sendable {
    case begun(RoomRecording, room: RoomID, account: AccountID)
    case joined(RoomParticipant)
    case left(ParticipantID, Departure)
    case track(RoomTrack)
    case trackEnded(RoomTrackID)
    /// `isShared`: it was recorded already, and goes on by itself.
    case recording(RecordingID, of: RoomTake, stream: StreamID, isShared: Bool)
    /// There is no recording of it, or none any more; it is tried again for as long as its tracks are sent.
    case recordingFailed(RoomTake, BridgeError, since: WallTime)
    /// The room's one picture; `isShared` as above.
    case composite(RecordingID, stream: StreamID, isShared: Bool)
    /// There is no recording of the room's picture, or none any more; it is tried again until `composite` follows.
    case compositeFailed(BridgeError, since: WallTime)
    case kept(RoomRecord)
    /// A clip was made of a mark.
    case clip(ClipID, of: String, recording: RecordingID)
    case ended(Cause)

    /// Why a room's recording is over.
    package enum Cause: String, Sendable, CaseIterable {
        case stopped
        /// Found open at the bridge's next start.
        case bridgeRestarted = "bridge_restarted"
    }

    /// The line; `at` is when it happened.
    package func value(at moment: WallTime) -> JSONValue {
        var members = self.members
        if members["at"] == nil { members["at"] = .string(moment.iso8601) }
        members["entry"] = .string(name)
        return .object(members)
    }

    /// Of those there are many a second.
    package var isStroke: Bool {
        if case .kept(.annotated) = self { true } else { false }
    }

    private var name: String {
        switch self {
        case .begun: "begun"
        case .joined: "joined"
        case .left: "left"
        case .track: "track"
        case .trackEnded: "track_ended"
        case .recording: "recording"
        case .recordingFailed: "recording_failed"
        case .composite: "composite"
        case .compositeFailed: "composite_failed"
        case .kept(.frozen): "board"
        case .kept(.annotated): "annotated"
        case .kept(.erased): "erased"
        case .kept(.boardClosed): "board_closed"
        case .kept(.clip): "clip_marked"
        case .kept(.picture): "snapshot"
        case .clip: "clip"
        case .ended: "ended"
        }
    }

    private var members: [String: JSONValue] {
        switch self {
        case .begun(let recording, let room, let account):
            [
                "id": text(recording.id), "room": text(room), "account": text(account), "mode": .string(recording.mode.rawValue),
                "participant": recording.participant.map(text) ?? .null, "at": .string(recording.since.iso8601),
            ]
        case .joined(let participant):
            ["id": text(participant.id), "role": .string(participant.role.rawValue), "name": .string(participant.name)]
        case .left(let id, let cause): ["id": text(id), "cause": .string(cause.rawValue)]
        case .track(let track): ["id": text(track.id), "participant": text(track.owner), "kind": .string(track.kind.rawValue)]
        case .trackEnded(let id): ["id": text(id)]
        case .recording(let id, let take, let stream, let isShared):
            [
                "id": text(id), "participant": text(take.participant), "screen": .bool(take.isScreen),
                "tracks": .array(take.tracks.map(text)), "stream": text(stream), "shared": .bool(isShared),
            ]
        case .recordingFailed(let take, let error, let since):
            [
                "participant": text(take.participant), "screen": .bool(take.isScreen), "tracks": .array(take.tracks.map(text)),
                "code": .string(error.code.rawValue), "detail": .string(error.message), "at": .string(since.iso8601),
            ]
        case .composite(let id, let stream, let isShared): ["id": text(id), "stream": text(stream), "shared": .bool(isShared)]
        case .compositeFailed(let error, let since):
            ["code": .string(error.code.rawValue), "detail": .string(error.message), "at": .string(since.iso8601)]
        case .kept(let record): Self.members(of: record)
        case .clip(let clip, let mark, let recording): ["id": text(clip), "mark": .string(mark), "recording": text(recording)]
        case .ended(let cause): ["cause": .string(cause.rawValue)]
        }
    }

    private static func members(of record: RoomRecord) -> [String: JSONValue] {
        switch record {
        case .frozen(let board): ["board": RoomMessage.value(board)]
        case .annotated(let board, let annotation):
            ["board": .string(board.rawValue), "annotation": RoomMessage.value(annotation), "at": .string(annotation.at.iso8601)]
        case .erased(let board, let ids, let at):
            [
                "board": .string(board.rawValue), "annotations": .array(ids.map { .string($0.rawValue) }), "at": .string(at.iso8601),
            ]
        case .boardClosed(let board, let at): ["board": .string(board.rawValue), "at": .string(at.iso8601)]
        case .clip(let mark): ["clip": RoomMessage.value(mark)]
        case .picture(let picture):
            [
                "id": .string(picture.id), "track": .string(picture.track.rawValue), "participant": .string(picture.participant.rawValue),
                "at": .string(picture.at.iso8601), "width": .number(Double(picture.width)), "height": .number(Double(picture.height)),
            ]
        }
    }

    private func text(_ id: some Identifier) -> JSONValue { .string(id.rawValue) }
}
