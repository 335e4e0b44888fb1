package import Bridge
package import BridgeModel

/// What a room's recording is: who was there, what was recorded when, and what was shown and marked meanwhile. It is made of the journal, line by
/// line, so that a bridge that was killed tells of as much as it has written.
package struct RoomManifest: Sendable, Equatable {
    /// Of the document's form: raised when a member changes its meaning.
    package static let version = 1

    private var head: [String: JSONValue] = [:]
    private var participants: [[String: JSONValue]] = []
    private var tracks: [[String: JSONValue]] = []
    private var recordings: [[String: JSONValue]] = []
    private var boards: [[String: JSONValue]] = []
    private var clips: [[String: JSONValue]] = []
    private var pictures: [[String: JSONValue]] = []

    /// Of nothing yet.
    package init() {}

    /// Of a whole journal; lines that cannot be read, as a last one that was cut off, are passed over. nil: there is no recording in it.
    package init?(journal: some Sequence<UInt8>) {
        for line in Array(journal).split(separator: UInt8(ascii: "\n")) {
            if let value = try? JSONValue.read(line) { take(value) }
        }
        guard id != nil, room != nil, account != nil, startedAt != nil else { return nil }
    }

    package var id: RoomRecordingID? { head["room_recording"]?.string.map(RoomRecordingID.init) }
    package var room: RoomID? { head["room"]?.string.map(RoomID.init) }
    package var account: AccountID? { head["account"]?.string.map(AccountID.init) }
    package var startedAt: WallTime? { head["started_at"]?.string.flatMap(WallTime.init(dateTime:)) }
    package var endedAt: WallTime? { head["ended_at"]?.string.flatMap(WallTime.init(dateTime:)) }
    package var isOver: Bool { head["ended_at"]?.string != nil }
    /// Its recordings, in the order of their beginning.
    package var recordingIDs: [RecordingID] { recordings.compactMap { $0["id"]?.string.map(RecordingID.init) } }
    /// Those that were begun for it, and end with it.
    package var ownRecordingIDs: [RecordingID] {
        recordings.filter { $0["shared"]?.bool != true }.compactMap { $0["id"]?.string.map(RecordingID.init) }
    }
    /// The pictures that were taken, by their ids.
    package var pictureIDs: [String] { pictures.compactMap { $0["id"]?.string } }

    // MARK: - The document

    /// The document. `files`: what is known of each recording, to be put beside what the journal says of it; `keys`: where it goes itself.
    package func document(_ files: [RecordingID: RecordingFiles], _ keys: RoomRecordingKeys = RoomRecordingKeys()) -> JSONValue {
        var members = head
        members["version"] = .number(Double(Self.version))
        members["participants"] = list(participants)
        members["tracks"] = list(tracks)
        members["recordings"] = .array(recordings.map { .object($0.merging(Self.members(of: $0, files)) { $1 }) })
        members["boards"] = list(boards)
        members["clips"] = list(clips)
        members["snapshots"] = list(
            pictures.map { picture in
                picture.merging(["key": (picture["id"]?.string).flatMap { keys.pictures[$0] }.map { .string($0) } ?? .null]) { $1 }
            })
        members["manifest_key"] = keys.manifest.map { .string($0) } ?? .null
        return .object(members)
    }

    /// A recording with its segments, as the ledger has them.
    package struct RecordingFiles: Sendable {
        package var row: RecordingRow
        package var segments: [SegmentRow]

        package init(row: RecordingRow, segments: [SegmentRow]) {
            self.row = row
            self.segments = segments
        }
    }

    /// What the ledger has of it; nil where the journal does not say enough.
    package var row: RoomRecordingRow? {
        guard let id, let room, let account, let startedAt else { return nil }
        var row = RoomRecordingRow(id: id, room: room, account: account, startedAt: startedAt)
        row.endedAt = endedAt
        row.pictures = pictureIDs.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        let drawn = Set(boards.compactMap { $0["track"]?.string })
        for recording in recordings {
            guard let id = recording["id"]?.string, let stream = recording["stream"]?.string else { continue }
            let isDrawnOn = Self.texts(recording["tracks"]).contains(where: drawn.contains)
            // A camera that comes back to its seat goes on with the same recording, which is its own.
            if let index = row.parts.firstIndex(where: { $0.recording.rawValue == id }) {
                if isDrawnOn { row.parts[index].isDrawnOn = true }
                continue
            }
            row.parts.append(
                .init(
                    recording: RecordingID(id), stream: StreamID(stream), isShared: recording["shared"]?.bool == true, isDrawnOn: isDrawnOn)
            )
        }
        return row
    }

    /// The boards with what was drawn on pictures of this stream, as its recordings show them.
    package func boards(of stream: StreamID) -> [JSONValue] {
        let shown = Set(recordings.filter { $0["stream"]?.string == stream.rawValue }.flatMap { Self.texts($0["tracks"]) })
        return boards.filter { shown.contains($0["track"]?.string ?? "") }.map { .object($0) }
    }

    private static func members(of recording: [String: JSONValue], _ files: [RecordingID: RecordingFiles]) -> [String: JSONValue] {
        guard let id = recording["id"]?.string, let known = files[RecordingID(id)] else { return ["state": .null, "segments": .array([])] }
        return ["state": .string(known.row.state.rawValue), "segments": .array(known.segments.map(value))]
    }

    private static func value(_ segment: SegmentRow) -> JSONValue {
        [
            "number": .number(Double(segment.number)), "file": .string(segment.file),
            "started_at": segment.startedAt.map { .string($0.iso8601) } ?? .null,
            "ended_at": segment.endsAt.map { .string($0.iso8601) } ?? .null,
            "duration_ms": .number(Double(segment.duration.wholeMilliseconds)), "size_bytes": .number(Double(segment.sizeBytes)),
            "gaps": .array(segment.gaps.map(value)),
        ]
    }

    private static func value(_ gap: RecordingGap) -> JSONValue {
        [
            "offset_ms": .number(Double(gap.offset.wholeMilliseconds)), "length_ms": .number(Double(gap.length.wholeMilliseconds)),
            "cause": .string(gap.cause.rawValue),
        ]
    }

    private func list(_ items: [[String: JSONValue]]) -> JSONValue { .array(items.map { .object($0) }) }

    private static func texts(_ value: JSONValue?) -> [String] {
        guard case .array(let items) = value else { return [] }
        return items.compactMap(\.string)
    }

    // MARK: - The journal

    /// Takes a line. What it does not know, it passes over: it may be of a newer version.
    package mutating func take(_ line: JSONValue) {
        guard case .object(var members) = line, let entry = members.removeValue(forKey: "entry")?.string else { return }
        let at = members["at"] ?? .null
        switch entry {
        case "begun": begin(members)
        case "joined": joined(members, at)
        case "left": left(members, at)
        case "track":
            members["at"] = nil
            tracks.append(members.merging(["from": at, "to": .null]) { $1 })
        case "track_ended":
            Self.change(&tracks, members["id"]) { $0["to"] = at }
            returned(at) { failed in Self.texts(failed["tracks"]).contains(members["id"]?.string ?? "") }
        case "recording", "composite":
            let recording = Self.began(members, at, isComposite: entry == "composite")
            returned(at) { Self.areOfOne($0, recording) }
            recordings.append(recording)
        case "recording_failed", "composite_failed":
            let failed = Self.failed(members, at, isComposite: entry == "composite_failed")
            returned(at) { Self.areOfOne($0, failed) }
            recordings.append(failed)
        case "clip": Self.change(&clips, members["mark"]) { $0["clips"] = Self.appended(members["id"], to: $0["clips"]) }
        case "clip_marked": if case .object(let clip)? = members["clip"] { clips.append(clip.merging(["clips": .array([])]) { $1 }) }
        case "snapshot": pictures.append(members)
        case "ended":
            returned(at) { _ in true }
            head["ended_at"] = at
            head["cause"] = members["cause"] ?? .null
        default: draw(entry, members, at)
        }
    }

    private mutating func begin(_ members: [String: JSONValue]) {
        head = [
            "room_recording": members["id"] ?? .null, "room": members["room"] ?? .null, "account": members["account"] ?? .null,
            "mode": members["mode"] ?? .null, "started_by": members["participant"] ?? .null, "started_at": members["at"] ?? .null,
            "ended_at": .null, "cause": .null,
        ]
    }

    private mutating func joined(_ members: [String: JSONValue], _ at: JSONValue) {
        let stay: JSONValue = ["from": at, "to": .null, "cause": .null]
        if participants.contains(where: { $0["id"] == members["id"] }) {
            return Self.change(&participants, members["id"]) { $0["stays"] = Self.appended(stay, to: $0["stays"]) }
        }
        participants.append([
            "id": members["id"] ?? .null, "role": members["role"] ?? .null, "name": members["name"] ?? .null, "stays": .array([stay]),
        ])
    }

    private mutating func left(_ members: [String: JSONValue], _ at: JSONValue) {
        Self.change(&participants, members["id"]) { participant in
            guard case .array(var stays) = participant["stays"], case .object(var last)? = stays.popLast() else { return }
            last["to"] = at
            last["cause"] = members["cause"] ?? .null
            participant["stays"] = .array(stays + [.object(last)])
        }
    }

    private static func began(_ members: [String: JSONValue], _ at: JSONValue, isComposite: Bool) -> [String: JSONValue] {
        var recording: [String: JSONValue] = ["kind": kind(of: members, isComposite), "failure": .null]
        for name in ["id", "participant", "stream"] { recording[name] = members[name] ?? .null }
        recording["tracks"] = members["tracks"] ?? .array([])
        recording["shared"] = members["shared"] ?? .bool(false)
        recording["begun_at"] = at
        return recording
    }

    private static func failed(_ members: [String: JSONValue], _ at: JSONValue, isComposite: Bool) -> [String: JSONValue] {
        [
            "id": .null, "kind": kind(of: members, isComposite), "participant": members["participant"] ?? .null, "stream": .null,
            "tracks": members["tracks"] ?? .array([]), "shared": .bool(false), "begun_at": at, "failed_until": .null,
            "failure": ["code": members["code"] ?? .null, "detail": members["detail"] ?? .null],
        ]
    }

    private static func kind(of members: [String: JSONValue], _ isComposite: Bool) -> JSONValue {
        .string(isComposite ? "composite" : members["screen"]?.bool == true ? "screen" : "camera")
    }

    /// Both are of the room's one picture, or of the same of somebody's.
    private static func areOfOne(_ one: [String: JSONValue], _ other: [String: JSONValue]) -> Bool {
        one["kind"] == other["kind"] && one["participant"] == other["participant"]
    }

    /// The reason why there was none holds no longer for these.
    private mutating func returned(_ at: JSONValue, _ isMeant: ([String: JSONValue]) -> Bool) {
        for index in recordings.indices where recordings[index]["failed_until"] == .null && isMeant(recordings[index]) {
            recordings[index]["failed_until"] = at
        }
    }

    // MARK: - Boards

    private mutating func draw(_ entry: String, _ members: [String: JSONValue], _ at: JSONValue) {
        switch entry {
        case "board":
            guard case .object(let board)? = members["board"] else { return }
            let drawn = board["annotations"].map { Self.drawn($0) } ?? []
            boards.append(board.merging(["opened_at": at, "closed_at": .null, "annotations": .array(drawn)]) { $1 })
        case "annotated": if let annotation = members["annotation"] { annotated(members["board"], annotation) }
        case "erased":
            let erased = Set(Self.texts(members["annotations"]))
            Self.change(&boards, members["board"]) { board in
                guard case .array(let items) = board["annotations"] else { return }
                board["annotations"] = .array(items.map { Self.erased($0, erased, at) })
            }
        case "board_closed": Self.change(&boards, members["board"]) { $0["closed_at"] = at }
        default: break
        }
    }

    /// A stroke that grows is one: it keeps the moment when it began.
    private mutating func annotated(_ board: JSONValue?, _ annotation: JSONValue) {
        Self.change(&boards, board) { board in
            guard case .array(var items) = board["annotations"], case .object(var drawn) = annotation else { return }
            let index = items.lastIndex { $0["id"] == annotation["id"] && $0["erased_at"]?.isNull == true }
            drawn["drawn_at"] = index.flatMap { items[$0]["drawn_at"] } ?? annotation["at"] ?? .null
            drawn["erased_at"] = .null
            if let index { items[index] = .object(drawn) } else { items.append(.object(drawn)) }
            board["annotations"] = .array(items)
        }
    }

    private static func drawn(_ annotations: JSONValue) -> [JSONValue] {
        guard case .array(let items) = annotations else { return [] }
        return items.compactMap { item in
            guard case .object(var drawn) = item else { return nil }
            drawn["drawn_at"] = drawn["at"] ?? .null
            drawn["erased_at"] = .null
            return .object(drawn)
        }
    }

    private static func erased(_ item: JSONValue, _ ids: Set<String>, _ at: JSONValue) -> JSONValue {
        guard case .object(var drawn) = item, ids.contains(drawn["id"]?.string ?? ""), drawn["erased_at"]?.isNull == true else {
            return item
        }
        drawn["erased_at"] = at
        return .object(drawn)
    }

    // MARK: - Pieces

    /// The newest one of this id.
    private static func change(
        _ items: inout [[String: JSONValue]], _ id: JSONValue?, _ edit: (inout [String: JSONValue]) -> Void
    ) {
        guard let id, let index = items.lastIndex(where: { $0["id"] == id }) else { return }
        edit(&items[index])
    }

    private static func appended(_ item: JSONValue?, to list: JSONValue?) -> JSONValue {
        guard case .array(let items) = list else { return .array(item.map { [$0] } ?? []) }
        return .array(items + (item.map { [$0] } ?? []))
    }
}
