package import BridgeModel

/// What follows from an attempt.
package enum DeliveryDecision: Sendable, Equatable {
    /// It reached its destination.
    case delivered
    /// Try again, not before this moment.
    case retry(at: WallTime)
    /// Never again: the schedule is at its end, or the outcome is final.
    case dead
}

/// The rules of retrying: pure, with time and randomness as parameters. Contract: `eyeson-streamrec.md`, sections 7 and 8.
package struct DeliveryPolicy: Sendable, Equatable {
    /// The waits between attempts; one attempt more than there are waits.
    package var schedule: [Duration]
    private let kind: Kind

    private enum Kind: Sendable {
        case webhook, upload
    }

    /// Each wait is this much longer or shorter, so that receivers that failed together are not asked together.
    private static let jitter = 0.1
    /// `Retry-After` lengthens a wait at most to this.
    private static let longestRetryAfter: Duration = .seconds(3600)

    private init(_ kind: Kind, schedule: [Duration]) {
        self.kind = kind
        self.schedule = schedule
    }

    /// Webhooks: success is 2xx; everything else is tried again, a redirect too, since it is not followed; 410 stops at once.
    package static func webhook(schedule: [Duration]) -> DeliveryPolicy { DeliveryPolicy(.webhook, schedule: schedule) }

    /// Uploads: success is 2xx; faults of connection and time, 408, 429 and 5xx are tried again; any other status fails at once.
    package static func upload(schedule: [Duration]) -> DeliveryPolicy { DeliveryPolicy(.upload, schedule: schedule) }

    /// Decides after the `attempts`th attempt, counted from 1, which ended at `now`.
    package func decide(
        _ outcome: AttemptOutcome, attempts: Int, now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> DeliveryDecision {
        switch verdict(on: outcome) {
        case .success: return .delivered
        case .final: return .dead
        case .again(let floor):
            guard schedule.indices.contains(attempts - 1) else { return .dead }
            let factor = Double.random(in: (1 - Self.jitter)...(1 + Self.jitter), using: &generator)
            return .retry(at: now.advanced(by: max(schedule[attempts - 1] * factor, floor)))
        }
    }

    private enum Verdict {
        case success, final
        /// Not before `floor` has passed.
        case again(floor: Duration)
    }

    private func verdict(on outcome: AttemptOutcome) -> Verdict {
        switch outcome {
        case .stored: .success
        case .failed(let fault): fault.isPermanent ? .final : .again(floor: .zero)
        case .refused(let status, let refusal): refusal.isWorthAnotherAttempt(status: status) ? .again(floor: .zero) : .final
        case .replied(let status, _) where (200...299).contains(status): .success
        case .replied(let status, let retryAfter):
            switch kind {
            case .webhook: webhookVerdict(status, retryAfter)
            case .upload: status == 408 || status == 429 || (500...599).contains(status) ? .again(floor: .zero) : .final
            }
        }
    }

    private func webhookVerdict(_ status: Int, _ retryAfter: Duration?) -> Verdict {
        switch status {
        case 410: .final
        case 429, 503: .again(floor: min(max(retryAfter ?? .zero, .zero), Self.longestRetryAfter))
        default: .again(floor: .zero)
        }
    }
}

/// How far ahead the next attempt can lie by the schedule: what lies further was due by a clock that has been set back since.
package struct LongestWaits: Sendable, Equatable {
    /// After the first attempt, the second, and so on, with their jitter. Before the first there is none.
    package var waits: [Duration]
    /// What a receiver that replied 429 or 503 may have asked for.
    package var asked: Duration

    package init(waits: [Duration], asked: Duration) {
        self.waits = waits
        self.asked = asked
    }
}

extension DeliveryPolicy {
    /// The bounds of `decide`.
    package var longestWaits: LongestWaits {
        LongestWaits(waits: schedule.map { $0 * (1 + Self.jitter) }, asked: kind == .webhook ? Self.longestRetryAfter : .zero)
    }
}
