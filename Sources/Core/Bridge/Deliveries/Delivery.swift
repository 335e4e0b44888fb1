package import BridgeModel

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
    /// By which rules it is sent; says nothing about an upload.
    package var terms = DeliveryTerms.dialect
    /// The event of the log that it tells; nil for a dialect's webhook and an upload.
    package var event: EventID?
    /// Whom a webhook goes to; nil before the ledger has seen it.
    package var receiver: WebhookReceiver?

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

/// Whom a webhook goes to, without the secret that its URL is.
package struct WebhookReceiver: Hashable, Sendable, Codable {
    /// One URL: has its own order and its own circuit breaker.
    package var id: ReceiverID
    /// One server, which may be many receivers': has its own places.
    package var host: ReceiverHostID

    package init(id: ReceiverID, host: ReceiverHostID) {
        self.id = id
        self.host = host
    }
}

/// By which rules a webhook is sent.
package enum DeliveryTerms: String, Sendable, Codable, CaseIterable {
    /// Those of a dialect's contract: its own schedule, and no order.
    case dialect
    /// Those of the bridge's events: a session's events reach a receiver in their order, each when the one before it was delivered or given up,
    /// on a schedule of up to 72 hours.
    case events
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
    /// When the next pending delivery is due; nil when none is pending.
    func nextDeliveryDue() async throws(BridgeError) -> WallTime?
}

/// One row to write.
package enum LedgerChange: Sendable, Equatable {
    case session(SessionRow)
    case recording(RecordingRow)
    case segment(SegmentRow)
    /// More of a segment that is being recorded is durable: its length, size and gaps. It changes nothing else, and nothing of a segment that is
    /// further by now.
    case progress(SegmentRow)
    /// The hash of a segment's complete file: 32 bytes as lower-case hexadecimal. It changes nothing else.
    case digest(RecordingID, segment: Int, sha256: String)
    case delivery(DeliveryRow)
    /// Gives the event its place in the log, unless its pair forbids it (`EventPairs`), and makes its webhook where there is a receiver.
    case event(EventDraft, receiver: Redacted<String>?)
    /// What was reported of a stream.
    case streamEvent(StreamEvent)
    /// Places a recording's legal hold, or releases it.
    case hold(RecordingID, RecordingHold?)
    /// Writes how far a recording's removal is.
    case deletion(RecordingID, Deletion)
    /// Appends a line to the audit log.
    case audit(AuditDraft)
    /// Writes a room's recording with its parts.
    case roomRecording(RoomRecordingRow)
    /// Forgets one.
    case roomRecordingGone(RoomRecordingID)
}

/// The durable store of what recordings consist of; the ledger's other half, and its changes are committed there. Implemented by StoragePlane.
package protocol SegmentLedger: Sendable {
    /// A recording's segments in order.
    func segments(of recording: RecordingID) async throws(BridgeError) -> [SegmentRow]
    /// Segments of a stream that hold media of `from..<to`, in order of time, at most `limit`; those that are being written have no end yet.
    func segments(of stream: StreamID, from: WallTime, to: WallTime, limit: Int) async throws(BridgeError) -> [SegmentRow]
    /// Segments in these states, oldest first, at most `limit`.
    func segments(in states: Set<SegmentState>, limit: Int) async throws(BridgeError) -> [SegmentRow]
    /// Reads a recording with its segments and commits what `decide` makes of them, in one transaction; nothing when there is no such recording.
    /// Returns what was committed.
    @discardableResult
    func settle(
        _ recording: RecordingID, _ decide: @escaping @Sendable (RecordingRow, [SegmentRow]) -> [LedgerChange]
    ) async throws(BridgeError) -> [LedgerChange]
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
    /// The recording's row as it was committed, in state `uploading`, `delivered` or `failed`.
    func recordingChanged(_ row: RecordingRow) async
}
