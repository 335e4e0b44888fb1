package import BridgeModel

/// A fact that somebody outside may want to be told, before it is put into any dialect's words.
package enum BridgeEvent: Sendable, Equatable {
    /// A session runs.
    case sessionStarted(SessionRow)
    /// A session is over.
    case sessionEnded(SessionRow)
    /// A stream has a source.
    case streamStarted(SessionContext, tracks: [TrackDescription])
    /// A stream has none any more.
    case streamEnded(SessionContext)
    /// Somebody reported something of a stream; the context is its publisher's, where there is one.
    case streamEvent(StreamEvent, SessionContext?)
    /// A recording has come a step further.
    case recordingAdvanced(RecordingRow, RecordingStep)
    /// A recording is at its destination, or stays on the bridge because it had none.
    case recordingDelivered(RecordingRow)
    /// A recording could not be delivered; `uploadStatus` and `failure` say why.
    case recordingFailed(RecordingRow)
    /// The spool's disk comes to its reserve; recordings are in danger.
    case storageLow(StorageShortage)
    /// Uploads to a recording's destination fail.
    case destinationFailing(RecordingRow, DestinationTrouble)
    /// A recording that is over was held, released or removed.
    case recordingKept(RecordingRow, KeepingStep)
    /// A stream is in a conference elsewhere; the context is its publisher's.
    case conferenceConnected(ConferenceRow, SessionContext?)
    /// It is not any more, and why.
    case conferenceDisconnected(ConferenceRow, SessionContext?, BridgeError)
    /// So many sessions in a row have failed, and why the last; it goes on being tried.
    case conferenceTroubled(ConferenceRow, SessionContext?, BridgeError, attempts: Int)
    /// They do not any more, and why.
    case conferenceTroubleEnded(ConferenceRow, SessionContext?, ConferenceTroubleEnd)
    /// It came to its end by itself, and why.
    case conferenceFailed(ConferenceRow, SessionContext?, BridgeError)
    /// Something of a room of an account.
    case room(RoomID, AccountID, RoomEvent)
    /// Something of the agent of a camera of an account.
    case camera(ClientID, AccountID, CameraEvent)
    /// The files of a room's recording are complete. `manifestKey`: where its manifest goes at their destination.
    case roomRecordingReady(RoomRecordingRow, RoomRecordingKeys)
    /// The stream of a composite is there.
    case compositeStarted(CompositeStatus, SessionContext)
    /// A composite was taken away.
    case compositeEnded(CompositeStatus, SessionContext)
}

/// What happens to a recording after its end.
package enum KeepingStep: Sendable, Equatable {
    /// A legal hold was placed.
    case held(RecordingHold)
    /// It was released.
    case released(by: AuditActor)
    /// The recording is removed, or its destination did not let go of it.
    case deleted(Deletion)
}

/// What happens to a recording between its beginning and its delivery.
package enum RecordingStep: Sendable, Equatable {
    /// Its first frame is written.
    case started
    /// Its source is away.
    case gap
    /// It is back.
    case resumed
    /// One of its files is complete.
    case segment(SegmentRow)
    /// All its files are complete.
    case ready
}

/// How little room there is.
package struct StorageShortage: Sendable, Equatable {
    /// Bytes that are free; nil when the disk does not say.
    package var freeBytes: Int64?
    /// Bytes that must stay free (`recording.free-space-reserve`).
    package var reserveBytes: Int64

    package init(freeBytes: Int64?, reserveBytes: Int64) {
        self.freeBytes = freeBytes
        self.reserveBytes = reserveBytes
    }
}

/// How a destination fails.
package struct DestinationTrouble: Sendable, Equatable {
    /// Attempts made so far.
    package var attempts: Int
    /// The last HTTP status; 0 without a reply, nil where HTTP is not spoken.
    package var status: Int?
    /// One sentence without secrets.
    package var reason: String
    /// When it is tried again.
    package var retryAt: WallTime

    package init(attempts: Int, status: Int?, reason: String, retryAt: WallTime) {
        self.attempts = attempts
        self.status = status
        self.reason = reason
        self.retryAt = retryAt
    }
}

/// Puts an event into a dialect's webhooks: none, one or several. Implemented by the dialects; pure.
package protocol EventTranslator: Sendable {
    /// The webhooks of this event, `at` being the moment that they report.
    func webhooks(for event: BridgeEvent, at: WallTime) -> [WebhookMessage]
}

extension RecordingStep {
    /// The step that lies between two states of a recording, for whoever commits the second; nil when there is none to tell. What ends it
    /// (`recordingDelivered`, `recordingFailed`) is told by whoever ends it.
    package init?(from earlier: RecordingState?, to later: RecordingState) {
        switch (earlier, later) {
        case (nil, .recording), (.armed, .recording): self = .started
        case (.gap, .recording): self = .resumed
        case (.recording, .gap): self = .gap
        case (.uploading, .uploading): return nil
        case (_, .uploading): self = .ready
        default: return nil
        }
    }
}
