package import BridgeModel

/// Who did something to a recording.
package struct AuditActor: Hashable, Sendable, Codable, CustomStringConvertible {
    /// A word, or `operator:` with account and client of the token.
    package let rawValue: String

    /// Wraps what was stored.
    package init(rawValue: String) { self.rawValue = rawValue }

    /// A rule of retention.
    package static let retention = AuditActor(rawValue: "retention")
    /// A spool that was full.
    package static let quota = AuditActor(rawValue: "quota")
    /// `uploads.keep-delivered`, `uploads.keep-failed`, or the destination's `keep_local`.
    package static let expiry = AuditActor(rawValue: "expiry")
    /// Somebody at the bridge's machine.
    package static let commandLine = AuditActor(rawValue: "command-line")

    /// Whoever bears this grant.
    package static func bearer(of grant: Grant) -> AuditActor {
        AuditActor(rawValue: "operator:\(grant.account.rawValue)/\(grant.client.rawValue)")
    }

    package var description: String { rawValue }
}

/// What was done to a recording, by a stable name.
package enum AuditAction: String, Sendable, Codable, CaseIterable {
    /// A legal hold was placed.
    case hold
    /// It was released.
    case release
    /// The recording's removal was decided, or refused.
    case delete
    /// The removal is over.
    case deleted
    /// A file left the spool, and its recording is still known at its destination.
    case fileRemoved = "file_removed"
    /// The recording was sent again.
    case redeliver
}

/// Something that was done to a recording, before it has its place in the log.
package struct AuditDraft: Sendable, Equatable {
    /// How it ended.
    package enum Outcome: String, Sendable, Codable, CaseIterable {
        case done, refused, failed
    }

    package var actor: AuditActor
    package var action: AuditAction
    package var recording: RecordingID
    package var stream: StreamID
    package var outcome: Outcome
    /// One sentence; may be empty.
    package var detail: String
    package var at: WallTime

    package init(
        _ action: AuditAction, by actor: AuditActor, of row: RecordingRow, outcome: Outcome = .done, detail: String = "", at: WallTime
    ) {
        self.init(action, by: actor, recording: row.id, stream: row.context.stream, outcome: outcome, detail: detail, at: at)
    }

    /// From a row.
    package init(
        _ action: AuditAction, by actor: AuditActor, recording: RecordingID, stream: StreamID, outcome: Outcome, detail: String,
        at: WallTime
    ) {
        self.actor = actor
        self.action = action
        self.recording = recording
        self.stream = stream
        self.outcome = outcome
        self.detail = detail
        self.at = at
    }
}

/// A line of the audit log: never changed and never removed.
package struct AuditEntry: Sendable, Equatable {
    /// Grows by one with each line.
    package var sequence: Int64
    package var draft: AuditDraft

    package init(sequence: Int64, _ draft: AuditDraft) {
        self.sequence = sequence
        self.draft = draft
    }
}
