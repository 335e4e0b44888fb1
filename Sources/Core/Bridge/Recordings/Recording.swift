package import BridgeModel

/// Where a recording goes.
package enum Destination: Sendable, Equatable, Codable {
    /// Stays in the spool until it is fetched or removed.
    case keep
    /// A folder on the bridge's machine, absolute path.
    case folder(path: String)
    /// One HTTP PUT of the whole file. The URL is a bearer secret: stored encrypted, logged as scheme and host only.
    case put(url: Redacted<String>)
}

/// What somebody asked to be recorded.
package struct RecordingRequest: Sendable, Equatable {
    package var context: SessionContext
    /// nil: the configured destination (`recording.destination`), or `keep`.
    package var destination: Destination?
    package var webhookURL: Redacted<String>?
    /// nil: the dialect's rule decides (Eyeson: WebM, Matroska for H.264).
    package var container: Container?
    /// Video track to record, 0 to 2; nil records all.
    package var videoTrack: Int?

    package init(
        context: SessionContext, destination: Destination? = nil, webhookURL: Redacted<String>? = nil, container: Container? = nil,
        videoTrack: Int? = nil
    ) {
        self.context = context
        self.destination = destination
        self.webhookURL = webhookURL
        self.container = container
        self.videoTrack = videoTrack
    }
}

/// The life of a recording, in the words of `recording_state.state`.
package enum RecordingState: String, Sendable, Codable, CaseIterable {
    /// Waiting for the first keyframe.
    case armed
    case recording
    case finalizing
    case uploading
    case uploaded
    case uploadFailed = "upload_failed"
    /// Finished, and it stays on the bridge: there was no destination.
    case stored

    /// Nothing follows.
    package var isFinal: Bool { self == .uploaded || self == .uploadFailed || self == .stored }
}

/// One change of a recording, as its session is told.
package struct RecordingUpdate: Sendable, Equatable {
    package var recording: RecordingID
    package var state: RecordingState
    /// For people; empty when there is nothing to add.
    package var message: String
    package var at: WallTime

    package init(recording: RecordingID, state: RecordingState, message: String = "", at: WallTime) {
        self.recording = recording
        self.state = state
        self.message = message
        self.at = at
    }
}

/// A recording's row in the ledger.
package struct RecordingRow: Sendable, Equatable, Codable {
    package var id: RecordingID
    package var context: SessionContext
    package var state: RecordingState
    package var container: Container
    /// File name inside the spool: the id and an extension, never user text.
    package var file: String
    package var destination: Destination
    package var webhookURL: Redacted<String>?
    package var startedAt: WallTime
    package var firstFrameWrittenAt: WallTime?
    /// The source's own clock, from its sender reports.
    package var firstFrameCapturedAt: WallTime?
    package var stoppedAt: WallTime?
    package var durationMilliseconds: Int64?
    package var sizeBytes: Int64?
    /// Set in `uploadFailed`, and where a part was lost.
    package var failure: BridgeError?
    /// The destination's last HTTP status, 0 without a reply.
    package var uploadStatus: Int?

    package init(
        id: RecordingID, context: SessionContext, state: RecordingState, container: Container, file: String, destination: Destination,
        webhookURL: Redacted<String>?, startedAt: WallTime
    ) {
        self.id = id
        self.context = context
        self.state = state
        self.container = container
        self.file = file
        self.destination = destination
        self.webhookURL = webhookURL
        self.startedAt = startedAt
    }
}
