package import BridgeModel

/// What is recorded in one piece: tracks of one source that are there together. When they change, another one follows.
package struct RoomTake: Sendable, Equatable {
    /// Counts up in a room's recording.
    package var number: Int
    package var participant: ParticipantID
    /// A screen is recorded by itself, since a file is played as one picture.
    package var isScreen: Bool
    package var source: StreamID
    package var isOfRoom: Bool
    /// In the order of their indices.
    package var tracks: [RoomTrackID]
    package var descriptions: [TrackDescription]

    package init(
        number: Int, participant: ParticipantID, isScreen: Bool, source: StreamID, isOfRoom: Bool, tracks: [RoomTrackID],
        descriptions: [TrackDescription]
    ) {
        self.number = number
        self.participant = participant
        self.isScreen = isScreen
        self.source = source
        self.isOfRoom = isOfRoom
        self.tracks = tracks
        self.descriptions = descriptions
    }
}

/// Which of a room's streams are to be recorded now. Pure: tracks that come and go in, beginnings and stops of recordings out.
///
/// What a participant publishes within `settling` is one recording: a page opens its microphone and its camera one after the other.
package struct RoomTakes: Sendable {
    /// Something to do, in this order.
    package enum Effect: Sendable, Equatable {
        case begin(RoomTake)
        case stop(Int)
    }

    package static let settling: Duration = .milliseconds(300)

    private struct Key: Hashable {
        var participant: ParticipantID
        var isScreen: Bool
    }

    private struct Group {
        var tracks: [RoomTrackID: RoomTrackSource] = [:]
        var take: RoomTake?
        /// When what there is by then is recorded.
        var dueAt: MonotonicTime?
    }

    private var groups: [Key: Group] = [:]
    private var owners: [RoomTrackID: Key] = [:]
    private var lastTake = 0
    private var isOver = false

    package init() {}

    /// When to call `settle`; nil when nothing is waited for.
    package var deadline: MonotonicTime? { groups.values.compactMap(\.dueAt).min() }

    /// A track is there.
    package mutating func opened(_ track: RoomTrack, from source: RoomTrackSource, now: MonotonicTime) {
        guard !isOver, owners[track.id] == nil else { return }
        let key = Key(participant: track.owner, isScreen: track.kind == .screen)
        owners[track.id] = key
        groups[key, default: Group()].tracks[track.id] = source
        groups[key]?.dueAt = now.advanced(by: Self.settling)
    }

    /// A track is there no more. The last of a recording's ends it at once; what is left of others is another recording soon.
    package mutating func dropped(_ track: RoomTrackID, now: MonotonicTime) -> [Effect] {
        guard let key = owners.removeValue(forKey: track), var group = groups[key] else { return [] }
        group.tracks[track] = nil
        var effects: [Effect] = []
        if group.tracks.isEmpty {
            if let take = group.take { effects.append(.stop(take.number)) }
            groups[key] = nil
            return effects
        }
        group.dueAt = now.advanced(by: Self.settling)
        groups[key] = group
        return effects
    }

    /// Records what has settled.
    package mutating func settle(now: MonotonicTime) -> [Effect] {
        var effects: [Effect] = []
        let due = groups.filter { $0.value.dueAt.map { $0 <= now } ?? false }.keys
        for key in due.sorted(by: { ($0.participant.rawValue, $0.isScreen ? 1 : 0) < ($1.participant.rawValue, $1.isScreen ? 1 : 0) }) {
            groups[key]?.dueAt = nil
            effects += renew(key)
        }
        return effects
    }

    /// The room's recording ends.
    package mutating func stop() -> [Effect] {
        isOver = true
        let numbers = groups.values.compactMap { $0.take?.number }.sorted()
        (groups, owners) = ([:], [:])
        return numbers.map { .stop($0) }
    }

    private mutating func renew(_ key: Key) -> [Effect] {
        guard let group = groups[key] else { return [] }
        let tracks = group.tracks.sorted { ($0.value.description.index, $0.key.rawValue) < ($1.value.description.index, $1.key.rawValue) }
        guard let first = tracks.first else { return [] }
        if let take = group.take, take.tracks == tracks.map(\.key), take.source == first.value.stream { return [] }
        lastTake += 1
        let take = RoomTake(
            number: lastTake, participant: key.participant, isScreen: key.isScreen, source: first.value.stream,
            isOfRoom: first.value.isOfRoom, tracks: tracks.map(\.key), descriptions: tracks.map(\.value.description))
        groups[key]?.take = take
        return (group.take.map { [.stop($0.number)] } ?? []) + [.begin(take)]
    }
}
