package import BridgeModel

/// The policies of streams. Implemented by StoragePlane.
package protocol RecordingPolicyStore: Sendable {
    /// All that were set.
    func policies() async throws(BridgeError) -> [StreamID: RecordingPolicy]
    /// nil takes it away.
    func save(_ policy: RecordingPolicy?, for stream: StreamID) async throws(BridgeError)
}

/// The events that were reported of streams; they are written by `Ledger.commit`. Implemented by StoragePlane.
package protocol StreamEventArchive: Sendable {
    /// In order of their times, at most `limit`.
    func streamEvents(_ query: StreamEventQuery) async throws(BridgeError) -> [StreamEvent]
}

/// Which events are asked for.
package struct StreamEventQuery: Sendable, Equatable {
    package var stream: StreamID?
    package var recording: RecordingID?
    package var from: WallTime?
    package var to: WallTime?
    /// The last event of the page before; none follow one that is unknown.
    package var after: String?
    package var limit: Int

    package init(
        stream: StreamID? = nil, recording: RecordingID? = nil, from: WallTime? = nil, to: WallTime? = nil, after: String? = nil, limit: Int
    ) {
        self.stream = stream
        self.recording = recording
        self.from = from
        self.to = to
        self.after = after
        self.limit = limit
    }
}

/// What makes recordings begin, as the native API commands and shows it. Implemented by ControlPlane.
package protocol TriggerCommands: StreamEventArchive {
    /// Policies that were set, in order of their streams.
    func policies() async -> [(stream: StreamID, policy: RecordingPolicy)]
    /// The one that holds for a stream; `isOwn`: it was set for it, and is not the configuration's.
    func policy(of stream: StreamID) async -> (policy: RecordingPolicy, isOwn: Bool)
    /// Sets it, or with nil takes it away; it is durable and holds when this returns. Throws `invalid_field` when its time zone is unknown.
    func set(_ policy: RecordingPolicy?, for stream: StreamID) async throws(BridgeError)
    /// Stores an event, and lets the stream's policy begin or prolong a recording.
    func report(_ report: StreamEventReport, on stream: StreamID) async throws(BridgeError) -> StreamEvent
}

/// What the clocks on the walls of the world show.
package protocol TimeZones: Sendable {
    /// What the place's clock is ahead of UTC at this moment; nil when there is no such name.
    func offset(of name: String, at moment: WallTime) -> Duration?
}
