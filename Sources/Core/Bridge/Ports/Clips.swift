package import BridgeModel
package import Playback

/// A range of a stream that somebody wants to keep: a file of its own, which stays when the recordings that it was cut from are removed.
package struct Clip: Sendable, Equatable {
    package var id: ClipID
    package var account: AccountID
    package var stream: StreamID
    package var range: PlaybackRange
    /// For people; may be empty.
    package var title: String
    /// Sorted, each once.
    package var tags: [String]
    package var container: Container
    package var sizeBytes: Int64
    package var createdAt: WallTime

    package init(
        id: ClipID, account: AccountID, order: ClipOrder, container: Container, sizeBytes: Int64 = 0, createdAt: WallTime
    ) {
        self.id = id
        self.account = account
        stream = order.stream
        range = order.range
        title = order.title
        tags = order.tags
        self.container = container
        self.sizeBytes = sizeBytes
        self.createdAt = createdAt
    }

    /// The name of its file: made of our own id, never of a user's text.
    package var fileName: String { "\(id).\(container.fileExtension)" }
}

/// What a clip is to be made of.
package struct ClipOrder: Sendable, Equatable {
    package var stream: StreamID
    package var range: PlaybackRange
    package var title: String
    package var tags: [String]

    package init(stream: StreamID, range: PlaybackRange, title: String = "", tags: [String] = []) {
        self.stream = stream
        self.range = range
        self.title = title
        self.tags = Array(Set(tags)).sorted()
    }
}

/// Which clips are looked for; members that are nil exclude nothing.
package struct ClipQuery: Sendable, Equatable {
    package var stream: StreamID?
    package var tag: String?
    /// Clips that show something of this time or later.
    package var from: WallTime?
    /// Clips that show something from before this time.
    package var to: WallTime?
    /// Clips at most.
    package var limit: Int
    /// Those that follow this one.
    package var after: ClipID?

    package init(limit: Int) { self.limit = limit }
}

/// Clips as the native API commands and shows them. Implemented by PlaybackPlane.
package protocol ClipCommands: Sendable {
    /// Cuts a clip; its file and its row are durable when this returns. Throws as `StreamPlayback.media`, and `failed` with `storage_full`.
    func makeClip(_ order: ClipOrder, for account: AccountID) async throws(PlaybackError) -> Clip
    /// Newest first.
    func clips(_ query: ClipQuery) async throws(BridgeError) -> [Clip]
    /// One clip; nil when there is none of this id.
    func clip(_ id: ClipID) async throws(BridgeError) -> Clip?
    /// Absolute path of its file; nil when it is gone.
    func file(of clip: Clip) async -> String?
    /// Removes a clip with its file; false when there is none of this id.
    func removeClip(_ id: ClipID) async throws(BridgeError) -> Bool
}

/// The clips in the database. Implemented by StoragePlane.
package protocol ClipLedger: Sendable {
    /// Writes a new clip; it is durable when this returns.
    func add(_ clip: Clip) async throws(BridgeError)
    /// Newest first.
    func clips(_ query: ClipQuery) async throws(BridgeError) -> [Clip]
    /// One clip; nil when there is none of this id.
    func clip(_ id: ClipID) async throws(BridgeError) -> Clip?
    /// Removes a clip; false when there is none of this id.
    func removeClip(_ id: ClipID) async throws(BridgeError) -> Bool
}
