package import BridgeModel

/// What a track of a room shows or sounds.
package enum RoomTrackKind: String, Sendable, Codable, CaseIterable {
    case microphone, camera, screen

    /// What carries it.
    package var media: MediaKind { self == .microphone ? .audio : .video }

    /// What publishing it is.
    package var publishing: RoomAction {
        switch self {
        case .microphone: .publishMicrophone
        case .camera: .publishCamera
        case .screen: .publishScreen
        }
    }
}

/// A published track, as everybody in the room knows it.
package struct RoomTrack: Sendable, Equatable {
    package let id: RoomTrackID
    package let owner: ParticipantID
    package let kind: RoomTrackKind
    /// The section of its owner's publishing peer, or the stream's for a camera that the bridge joins.
    package let mid: String
    package var isMutedByOwner = false
    package var isMutedByHost = false

    /// Its packets go to nobody.
    package var isMuted: Bool { isMutedByOwner || isMutedByHost }

    /// A track that nobody has muted.
    package init(id: RoomTrackID, owner: ParticipantID, kind: RoomTrackKind, mid: String) {
        self.id = id
        self.owner = owner
        self.kind = kind
        self.mid = mid
    }
}

/// How a subscriber sees a track.
package struct TrackView: Sendable, Equatable {
    package var isVisible: Bool
    /// Pixels on the screen; nil: as large as there is.
    package var width: Int?
    package var height: Int?
    /// Frames a second that are enough; nil: all.
    package var frameRate: Int?

    package init(isVisible: Bool, width: Int? = nil, height: Int? = nil, frameRate: Int? = nil) {
        self.isVisible = isVisible
        self.width = width
        self.height = height
        self.frameRate = frameRate
    }
}

/// What is forwarded of a track to one subscriber.
package struct TrackBounds: Sendable, Equatable {
    /// Nothing, for it is not seen.
    package var isPaused = false
    /// The best layer within these, in pixels.
    package var width: Int?
    package var height: Int?
    /// Frames a second.
    package var frameRate: Int?
    /// Pinned, spotlighted or a screen: the last one that a narrow line takes away.
    package var isPreferred = false

    package init() {}

    /// What a view needs.
    package init(_ view: TrackView, isPreferred: Bool) {
        self.isPreferred = isPreferred
        isPaused = !view.isVisible
        // What is not sent has no size: a hidden track that changes its size is no news.
        guard view.isVisible else { return }
        (width, height, frameRate) = (view.width, view.height, view.frameRate)
    }
}

/// A track that a participant is sent.
package struct RoomSubscription: Sendable, Equatable {
    package var track: RoomTrackID
    package var bounds: TrackBounds

    package init(_ track: RoomTrackID, _ bounds: TrackBounds) {
        self.track = track
        self.bounds = bounds
    }
}

/// What changes of a participant's subscriptions: one description, however many tracks came and went.
package struct SubscriptionUpdate: Sendable, Equatable {
    package var added: [RoomSubscription]
    package var removed: [RoomTrackID]
    /// Bounds of tracks that stay; no description is needed for them.
    package var changed: [RoomSubscription]

    /// What leads from one to the other.
    package init(from old: [RoomSubscription], to new: [RoomSubscription]) {
        let before = Dictionary(uniqueKeysWithValues: old.map { ($0.track, $0.bounds) })
        let after = Set(new.map(\.track))
        added = new.filter { before[$0.track] == nil }
        removed = old.map(\.track).filter { !after.contains($0) }
        changed = new.filter { before[$0.track].map { [bounds = $0.bounds] in $0 != bounds } ?? false }
    }

    /// Nothing changes.
    package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
}
