package import BridgeModel

/// What somebody asked to be recorded.
package struct RecordingRequest: Sendable, Equatable {
    package var context: SessionContext
    /// nil: what the stream or its account is assigned, else the configured destination (`recording.destination`), or `keep`.
    package var destination: DestinationOrder?
    package var webhookURL: Redacted<String>?
    /// nil: the dialect's rule decides (Eyeson: WebM, Matroska for H.264).
    package var container: Container?
    /// Video track to record, 0 to 2; nil records all.
    package var videoTrack: Int?
    /// It belongs to the stream, not to the session that it begins in: it goes on when the publisher comes back in another one.
    package var followsStream = false

    package init(
        context: SessionContext, destination: DestinationOrder? = nil, webhookURL: Redacted<String>? = nil, container: Container? = nil,
        videoTrack: Int? = nil
    ) {
        self.context = context
        self.destination = destination
        self.webhookURL = webhookURL
        self.container = container
        self.videoTrack = videoTrack
    }
}

/// The life of a recording. Signalling has words of its own for it: `signalingName`.
package enum RecordingState: String, Sendable, Codable, CaseIterable {
    /// Waiting for the first keyframe.
    case armed
    case recording
    /// The source is away; the recording goes on when it returns in time.
    case gap
    /// It takes no more media; its files are being completed.
    case closing
    /// Complete, and it stays on the bridge: there was no destination.
    case ready
    case uploading
    /// The destination has everything.
    case delivered
    /// There was no media, or the destination did not take it.
    case failed

    /// Nothing follows.
    package var isFinal: Bool { self == .delivered || self == .failed || self == .ready }

    /// Media may still be added.
    package var isRunning: Bool { Self.running.contains(self) }

    /// The states of a recording to which media may still be added.
    package static let running: Set<RecordingState> = [.armed, .recording, .gap]
    /// The states in which its files are not complete.
    package static let incomplete: Set<RecordingState> = running.union([.closing])
}

/// The words of `recording_state.state` (streamrec contract section 6.3).
extension RecordingState {
    /// What a session is told: of gaps signalling knows nothing.
    package var signalingName: String {
        switch self {
        case .armed: "armed"
        case .recording, .gap: "recording"
        case .closing: "finalizing"
        case .ready: "stored"
        case .uploading: "uploading"
        case .delivered: "uploaded"
        case .failed: "upload_failed"
        }
    }

    /// The state of this name; nil for any other text.
    package init?(signalingName: String) {
        guard let state = Self.allCases.first(where: { $0.signalingName == signalingName }) else { return nil }
        self = state
    }
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
    /// Gets the recording when `destination` has been given up.
    package var fallback: Destination?
    /// How long the file stays on the bridge after its delivery; nil: `uploads.keep-delivered`.
    package var keepLocal: KeepLocal?
    /// What travels with each of its files; nil: nothing.
    package var sidecars: [Sidecar]?
    package var webhookURL: Redacted<String>?
    package var startedAt: WallTime
    package var firstFrameWrittenAt: WallTime?
    /// The source's own clock, from its sender reports.
    package var firstFrameCapturedAt: WallTime?
    package var stoppedAt: WallTime?
    package var durationMilliseconds: Int64?
    package var sizeBytes: Int64?
    /// Set in `failed`, and where a part was lost.
    package var failure: BridgeError?
    /// The destination's last HTTP status, 0 without a reply.
    package var uploadStatus: Int?
    /// Its legal hold. Read with the row, and written by `LedgerChange.hold` alone.
    package var hold: RecordingHold?
    /// Its removal. Read with the row, and written by `LedgerChange.deletion` alone.
    package var deletion: Deletion?

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
