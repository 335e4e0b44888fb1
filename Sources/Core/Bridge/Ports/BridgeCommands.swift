package import BridgeModel

/// The streams that there are now, as the native API shows them. Implemented by ControlPlane.
package protocol StreamCatalog: Sendable {
    /// Streams with a source, in order of their ids.
    func streams() async -> [StreamSummary]
    /// One of them; nil when it is not there.
    func stream(_ id: StreamID) async -> StreamSummary?
}

/// A stream as the native API shows it.
package struct StreamSummary: Sendable, Equatable {
    /// Its name in URLs, percent-encoded there.
    package var id: StreamID
    /// Whose publisher it is.
    package var account: AccountID
    /// As its source sends them.
    package var tracks: [TrackDescription]
    /// When its source began.
    package var since: WallTime
    /// Sessions that watch it.
    package var viewers: Int
    /// Counters of the hub; nil when it does not know the stream (any more).
    package var statistics: StreamStatistics?

    package init(
        id: StreamID, account: AccountID, tracks: [TrackDescription], since: WallTime, viewers: Int, statistics: StreamStatistics?
    ) {
        self.id = id
        self.account = account
        self.tracks = tracks
        self.since = since
        self.viewers = viewers
        self.statistics = statistics
    }
}

/// Recordings, as the native API commands and shows them. Implemented by ControlPlane.
package protocol RecordingCommands: Sendable {
    /// Begins a recording of a live stream; its row is durable when this returns. Throws `not_found` (no such stream), `limit_reached` (it is
    /// being recorded), `storage_full`, `unavailable`.
    func startRecording(of stream: StreamID, _ order: RecordingOrder) async throws(BridgeError) -> RecordingRow
    /// Asks a recording to finish and returns its row as it is then; one that is finishing or over stays as it is. Throws `not_found`.
    func stopRecording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow
    /// Newest first, at most `limit`; with `after`, those that follow it.
    func recordings(limit: Int, after: RecordingID?) async throws(BridgeError) -> [RecordingRow]
    /// One recording; nil when there is none of this id.
    func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow?
    /// What a recording consists of, in order.
    func segments(of id: RecordingID) async throws(BridgeError) -> [SegmentRow]
    /// Absolute path of a segment's finished file; nil while it is being written and when it is no longer in the spool.
    func file(of id: RecordingID, segment: Int) async throws(BridgeError) -> String?
    /// Whether a segment has a poster and thumbnails, which `StreamPlayback.thumbnail` finds.
    func hasThumbnails(_ segment: SegmentRow) async -> Bool
    /// What has travelled with the files of these segments, or is about to, by the segments' numbers.
    func sidecars(of row: RecordingRow, _ segments: [SegmentRow]) async throws(BridgeError) -> [Int: [SidecarCopy]]
}

/// What the native API asks to be recorded.
package struct RecordingOrder: Sendable, Equatable {
    /// nil: the one that the stream or its account is assigned, or the configured one.
    package var destination: DestinationOrder?
    /// Told when the recording is delivered or lost; nil tells nobody.
    package var webhookURL: Redacted<String>?
    /// nil: what suits the stream's codecs.
    package var container: Container?
    /// How far it reaches back, as far as the bridge has kept the stream; nil: not at all.
    package var preRoll: Duration?

    package init(
        destination: DestinationOrder? = nil, webhookURL: Redacted<String>? = nil, container: Container? = nil, preRoll: Duration? = nil
    ) {
        self.preRoll = preRoll
        self.destination = destination
        self.webhookURL = webhookURL
        self.container = container
    }
}

/// Whether the bridge can do its work now. Implemented by ControlPlane.
package protocol ReadinessProbe: Sendable {
    /// Tries what sessions and recordings need: storage, spool space, the start of a child.
    func readiness() async -> [ReadinessCheck]
}

/// One thing that was tried.
package struct ReadinessCheck: Sendable, Equatable {
    /// A word, for instance `storage`, `spool`, `pipelines`.
    package var name: String
    /// It was tried and works.
    package var isReady: Bool
    /// One sentence for the operator; empty when all is well.
    package var message: String

    package init(name: String, isReady: Bool, message: String = "") {
        self.name = name
        self.isReady = isReady
        self.message = message
    }
}

/// The bridge's figures. Implemented by ControlPlane.
package protocol MetricsSource: Sendable {
    /// All samples of now; those of one name together.
    func samples() async -> [MetricSample]
}

/// One value of one metric.
package struct MetricSample: Sendable, Equatable {
    /// As Prometheus has it.
    package enum Kind: String, Sendable {
        case counter, gauge
    }

    /// `viaduct_<noun>_<unit>[_total]`.
    package var name: String
    /// One sentence about the metric.
    package var help: String
    /// Counters only rise.
    package var kind: Kind
    /// Bounded sets of values only, never ids.
    package var labels: [Label]
    /// In the unit that the name ends in.
    package var value: Double

    package init(name: String, help: String, kind: Kind, labels: [Label] = [], value: Double) {
        self.name = name
        self.help = help
        self.kind = kind
        self.labels = labels
        self.value = value
    }

    /// A label and its value.
    package struct Label: Sendable, Equatable {
        /// A lower-case word.
        package var name: String
        /// One of few.
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }
}
