package import BridgeModel

/// Decides when a recording of one stream begins and ends by itself, as a machine: facts in, effects out, no clock and no IO.
///
/// It begins one recording at a time, and none while another one runs that somebody asked for. A recording that ends without its word (its recorder
/// failed, the disk is full, it has reached its greatest size) is followed by another one, which begins where that ended, after a pause that grows. What
/// a user stops stays stopped until there is a new reason: the stream begins anew, an event, the next window of the schedule, another policy.
/// Call `handle` for every fact, and with `.deadline` when `deadline` has passed.
package struct RecordingTrigger: Sendable {
    private enum Activity: Equatable {
        case none
        /// A start was asked for.
        case starting
        /// It is recorded, since then; `isOwn`: by this machine's wish.
        case recording(RecordingID, isOwn: Bool, since: MonotonicTime)
        /// It was told to stop.
        case stopping(RecordingID)
    }

    private let limits: Limits
    private var policy: RecordingPolicy
    private var isLive = false
    private var isSuppressed = false
    private var activity = Activity.none
    /// The end of the last event's post-roll.
    private var eventUntil: MonotonicTime?
    /// Where the next recording is to begin, when that is not now.
    private var beginning: MonotonicTime?
    private var pause: Duration
    private var pausesUntil: MonotonicTime?
    private var nextLook: MonotonicTime?

    package init(policy: RecordingPolicy, limits: Limits = Limits()) {
        self.policy = policy
        self.limits = limits
        pause = limits.firstPause
    }

    /// When to call `handle(.deadline)`; nil when nothing is waited for.
    package var deadline: MonotonicTime? { [eventUntil, pausesUntil, nextLook].compactMap { $0 }.min() }

    /// The stream has no source, and nothing of it is recorded or waited for.
    package var isIdle: Bool { !isLive && activity == .none && eventUntil == nil }

    /// The recording that runs.
    package var recording: RecordingID? {
        guard case .recording(let id, _, _) = activity else { return nil }
        return id
    }

    /// Takes one fact.
    package mutating func handle(_ input: Input, at moment: Moment) -> [Effect] {
        let now = moment.now
        if let until = eventUntil, now >= until { eventUntil = nil }
        if let until = pausesUntil, now >= until { pausesUntil = nil }
        switch input {
        case .deadline: break
        case .policy(let new): changePolicy(new)
        case .streamLive(let isNew): streamLive(isNew: isNew)
        case .streamGone: isLive = false
        case .event: eventCame(now: now)
        case .began(let id, let isOwn): activity = .recording(id, isOwn: isOwn, since: now)
        case .startFailed:
            if activity == .starting { activity = .none }
            waitLonger(now: now)
        case .stoppedByUser(let id): stoppedByUser(id)
        case .ended(let id): ended(id, now: now)
        }
        return decide(moment)
    }

    private mutating func changePolicy(_ new: RecordingPolicy) {
        guard new != policy else { return }
        policy = new
        (isSuppressed, eventUntil, beginning) = (false, nil, nil)
        resetPause()
    }

    private mutating func streamLive(isNew: Bool) {
        isLive = true
        guard isNew else { return }
        isSuppressed = false
        resetPause()
        // All of the stream, from its first packet on.
        if eventUntil == nil, recording == nil { beginning = MonotonicTime(nanoseconds: 0) }
    }

    private mutating func eventCame(now: MonotonicTime) {
        guard policy.trigger == .event else { return }
        isSuppressed = false
        eventUntil = now.advanced(by: policy.postRoll ?? limits.postRoll)
        // Of a stream that is away, too: what came before is remembered as long as the stream is.
        switch activity {
        case .none, .stopping:
            if beginning != nil { return }
            beginning = now.advanced(by: .zero - (policy.preRoll ?? limits.preRoll))
        case .starting, .recording: break
        }
    }

    private mutating func stoppedByUser(_ id: RecordingID) {
        guard recording == id else { return }
        activity = .stopping(id)
        isSuppressed = true
        eventUntil = nil
    }

    private mutating func ended(_ id: RecordingID, now: MonotonicTime) {
        switch activity {
        case .recording(id, let isOwn, let since):
            activity = .none
            guard isOwn else { return }
            if now.duration(since: since) >= limits.healthy { resetPause() }
            beginning = now
            waitLonger(now: now)
        case .stopping(id): activity = .none
        case .none, .starting, .recording, .stopping: break
        }
    }

    private mutating func waitLonger(now: MonotonicTime) {
        pausesUntil = now.advanced(by: pause)
        pause = min(pause * 2, limits.longestPause)
    }

    private mutating func resetPause() {
        pause = limits.firstPause
        pausesUntil = nil
    }

    // MARK: - The decision

    private mutating func decide(_ moment: Moment) -> [Effect] {
        let reason = reason(moment)
        switch activity {
        case .none:
            guard reason, !isSuppressed else {
                beginning = nil
                pausesUntil = nil
                return []
            }
            guard isLive, pausesUntil == nil else { return [] }
            activity = .starting
            defer { beginning = nil }
            return [.start(since: beginning ?? moment.now)]
        case .recording(let id, true, _) where !reason:
            activity = .stopping(id)
            return [.stop(id)]
        case .recording, .starting, .stopping: return []
        }
    }

    /// Whether the policy wants a recording now, if the stream has a source.
    private mutating func reason(_ moment: Moment) -> Bool {
        nextLook = nil
        switch policy.trigger {
        case .request, .session: return false
        case .always: return true
        case .event: return eventUntil != nil
        case .schedule(let schedule):
            guard let local = moment.localNanoseconds else { return false }
            let second = Int64(1_000_000_000)
            let seconds = local / second - (local % second < 0 ? 1 : 0)
            // Nothing is waited for while there is nothing to record.
            if isLive || activity != .none {
                let wait = schedule.nextLook(local: seconds, limit: limits.look)
                nextLook = moment.now.advanced(by: .nanoseconds(wait * second - (local - seconds * second)))
            }
            let isOpen = schedule.isOpen(local: seconds)
            if !isOpen { isSuppressed = false }
            return isOpen
        }
    }
}

// What goes in and what comes out.
extension RecordingTrigger {
    /// What the configuration says where the policy does not, and how failures are met.
    package struct Limits: Sendable, Equatable {
        /// `recording.pre-roll`.
        package var preRoll: Duration = .seconds(10)
        /// `recording.post-roll`.
        package var postRoll: Duration = .seconds(30)
        /// Between a recording that ended without our word and the next; it doubles each time.
        package var firstPause: Duration = .seconds(1)
        package var longestPause: Duration = .seconds(60)
        /// A recording that ran for so long was no failure.
        package var healthy: Duration = .seconds(60)
        /// The schedule is looked at so often, in seconds: clocks are set, and summer ends.
        package var look: Int64 = 60

        package init() {}
    }

    /// One moment on three clocks.
    package struct Moment: Sendable, Equatable {
        package var now: MonotonicTime
        package var wall: WallTime
        /// What the clock on the wall of the policy's time zone is ahead of UTC; nil without a schedule.
        package var zoneOffset: Duration?

        package init(now: MonotonicTime, wall: WallTime, zoneOffset: Duration? = nil) {
            self.now = now
            self.wall = wall
            self.zoneOffset = zoneOffset
        }

        var localNanoseconds: Int64? { zoneOffset.map { wall.advanced(by: $0).nanoseconds } }
    }

    /// A fact.
    package enum Input: Sendable, Equatable {
        /// It is another one, or was set again.
        case policy(RecordingPolicy)
        /// The stream has a source. `isNew`: it was over before; else its source was away for a moment.
        case streamLive(isNew: Bool)
        /// It has none any more, for a moment or for good. What is recorded goes on or ends by its own rules.
        case streamGone
        /// Somebody reported an event.
        case event
        /// A recording of the stream has begun; `isOwn`: by `Effect.start`.
        case began(RecordingID, isOwn: Bool)
        /// `Effect.start` did not work.
        case startFailed
        /// A user stops this recording; `ended` follows.
        case stoppedByUser(RecordingID)
        /// This recording takes no more media.
        case ended(RecordingID)
        /// `deadline` has passed.
        case deadline
    }

    /// Something to do.
    package enum Effect: Sendable, Equatable {
        /// Begin a recording that reaches back to the last keyframe at or before `since`; `began` or `startFailed` follows.
        case start(since: MonotonicTime)
        /// End this one.
        case stop(RecordingID)
    }
}
