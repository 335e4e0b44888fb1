package import Bridge
package import BridgeModel

/// Writes what a room tells its pages and cameras: `{"type": …, "data": {…}}`. What does not apply is null.
package enum RoomMessage {
    /// The whole frame. A refusal is of no frame in particular.
    package static func frame(_ notice: RoomNotice) -> JSONValue {
        let (type, data) = parts(of: notice)
        return frame(type, data)
    }

    static func frame(_ type: String, _ data: [String: JSONValue]) -> JSONValue { ["type": .string(type), "data": .object(data)] }

    private static func parts(of notice: RoomNotice) -> (String, [String: JSONValue]) {
        switch notice {
        case .welcome(let snapshot): ("welcome", members(of: snapshot))
        case .waiting: ("waiting", [:])
        case .knocking(let id, let name, let role):
            ("knocking", ["participant": text(id), "name": .string(name), "role": .string(role.rawValue)])
        case .knockEnded(let id): ("knock_ended", ["participant": text(id)])
        case .joined(let participant): ("joined", ["participant": value(participant)])
        case .changed(let participant): ("changed", ["participant": value(participant)])
        case .left(let id, let cause): ("left", ["participant": text(id), "cause": .string(cause.rawValue)])
        case .published(let track): ("published", ["track": value(track)])
        case .trackChanged(let track): ("track_changed", ["track": value(track)])
        case .unpublished(let id): ("unpublished", ["track": text(id)])
        case .speaker(let id): ("speaker", ["participant": text(id)])
        case .pinned(let tracks): ("pinned", ["tracks": list(tracks)])
        case .spotlighted(let tracks): ("spotlighted", ["tracks": list(tracks)])
        case .unsent(let tracks): ("unsent", ["tracks": list(tracks)])
        case .refused(let error): ("refused", members(of: RoomRefusal(error), RoomFrame.Name()))
        case .ended(let cause): ("ended", ["cause": .string(cause.rawValue)])
        case .chat(let message): ("chat", ["message": value(message)])
        case .seat(let seat): ("seat", ["seat": value(seat)])
        case .unseated(let id, let cause): ("unseated", ["seat": text(id), "cause": .string(cause.rawValue)])
        case .board(let board): ("board", ["board": openValue(board)])
        case .boardClosed(let id): ("board_closed", ["board": text(id)])
        case .annotated(let board, let annotation): ("annotated", ["board": text(board), "annotation": value(annotation)])
        case .erased(let board, let ids): ("erased", ["board": text(board), "annotations": list(ids)])
        case .pointer(let track, let participant, let place):
            ("pointer", ["track": text(track), "participant": text(participant), "at": place.map(value) ?? .null])
        case .recording(let recording): ("recording", ["recording": recording.map(value) ?? .null])
        case .clipMarked(let mark): ("clip_marked", ["clip": value(mark)])
        case .snapshot(let picture, let room): ("snapshot", members(of: picture, in: room))
        case .single(let isOn, let picture, let sound): ("single", ["on": .bool(isOn), "picture": text(picture), "sound": text(sound)])
        }
    }

    private static func members(of snapshot: RoomSnapshot) -> [String: JSONValue] {
        [
            "you": text(snapshot.you), "participants": .array(snapshot.participants.map(value)),
            "tracks": .array(snapshot.tracks.map(value)),
            "seats": .array(snapshot.seats.map(value)), "spotlight": list(snapshot.spotlight), "pins": list(snapshot.pins),
            "speaker": text(snapshot.speaker), "chat": .array(snapshot.chat.map(value)), "boards": .array(snapshot.boards.map(openValue)),
            "recording": snapshot.recording.map(value) ?? .null,
        ]
    }

    // MARK: - Values

    /// A participant, as sockets and the native API show them.
    package static func value(_ participant: RoomParticipant) -> JSONValue {
        [
            "id": text(participant.id), "role": .string(participant.role.rawValue), "name": .string(participant.name),
            "presence": .string(participant.presence.rawValue), "hand": number(participant.hand),
            "metadata": .object(participant.metadata.mapValues(JSONValue.string)),
        ]
    }

    /// A track, as sockets and the native API show it.
    package static func value(_ track: RoomTrack) -> JSONValue {
        [
            "id": text(track.id), "participant": text(track.owner), "kind": .string(track.kind.rawValue), "muted": .bool(track.isMuted),
            "muted_by_host": .bool(track.isMutedByHost),
        ]
    }

    /// A camera's seat, as sockets and the native API show it.
    package static func value(_ seat: RoomSeat) -> JSONValue {
        let order = seat.order
        let media = { (kinds: Set<MediaKind>) in JSONValue.array(MediaKind.allCases.filter(kinds.contains).map { .string($0.rawValue) }) }
        var (stream, camera): (JSONValue, JSONValue) = (.null, .null)
        switch order.source {
        case .stream(let id): stream = text(id)
        case .camera(let id): camera = text(id)
        }
        return [
            "id": text(seat.id), "participant": text(seat.participant), "owner": text(seat.owner), "state": .string(seat.state.rawValue),
            "stream": stream, "camera": camera, "display_name": .string(order.displayName), "send": media(order.sends),
            "receive": media(order.receives), "max_height": number(order.greatestHeight),
            "until": order.until.map { .string($0.iso8601) } ?? .null, "abilities": seat.abilities.map(CameraMessage.value) ?? .null,
        ]
    }

    private static func value(_ message: ChatMessage) -> JSONValue {
        [
            "number": number(message.number), "participant": text(message.author), "name": .string(message.name),
            "text": .string(message.text), "at": .string(message.at.iso8601),
        ]
    }

    static func text(_ id: (some Identifier)?) -> JSONValue { id.map { .string($0.rawValue) } ?? .null }

    private static func list(_ ids: [some Identifier]) -> JSONValue { .array(ids.map { .string($0.rawValue) }) }

    private static func number(_ value: Int?) -> JSONValue { value.map { .number(Double($0)) } ?? .null }
}
