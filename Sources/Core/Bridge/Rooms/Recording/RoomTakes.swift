package import BridgeModel

/// What is recorded in one piece: tracks of one source that are sent together. When others are sent, or one is gone, another one follows; one that falls
/// silent stays in it.
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
    /// Since when they are sent: what came before is of no use.
    package var since: MonotonicTime

    package init(
        number: Int, participant: ParticipantID, isScreen: Bool, source: StreamID, isOfRoom: Bool, tracks: [RoomTrackID],
        descriptions: [TrackDescription], since: MonotonicTime
    ) {
        self.number = number
        self.participant = participant
        self.isScreen = isScreen
        self.source = source
        self.isOfRoom = isOfRoom
        self.tracks = tracks
        self.descriptions = descriptions
        self.since = since
    }
}

/// Which of a room's streams are to be recorded now. Pure: tracks that come and go in, beginnings and stops of recordings out.
///
/// What a participant publishes within `settling` is one recording: a page opens its microphone and its camera one after the other. Nothing comes of a
/// muted track of the room's own, and a recording begins with pictures where it has a video track: tracks are recorded from their first sound or picture on.
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

    private struct Track {
        var source: RoomTrackSource
        /// Something comes of it.
        var isSent: Bool
    }

    private struct Group {
        var tracks: [RoomTrackID: Track] = [:]
        var take: RoomTake?
        /// When what there is by then is recorded, and the first moment of what changes with it.
        var due: (at: MonotonicTime, since: MonotonicTime)?

        mutating func change(_ now: MonotonicTime) { due = (now.advanced(by: RoomTakes.settling), due?.since ?? now) }
    }

    private var groups: [Key: Group] = [:]
    private var owners: [RoomTrackID: Key] = [:]
    private var lastTake = 0
    private var isOver = false

    package init() {}

    /// When to call `settle`; nil when nothing is waited for.
    package var deadline: MonotonicTime? { groups.values.compactMap(\.due?.at).min() }

    /// A track is there.
    package mutating func opened(_ track: RoomTrack, from source: RoomTrackSource, now: MonotonicTime) {
        guard !isOver, owners[track.id] == nil else { return }
        let key = Key(participant: track.owner, isScreen: track.kind == .screen)
        owners[track.id] = key
        let isSent = !track.isMuted || !source.isOfRoom
        groups[key, default: Group()].tracks[track.id] = Track(source: source, isSent: isSent)
        if isSent { groups[key]?.change(now) }
    }

    /// A track is muted, or is not any more. That of a camera's stream is recorded as the camera sends it.
    package mutating func forwarded(_ track: RoomTrackID, _ isForwarded: Bool, now: MonotonicTime) {
        guard let key = owners[track], var group = groups[key], let known = group.tracks[track], known.source.isOfRoom,
            known.isSent != isForwarded
        else { return }
        group.tracks[track]?.isSent = isForwarded
        if isForwarded, group.take?.tracks.contains(track) != true { group.change(now) }
        groups[key] = group
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
        group.change(now)
        groups[key] = group
        return effects
    }

    /// Records what has settled.
    package mutating func settle(now: MonotonicTime) -> [Effect] {
        var effects: [Effect] = []
        let due = groups.filter { $0.value.due.map { $0.at <= now } ?? false }.keys
        for key in due.sorted(by: { ($0.participant.rawValue, $0.isScreen ? 1 : 0) < ($1.participant.rawValue, $1.isScreen ? 1 : 0) }) {
            let since = groups[key]?.due?.since ?? now
            groups[key]?.due = nil
            effects += renew(key, since: since)
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

    private mutating func renew(_ key: Key, since: MonotonicTime) -> [Effect] {
        guard let group = groups[key] else { return [] }
        let sent = group.tracks.filter(\.value.isSent).sorted {
            ($0.value.source.description.index, $0.key.rawValue) < ($1.value.source.description.index, $1.key.rawValue)
        }
        if let take = group.take, take.tracks.allSatisfy({ group.tracks[$0]?.source.stream == take.source }),
            sent.allSatisfy({ take.tracks.contains($0.key) })
        {
            return []
        }
        let stop = group.take.map { [Effect.stop($0.number)] } ?? []
        groups[key]?.take = nil
        guard let first = sent.first?.value.source else { return stop }
        lastTake += 1
        let take = RoomTake(
            number: lastTake, participant: key.participant, isScreen: key.isScreen, source: first.stream, isOfRoom: first.isOfRoom,
            tracks: sent.map(\.key), descriptions: sent.map(\.value.source.description), since: since)
        groups[key]?.take = take
        return stop + [.begin(take)]
    }
}
