package import BridgeModel

extension DeliveryRow {
    /// The row after an attempt that ended so.
    package func attempted(_ outcome: AttemptOutcome, _ decision: DeliveryDecision) -> DeliveryRow {
        var row = self
        row.attempts += 1
        row.lastStatus = outcome.status
        row.lastError = outcome.sentence
        switch decision {
        case .delivered: row.state = .delivered
        case .dead: row.state = .dead
        case .retry(let at): row.dueAt = at
        }
        return row
    }
}

extension AttemptOutcome {
    /// For `lastError` and the failure of a recording; nil after success.
    package var sentence: String? {
        switch self {
        case .stored: nil
        case .replied(let status, _) where (200...299).contains(status): nil
        case .replied(let status, _): "destination replied \(status)"
        case .refused(let status, let refusal): "\(refusal.description) (it replied \(status))"
        case .failed(let fault): fault.description
        }
    }

    /// The stable code of a failed upload.
    private var code: BridgeError.Code {
        switch self {
        case .failed(.blockedAddress), .failed(.refusedURL): .invalidURL
        case .failed(.folderFull): .storageFull
        case .failed(.fileMissing): .notFound
        case .failed(.impossible): .internal
        default: .unavailable
        }
    }

    /// Why an upload that ended so is given up.
    fileprivate var failure: BridgeError { BridgeError(code, sentence ?? "the upload ended without a reply") }
}

extension RecordingRow {
    /// What the end of an upload changes: the row of the segment whose file was sent, and the recording with its event when that was the last one.
    /// nil while it will be tried again. A recording that is not cut and has no segment of this file ends with its upload.
    package func settled(
        _ upload: DeliveryRow, _ outcome: AttemptOutcome, _ decision: DeliveryDecision, _ segments: [SegmentRow]
    ) -> (segment: SegmentRow?, recording: (row: RecordingRow, event: BridgeEvent)?)? {
        guard case .upload(_, let file, _) = upload.work, let index = segments.firstIndex(where: { $0.file == file }) else {
            return settled(outcome, decision).map { (nil, $0) }
        }
        var segments = segments
        switch decision {
        case .retry: return nil
        case .delivered: segments[index].state = .delivered
        case .dead:
            segments[index].state = .failed
            segments[index].failure = outcome.failure
        }
        var row = self
        row.uploadStatus = outcome.status
        return (segments[index], row.settled(with: segments))
    }

    /// The row and the event when an upload ended for good; nil while it will be tried again.
    package func settled(_ outcome: AttemptOutcome, _ decision: DeliveryDecision) -> (row: RecordingRow, event: BridgeEvent)? {
        var row = self
        row.uploadStatus = outcome.status
        switch decision {
        case .retry:
            return nil
        case .delivered:
            row.state = .delivered
            return (row, .recordingDelivered(row))
        case .dead:
            row.state = .failed
            row.failure = outcome.failure
            return (row, .recordingFailed(row))
        }
    }
}

extension WebhookMessage {
    /// The outbox row of this message, due at once. Whoever commits an event of its own, such as the end of a session, makes its webhooks so.
    package func delivery(id: DeliveryID, at now: WallTime) -> DeliveryRow {
        DeliveryRow(id: id, work: .webhook(url: url, body: body), account: account, session: session, dueAt: now, createdAt: now)
    }
}
