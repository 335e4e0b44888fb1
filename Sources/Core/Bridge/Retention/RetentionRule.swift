package import BridgeModel

/// How much of a stream's recordings is kept. Members that are nil limit nothing; a recording goes when one of them says so.
package struct RetentionRule: Sendable, Equatable {
    /// From a recording's end on.
    package var age: Duration?
    /// Of all its recordings together.
    package var bytes: Int64?
    /// Recordings.
    package var count: Int?
    /// What was delivered is removed at its destination as well.
    package var includesDestination = false
    /// Recordings whose delivery was given up go, too; otherwise nothing goes that its destination does not have.
    package var includesUndelivered = false

    /// Keeps everything, unless told otherwise.
    package init(age: Duration? = nil, bytes: Int64? = nil, count: Int? = nil) {
        self.age = age
        self.bytes = bytes
        self.count = count
    }

    /// It limits something.
    package var isLimiting: Bool { age != nil || bytes != nil || count != nil }
}

/// A recording as retention sees it.
package struct RetainedRecording: Sendable, Equatable {
    /// What may be done with it.
    package enum Standing: Sendable, Equatable {
        /// Something is still added to it, or sent from it.
        case busy
        /// Under legal hold: stays, and counts for nothing, so that it displaces no other.
        case held
        /// Its destination did not take it.
        case undelivered
        /// Delivered, or without a destination.
        case complete
    }

    package var id: RecordingID
    /// nil while it runs.
    package var endedAt: WallTime?
    package var bytes: Int64
    package var standing: Standing

    package init(id: RecordingID, endedAt: WallTime?, bytes: Int64, standing: Standing) {
        self.id = id
        self.endedAt = endedAt
        self.bytes = bytes
        self.standing = standing
    }
}

/// A recording that a rule gives up.
package struct RetentionVerdict: Sendable, Equatable {
    /// The limit that it is beyond.
    package enum Cause: String, Sendable, CaseIterable {
        case age, size, count
    }

    package var id: RecordingID
    package var cause: Cause

    package init(_ id: RecordingID, _ cause: Cause) {
        self.id = id
        self.cause = cause
    }
}

extension RetentionRule {
    /// Which of a stream's recordings go now, the oldest first.
    ///
    /// Whether one goes depends on itself and on newer ones alone: those are counted from the newest on, with their bytes, and what does not fit any more goes.
    /// So a hold, or a destination that takes nothing, never makes a newer recording go in place of an older one. The newest complete one goes by its
    /// age alone: no limit of size is to throw away what has just been recorded.
    package func verdicts(on recordings: [RetainedRecording], now: WallTime) -> [RetentionVerdict] {
        var verdicts: [RetentionVerdict] = []
        var (total, places) = (Int64(0), 0)
        for recording in recordings.sorted(by: Self.isNewer) where recording.standing != .held {
            total = total.addingReportingOverflow(recording.bytes).partialValue
            places += 1
            guard mayGo(recording), let endedAt = recording.endedAt else { continue }
            if let age, endedAt.advanced(by: age) <= now {
                verdicts.append(RetentionVerdict(recording.id, .age))
            } else if let count, places > count {
                verdicts.append(RetentionVerdict(recording.id, .count))
            } else if let bytes, total > bytes, places > 1 {
                verdicts.append(RetentionVerdict(recording.id, .size))
            }
        }
        return verdicts.reversed()
    }

    private func mayGo(_ recording: RetainedRecording) -> Bool {
        switch recording.standing {
        case .busy, .held: false
        case .undelivered: includesUndelivered
        case .complete: true
        }
    }

    private static func isNewer(_ one: RetainedRecording, _ other: RetainedRecording) -> Bool {
        switch (one.endedAt, other.endedAt) {
        case (let one?, let two?) where one != two: one > two
        case (nil, .some): true
        case (.some, nil): false
        default: one.id.rawValue > other.id.rawValue
        }
    }
}
