package import BridgeModel

/// A recording that may be neither changed nor removed.
package struct RecordingHold: Sendable, Equatable, Codable {
    /// For people.
    package var reason: String
    package var by: AuditActor
    package var placedAt: WallTime

    package init(reason: String, by: AuditActor, placedAt: WallTime) {
        self.reason = reason
        self.by = by
        self.placedAt = placedAt
    }
}

extension RecordingHold {
    private static let longestReason = 500

    /// Reads the member `reason`: characters are counted as JSON Schema does (RFC 8259 section 1), since one that people see may be of any length.
    package static func reason(reading value: JSONValue) throws(FieldFault) -> String {
        guard let reason = value["reason"]?.string, (1...longestReason).contains(reason.unicodeScalars.count), reason.isOneLine else {
            throw FieldFault("reason", "a text of 1 to \(longestReason) characters on one line")
        }
        return reason
    }
}

/// The removal of a recording, from its decision to its end. Each step can be done twice, so that a bridge that starts goes on where the one before
/// was.
package struct Deletion: Sendable, Equatable, Codable {
    /// What is to be done next.
    package enum Step: String, Sendable, Codable, CaseIterable {
        /// The files in the spool.
        case files
        /// The objects at the destination.
        case destination
        /// Nothing is left of what was to go.
        case done
        /// The destination did not let go of its objects; the files are gone.
        case failed

        /// Something is to be done yet.
        package var isPending: Bool { self == .files || self == .destination }
    }

    package var step: Step
    package var by: AuditActor
    /// One word or sentence about why.
    package var cause: String
    /// What was delivered goes, too.
    package var includesDestination: Bool
    package var orderedAt: WallTime
    /// Attempts at the destination.
    package var attempts = 0
    /// The next step is not taken before this moment.
    package var dueAt: WallTime
    package var endedAt: WallTime?
    /// Of the last attempt at the destination: HTTP status, 0 without a reply.
    package var lastStatus: Int?
    /// One sentence about it, without secrets.
    package var lastError: String?

    package init(_ order: DeletionOrder, at now: WallTime) {
        step = .files
        by = order.by
        cause = order.cause
        includesDestination = order.includesDestination
        orderedAt = now
        dueAt = now
    }

    /// As it was stored.
    package init(step: Step, order: DeletionOrder, orderedAt: WallTime, dueAt: WallTime) {
        self.init(order, at: orderedAt)
        self.step = step
        self.dueAt = dueAt
    }

    /// The files are gone.
    package func filesRemoved(at now: WallTime) -> Deletion {
        var next = self
        next.step = includesDestination ? .destination : .done
        next.lastError = nil
        next.endedAt = includesDestination ? nil : now
        return next
    }

    /// A file could not be removed.
    package func filesStuck(_ sentence: String, until moment: WallTime) -> Deletion {
        var next = self
        (next.lastError, next.dueAt) = (sentence, moment)
        return next
    }

    /// After an attempt at the destination that ended so. Several objects are one attempt: its first failure counts.
    package func attempted(_ outcome: AttemptOutcome, _ decision: DeliveryDecision, at now: WallTime) -> Deletion {
        var next = self
        next.attempts += 1
        next.lastStatus = outcome.status
        next.lastError = outcome.removalSentence
        switch decision {
        case .delivered: (next.step, next.endedAt) = (.done, now)
        case .dead: (next.step, next.endedAt) = (.failed, now)
        case .retry(let at): next.dueAt = at
        }
        return next
    }
}

/// Who wants a recording removed, and how much of it.
package struct DeletionOrder: Sendable, Equatable {
    package var by: AuditActor
    package var cause: String
    package var includesDestination: Bool

    package init(by: AuditActor, cause: String, includesDestination: Bool) {
        self.by = by
        self.cause = cause
        self.includesDestination = includesDestination
    }
}

extension AttemptOutcome {
    /// For people who wait for an object to go; nil after success.
    fileprivate var removalSentence: String? {
        switch self {
        case .refused(let status, .credentials):
            "the destination refuses to remove it (it replied \(status)): the key may not, or the object is locked until its time is over"
        default: sentence
        }
    }
}

// MARK: - What may be removed

extension RecordingRow {
    /// The deletion that an order makes of this recording; nil when the one that there is does as much. Throws `recording_held`, `recording_in_use`,
    /// `destination_keeps`.
    package func deletion(_ order: DeletionOrder, at now: WallTime) throws(BridgeError) -> Deletion? {
        try refuseIfHeld()
        guard state.isFinal else {
            throw BridgeError(
                .recordingInUse,
                state == .uploading
                    ? "The recording \(id) is being delivered; remove it when that has ended." : "The recording \(id) runs; stop it first.")
        }
        if order.includesDestination, let origin = originThatKeeps {
            throw BridgeError(
                .destinationKeeps,
                "What the recording \(id) has at \(origin) cannot be removed by the bridge: remove it there, and here without destination=true."
            )
        }
        guard let former = deletion else { return Deletion(order, at: now) }
        let isEnough = former.includesDestination || !order.includesDestination
        if isEnough, former.step != .failed { return nil }
        var next = Deletion(order, at: now)
        next.includesDestination = order.includesDestination || former.includesDestination
        return next
    }

    /// Throws `recording_held`.
    package func refuseIfHeld() throws(BridgeError) {
        guard let hold else { return }
        throw BridgeError(
            .recordingHeld, "The recording \(id) is under legal hold since \(hold.placedAt.iso8601) (\(hold.reason)); release it first.")
    }

    /// Where something may lie that the bridge cannot remove: a plain URL. nil when all of it can be.
    package var originThatKeeps: String? {
        [destination, fallback].compactMap { $0 }.first { !$0.canRemove }?.origin
    }

    /// It has, or may have, objects at a destination, and the bridge can remove them.
    package var hasRemovableCopy: Bool { state == .delivered && destination != .keep && originThatKeeps == nil }
}

extension Destination {
    /// What a plain URL has taken cannot be taken back: it names a request, not an object.
    package var canRemove: Bool {
        switch self {
        case .keep, .folder, .s3, .webdav: true
        case .put, .http: false
        }
    }
}
