internal import Bridge
internal import BridgeModel

/// Turns the outcome of an upload into the rows of one transaction: the upload, its recording, the upload to the fallback, and the webhooks that report
/// it.
struct UploadSettlement: Sendable {
    private let policy: DeliveryPolicy
    private let reporter: EventReporter
    let generator: SharedGenerator

    struct Settled: Sendable {
        var upload: DeliveryRow
        /// The new row of the segment whose file it is; nil when the outcome does not change it.
        var segment: SegmentRow?
        /// The recording's new row; nil when the outcome does not change it.
        var recording: RecordingRow?
        /// Rows that follow: events with their webhooks, or the upload to the fallback.
        var following: [LedgerChange] = []

        var changes: [LedgerChange] {
            [.delivery(upload)] + (segment.map { [.segment($0)] } ?? []) + (recording.map { [.recording($0)] } ?? [])
                + following
        }
    }

    init(schedule: [Duration], reporter: EventReporter, generator: any RandomNumberGenerator & Sendable) {
        policy = .upload(schedule: schedule)
        self.reporter = reporter
        self.generator = SharedGenerator(generator)
    }

    /// How far ahead an upload can be due.
    var longestWaits: LongestWaits { policy.longestWaits }

    /// `segments`: all of the recording; the one whose file was sent decides with the others about the recording.
    func settle(
        _ upload: DeliveryRow, of recording: RecordingRow?, _ segments: [SegmentRow], _ outcome: AttemptOutcome, at now: WallTime
    ) -> Settled {
        var generator = generator
        let decision = policy.decide(outcome, attempts: upload.attempts + 1, now: now, using: &generator)
        var settled = Settled(upload: upload.attempted(outcome, decision))
        // What travels with a file decides about nothing but itself.
        guard upload.sidecar == nil else { return settled }
        if let following = recording?.sidecars(after: settled.upload, id: .upload(at: now, using: &generator), at: now) {
            settled.following = [.delivery(following)]
        }
        if decision == .dead, let recording, !outcome.isFileMissing,
            let next = recording.fallback(after: upload, id: .upload(at: now, using: &generator), at: now)
        {
            settled.following = [.delivery(next)]
            return settled
        }
        if let recording, let trouble = settled.upload.trouble(outcome) {
            settled.following += reporter.changes(for: .destinationFailing(recording, trouble), at: now, using: &generator)
        }
        guard let recording, let sent = recording.settled(upload, outcome, decision, segments) else { return settled }
        settled.segment = sent.segment
        guard let (row, event) = sent.recording else { return settled }
        settled.recording = row
        settled.following += reporter.changes(for: event, at: now, using: &generator)
        return settled
    }
}

extension AttemptOutcome {
    /// No destination can get what is not there.
    fileprivate var isFileMissing: Bool { self == .failed(.fileMissing) }
}

extension DeliveryRow {
    /// What is told of an upload that will be tried again: once, after its first failure.
    fileprivate func trouble(_ outcome: AttemptOutcome) -> DestinationTrouble? {
        guard attempts == 1, state == .pending, let reason = outcome.sentence else { return nil }
        return DestinationTrouble(attempts: attempts, status: outcome.status, reason: reason, retryAt: dueAt)
    }
}
