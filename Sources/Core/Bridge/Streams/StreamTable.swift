package import BridgeModel

/// A stream that has a source now, or had one a moment ago.
package struct LiveStream: Sendable, Equatable {
    package var context: SessionContext
    package var tracks: [TrackDescription]
    /// The transport that its packets come through.
    package var peer: PeerID
    /// What its packets come from.
    package var source: StreamSource
    package var since: WallTime

    package init(context: SessionContext, tracks: [TrackDescription], peer: PeerID, source: StreamSource, since: WallTime) {
        self.context = context
        self.tracks = tracks
        self.peer = peer
        self.source = source
        self.since = since
    }

    package var id: StreamID { context.stream }
}

/// What feeds a stream: names the source to `MediaHub.unpublish`.
package enum StreamSource: Sendable, Equatable {
    /// A child; the first of its descriptors.
    case child(MediaDescriptor)
    /// A peer of the bridge's own engine.
    case peer(PeerID)
}

/// Which streams there are. A publisher that comes back within the grace time continues its stream: viewers and recorders are not disturbed.
package struct StreamTable: Sendable {
    /// What the streams' followers (viewers, recordings) are told.
    package enum Change: Sendable, Equatable {
        case started(LiveStream)
        /// The source is gone, the stream is kept for the grace time.
        case lost(StreamID)
        /// A new source feeds the same stream.
        case returned(LiveStream)
        case ended(StreamID)
    }

    package enum Effect: Sendable, Equatable {
        case announce(Change)
        /// Tell the hub that the stream is over.
        case unpublish(StreamID, source: StreamSource)
    }

    private enum Presence: Equatable {
        case present
        case absent(until: MonotonicTime)
    }

    private struct Entry {
        var stream: LiveStream
        var presence: Presence
    }

    private let grace: Duration
    private var entries: [StreamID: Entry] = [:]

    package init(grace: Duration) { self.grace = grace }

    /// Streams whose source is there, in no order.
    package var live: [LiveStream] { entries.values.filter { $0.presence == .present }.map(\.stream) }

    /// The stream, also while its source is away for a moment.
    package func stream(_ id: StreamID) -> LiveStream? { entries[id]?.stream }

    /// When `expire` has something to do.
    package var deadline: MonotonicTime? {
        entries.values.compactMap { entry in
            guard case .absent(let until) = entry.presence else { return nil }
            return until
        }.min()
    }

    /// A source is connected and feeds the stream. An earlier source of the same stream is superseded.
    package mutating func published(_ stream: LiveStream) -> [Effect] {
        defer { entries[stream.id] = Entry(stream: stream, presence: .present) }
        guard let earlier = entries[stream.id] else { return [.announce(.started(stream))] }
        guard earlier.stream.tracks.map(\.codec) == stream.tracks.map(\.codec) else {
            // Other codecs: what followers negotiated does not fit any more.
            return [.announce(.ended(stream.id)), .announce(.started(stream))]
        }
        return [.announce(.returned(stream))]
    }

    /// The source's transport is over. `forGood`: its owner said so, nobody waits for a return. A superseded source changes nothing.
    package mutating func sourceEnded(_ peer: PeerID, of id: StreamID, forGood: Bool, now: MonotonicTime) -> [Effect] {
        guard let entry = entries[id], entry.stream.peer == peer else { return [] }
        if forGood { return end(id) }
        guard entry.presence == .present else { return [] }
        entries[id]?.presence = .absent(until: now.advanced(by: grace))
        return [.announce(.lost(id))]
    }

    /// Ends the streams whose grace time is over.
    package mutating func expire(now: MonotonicTime) -> [Effect] {
        let over = entries.filter { entry in
            guard case .absent(let until) = entry.value.presence else { return false }
            return until <= now
        }
        return over.keys.sorted { $0.rawValue < $1.rawValue }.flatMap { end($0) }
    }

    private mutating func end(_ id: StreamID) -> [Effect] {
        guard let entry = entries.removeValue(forKey: id) else { return [] }
        return [.unpublish(id, source: entry.stream.source), .announce(.ended(id))]
    }
}
