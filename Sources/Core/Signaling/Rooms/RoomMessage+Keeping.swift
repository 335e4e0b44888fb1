package import Bridge
package import BridgeModel

// What is kept of a room, as it is told and as the manifest of its recording has it.
extension RoomMessage {
    /// A room's recording.
    package static func value(_ recording: RoomRecording) -> JSONValue {
        [
            "id": text(recording.id), "since": .string(recording.since.iso8601), "participant": text(recording.participant),
            "mode": .string(recording.mode.rawValue),
        ]
    }

    /// A stretch of time that somebody wants to keep.
    package static func value(_ mark: RoomClipMark) -> JSONValue {
        [
            "id": .string(mark.id), "track": text(mark.track), "participant": text(mark.participant), "from": .string(mark.from.iso8601),
            "to": .string(mark.to.iso8601),
        ]
    }

    static func members(of picture: RoomPicture, in room: RoomID) -> [String: JSONValue] {
        [
            "track": text(picture.track), "url": .string(picture.path(in: room)), "at": .string(picture.at.iso8601),
            "width": .number(Double(picture.width)), "height": .number(Double(picture.height)),
        ]
    }
}
