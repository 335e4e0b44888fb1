package import BridgeModel

/// A fact that somebody outside may have asked to be told, before it is put into any dialect's words.
package enum BridgeEvent: Sendable, Equatable {
    /// A recording is at its destination, or stays on the bridge because it had none.
    case recordingDelivered(RecordingRow)
    /// A recording could not be delivered; `uploadStatus` and `failure` say why.
    case recordingFailed(RecordingRow)
    /// A session is over.
    case sessionEnded(SessionRow)
}

/// Puts an event into webhooks: none, one or several. Implemented by the dialects; pure.
package protocol EventTranslator: Sendable {
    /// The webhooks of this event, `at` being the moment that they report.
    func webhooks(for event: BridgeEvent, at: WallTime) -> [WebhookMessage]
}

/// One webhook before it has an id.
package struct WebhookMessage: Sendable, Equatable {
    package var url: Redacted<String>
    /// UTF-8 JSON; byte-identical in every attempt.
    package var body: String
    package var account: AccountID
    /// For the delivery log and ordering.
    package var session: SessionID

    package init(url: Redacted<String>, body: String, account: AccountID, session: SessionID) {
        self.url = url
        self.body = body
        self.account = account
        self.session = session
    }
}

/// A row of the outbox: something that must reach somebody, at least once.
package struct DeliveryRow: Sendable, Equatable, Codable {
    package var id: DeliveryID
    package var work: Work
    package var account: AccountID
    package var session: SessionID
    package var state: State
    /// Attempts made so far.
    package var attempts: Int
    /// Not before this moment.
    package var dueAt: WallTime
    package var createdAt: WallTime
    /// HTTP status of the last attempt; 0 when there was no reply, nil before the first.
    package var lastStatus: Int?
    /// One sentence about the last attempt, without secrets.
    package var lastError: String?

    package init(
        id: DeliveryID, work: Work, account: AccountID, session: SessionID, state: State = .pending, attempts: Int = 0, dueAt: WallTime,
        createdAt: WallTime
    ) {
        self.id = id
        self.work = work
        self.account = account
        self.session = session
        self.state = state
        self.attempts = attempts
        self.dueAt = dueAt
        self.createdAt = createdAt
    }

    /// What is to be done.
    package enum Work: Sendable, Equatable, Codable {
        /// Copy or PUT the recording's finished file to its destination (`put` and `folder` only).
        case upload(recording: RecordingID, file: String, destination: Destination)
        case webhook(url: Redacted<String>, body: String)
    }

    package enum State: String, Sendable, Codable, CaseIterable {
        case pending, delivered, dead
    }
}

/// The durable store of sessions, recordings and deliveries. Each call is one transaction. Implemented by StoragePlane.
package protocol Ledger: Sendable {
    /// Applies all changes in one transaction: rows are inserted or replaced whole. Returns when it is durable.
    func commit(_ changes: [LedgerChange]) async throws(BridgeError)
    func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow?
    /// Recordings in these states, oldest first.
    func recordings(in states: Set<RecordingState>) async throws(BridgeError) -> [RecordingRow]
    /// Newest first, at most `limit`; with `after`, those that are older than that one (none when it is unknown).
    func recentRecordings(limit: Int, after: RecordingID?) async throws(BridgeError) -> [RecordingRow]
    func session(_ id: SessionID) async throws(BridgeError) -> SessionRow?
    /// Sessions in these states, oldest first.
    func sessions(in states: Set<SessionRow.State>) async throws(BridgeError) -> [SessionRow]
    /// Pending deliveries with `dueAt <= now`, oldest first, at most `limit`, without those in `excluding` (under way now).
    func dueDeliveries(at now: WallTime, limit: Int, excluding: Set<DeliveryID>) async throws(BridgeError) -> [DeliveryRow]
    /// When the next pending delivery is due; nil when none is pending.
    func nextDeliveryDue() async throws(BridgeError) -> WallTime?
}

/// One row to write.
package enum LedgerChange: Sendable, Equatable {
    case session(SessionRow)
    case recording(RecordingRow)
    case delivery(DeliveryRow)
}

/// Carries the outbox out. Implemented by DeliveryPlane.
package protocol DeliveryService: Sendable {
    /// Looks at the outbox now: call after a commit that holds a delivery.
    func wake()
    /// Waits until nothing is due or under way, at most `limit`; true when all was tried once at least.
    func drain(limit: Duration) async -> Bool
}

/// Told when an upload has ended, so that sessions hear of it. Implemented by ControlPlane.
package protocol UploadObserver: Sendable {
    /// The recording's row as it was committed, in state `uploading`, `uploaded` or `uploadFailed`.
    func recordingChanged(_ row: RecordingRow) async
}
