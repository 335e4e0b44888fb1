import Bridge
import BridgeModel
import DeliveryPlane
import Logging
import Synchronization

/// Outcomes by script; says which delivery it was asked for, and waits until it is told when it is held.
final class ScriptedPerformer: UploadPerformer, WebhookSender {
    fileprivate struct State {
        var running: [DeliveryID] = []
        var mostRunning = 0
        var attempted: [DeliveryID] = []
        var abandoned: [DeliveryID] = []
        var gate: CheckedContinuation<Void, Never>?
    }

    fileprivate let state = Mutex(State())
    private let starts = AsyncStream<DeliveryID>.makeStream()
    private let script: @Sendable (DeliveryRow) async -> AttemptOutcome

    init(_ script: @escaping @Sendable (DeliveryRow) async -> AttemptOutcome) { self.script = script }

    convenience init(always outcome: AttemptOutcome) { self.init { _ in outcome } }

    /// Each attempt as it starts.
    var started: AsyncStream<DeliveryID> { starts.stream }
    var attempted: [DeliveryID] { state.withLock { $0.attempted } }
    var abandoned: [DeliveryID] { state.withLock { $0.abandoned } }
    var running: [DeliveryID] { state.withLock { $0.running } }
    var mostRunning: Int { state.withLock { $0.mostRunning } }

    func attempt(_ delivery: DeliveryRow) async -> AttemptOutcome {
        state.withLock {
            $0.attempted.append(delivery.id)
            $0.running.append(delivery.id)
            $0.mostRunning = max($0.mostRunning, $0.running.count)
        }
        starts.continuation.yield(delivery.id)
        let outcome = await script(delivery)
        state.withLock { $0.running.removeAll { $0 == delivery.id } }
        return outcome
    }
}

extension ScriptedPerformer {
    func attempt(_ upload: DeliveryRow, of recording: RecordingRow) async -> AttemptOutcome { await attempt(upload) }
    func abandon(_ upload: DeliveryRow, of recording: RecordingRow) async { state.withLock { $0.abandoned.append(upload.id) } }
    func send(_ delivery: DeliveryRow) async -> WebhookAttempt {
        WebhookAttempt(
            outcome: await attempt(delivery), requestHeaders: [AttemptRecord.Header("webhook-id", delivery.id.rawValue)], reply: "thanks",
            duration: .milliseconds(3))
    }
}

/// Lets attempts wait until it is opened; a cancelled one goes on at once.
final class Gate: Sendable {
    private let waiters = Mutex<(isOpen: Bool, streams: [AsyncStream<Void>.Continuation])>((false, []))

    func open() {
        let streams = waiters.withLock { state in
            state.isOpen = true
            return state.streams
        }
        for stream in streams { stream.finish() }
    }

    func pass() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let isOpen = waiters.withLock { state in
            state.streams.append(continuation)
            return state.isOpen
        }
        if isOpen { continuation.finish() }
        for await _ in stream {}
    }
}

/// Keeps what it is told.
final class RecordingObserver: UploadObserver {
    private let rows = Mutex<[RecordingRow]>([])

    var changes: [RecordingRow] { rows.withLock { $0 } }

    func recordingChanged(_ row: RecordingRow) async { rows.withLock { $0.append(row) } }
}

/// Finds what it is told to find; the last answer again and again.
final class ScriptedSidecars: SidecarSource {
    private let answers: Mutex<[SidecarFinding]>
    private let questions = Mutex<[String]>([])
    private let registered = Mutex<Set<String>>([])

    init(_ answers: SidecarFinding...) { self.answers = Mutex(answers) }

    /// The files that it was asked for.
    var asked: [String] { questions.withLock { $0 } }

    func sidecars(of file: String, in recording: RecordingRow) async throws(BridgeError) -> SidecarFinding {
        questions.withLock { $0.append(file) }
        return answers.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? SidecarFinding([]) }
    }

    /// These files are read at some length.
    func register(_ files: Set<String>) { registered.withLock { $0 = files } }

    func isBeingRegistered(_ file: String) async -> Bool { registered.withLock { $0.contains(file) } }
}

/// Reports each event in one line to the recording's webhook.
struct LineTranslator: EventTranslator {
    var name: String

    func webhooks(for event: BridgeEvent, at moment: WallTime) -> [WebhookMessage] {
        let row: RecordingRow
        let status: String
        switch event {
        case .recordingDelivered(let delivered): (row, status) = (delivered, "upload_ready")
        case .recordingFailed(let failed): (row, status) = (failed, "upload_failed \(failed.uploadStatus ?? -1)")
        default: return []
        }
        guard let url = row.webhookURL else { return [] }
        return [
            WebhookMessage(
                url: url, body: "\(name) \(status) \(moment.iso8601)", account: row.context.account, session: row.context.session)
        ]
    }
}

/// A ledger whose next commits or reads fail, with a row that cannot be read, or during whose reads something happens.
final class FailingLedger: Ledger, UploadLedger {
    private let base: any Ledger & UploadLedger & SegmentLedger & WebhookQueue
    private let failures: Mutex<(commits: Int, reads: Int)>

    private let damaged: RecordingID?
    private let afterRead: @Sendable () -> Void

    init(
        _ base: any Ledger & UploadLedger & SegmentLedger & WebhookQueue, commits: Int = 0, reads: Int = 0, damaged: RecordingID? = nil,
        afterRead: @escaping @Sendable () -> Void = {}
    ) {
        self.base = base
        self.damaged = damaged
        self.afterRead = afterRead
        failures = Mutex((commits, reads))
    }

    private func failCommit() throws(BridgeError) {
        let fails = failures.withLock { state in
            state.commits -= 1
            return state.commits >= 0
        }
        if fails { throw BridgeError(.storageFull, "the disk is full") }
    }

    private func failRead() throws(BridgeError) {
        let fails = failures.withLock { state in
            state.reads -= 1
            return state.reads >= 0
        }
        if fails { throw BridgeError(.unavailable, "the disk is gone") }
    }

    func commit(_ changes: [LedgerChange]) async throws(BridgeError) {
        try failCommit()
        try await base.commit(changes)
    }

    func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow? {
        if id == damaged { throw BridgeError(.internal, "the row cannot be read") }
        return try await base.recording(id)
    }

    func recordings(in states: Set<RecordingState>) async throws(BridgeError) -> [RecordingRow] { try await base.recordings(in: states) }
    func recentRecordings(limit: Int, after: RecordingID?) async throws(BridgeError) -> [RecordingRow] {
        try await base.recentRecordings(limit: limit, after: after)
    }
    func session(_ id: SessionID) async throws(BridgeError) -> SessionRow? { try await base.session(id) }
    func sessions(in states: Set<SessionRow.State>) async throws(BridgeError) -> [SessionRow] { try await base.sessions(in: states) }
    func nextDeliveryDue() async throws(BridgeError) -> WallTime? { try await base.nextDeliveryDue() }
    func dueUploads(at now: WallTime, limit: Int, excluding: Set<DeliveryID>) async throws(BridgeError) -> [DeliveryRow] {
        try await base.dueUploads(at: now, limit: limit, excluding: excluding)
    }
    func bringUploadsForward(within longest: LongestWaits, of now: WallTime) async throws(BridgeError) {
        try await base.bringUploadsForward(within: longest, of: now)
    }
    func begunUpload(of file: String) async throws(BridgeError) -> BegunUpload? { try await base.begunUpload(of: file) }
    func begin(_ upload: BegunUpload, from origin: UploadOrigin?, of file: String) async throws(BridgeError) {
        try await base.begin(upload, from: origin, of: file)
    }
    func sentParts(of file: String) async throws(BridgeError) -> [SentPart] { try await base.sentParts(of: file) }
    func sent(_ part: SentPart, of file: String) async throws(BridgeError) { try await base.sent(part, of: file) }
    func forgetUpload(of file: String) async throws(BridgeError) { try await base.forgetUpload(of: file) }
    func leaveUpload(of file: String) async throws(BridgeError) { try await base.leaveUpload(of: file) }
}

extension FailingLedger: SegmentLedger {
    func segments(of recording: RecordingID) async throws(BridgeError) -> [SegmentRow] { try await base.segments(of: recording) }
    func segments(of stream: StreamID, from: WallTime, to: WallTime, limit: Int) async throws(BridgeError) -> [SegmentRow] {
        try await base.segments(of: stream, from: from, to: to, limit: limit)
    }
    func segments(in states: Set<SegmentState>, limit: Int) async throws(BridgeError) -> [SegmentRow] {
        try await base.segments(in: states, limit: limit)
    }
    func settle(
        _ recording: RecordingID, _ decide: @escaping @Sendable (RecordingRow, [SegmentRow]) -> [LedgerChange]
    ) async throws(BridgeError) -> [LedgerChange] {
        try failCommit()
        return try await base.settle(recording, decide)
    }
}

extension FailingLedger: WebhookQueue {
    func dueWebhooks(at now: WallTime, limit: Int, excluding: WebhookExclusions) async throws(BridgeError) -> [DeliveryRow] {
        try failRead()
        let due = try await base.dueWebhooks(at: now, limit: limit, excluding: excluding)
        afterRead()
        return due
    }

    func nextWebhookDue(excluding: WebhookExclusions) async throws(BridgeError) -> WallTime? {
        try await base.nextWebhookDue(excluding: excluding)
    }

    func settle(_ delivery: DeliveryRow, _ attempt: AttemptRecord) async throws(BridgeError) {
        try failCommit()
        try await base.settle(delivery, attempt)
    }

    func bringForward(_ terms: DeliveryTerms, within longest: LongestWaits, of now: WallTime) async throws(BridgeError) {
        try failRead()
        try await base.bringForward(terms, within: longest, of: now)
    }

    func webhookFigures() async throws(BridgeError) -> WebhookFigures { try await base.webhookFigures() }
}

/// Keeps every line that was logged, metadata included.
struct CapturingLog: LogHandler {
    final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var text: String { lines.withLock { $0.joined(separator: "\n") } }
        func append(_ line: String) { lines.withLock { $0.append(line) } }
    }

    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.append("\(event.level) \(event.message) \(event.metadata ?? [:])")
    }
}
