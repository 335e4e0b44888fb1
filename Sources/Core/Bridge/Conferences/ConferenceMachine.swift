package import BridgeModel

/// Keeps a stream in a conference elsewhere: one session after the other, never two, each taken away at the far end before the next begins.
///
/// The ladder after a loss: another ICE session within the same session, which gets `Limits.patience`, as does the path to come back by itself; then
/// a new session at once, and after every session that failed a pause that doubles.
package struct ConferenceMachine: Sendable {
    /// The ladder's measures.
    package struct Limits: Sendable, Equatable {
        /// How long a session may take until media can flow.
        package var connecting: Duration = .seconds(20)
        /// How long a lost path may take to come back.
        package var patience: Duration = .seconds(3)
        /// The first pause; each following one is twice as long.
        package var firstPause: Duration = .seconds(1)
        /// The longest pause, also when the far end wishes for a longer one.
        package var longestPause: Duration = .seconds(60)
        /// A session that was live for so long makes the ladder begin anew.
        package var steady: Duration = .seconds(10)
        /// Sessions in a row that fail before somebody is told.
        package var alarming = 3
        /// Where the sessions are, in the words of its sentences.
        package var place = "the conference"

        package init() {}
    }

    /// What happens to a conference. Sessions have numbers: words about former ones change nothing.
    package enum Input: Sendable, Equatable {
        /// The stream has a source now.
        case streamLive
        /// The stream is over.
        case streamEnded
        case connected(session: Int)
        /// The path is lost for now.
        case interrupted(session: Int)
        /// The session is over or never was; what is left of it is still there.
        case failed(session: Int, ConferenceFault)
        /// Nothing is left of it, here and at the far end.
        case closed(session: Int)
        /// Somebody does not want it any more, or the bridge shuts down.
        case remove
        /// `deadline` has come.
        case deadline
    }

    /// What is to be done.
    package enum Effect: Sendable, Equatable {
        case open(session: Int)
        /// Begin another ICE session within this one, where that can be done; what becomes of it is told as of any path.
        case restart(session: Int)
        /// Take the session down and away; to be answered with `closed`, whatever happens.
        case close(session: Int)
        case reportConnected
        /// It was reported as connected and is not any more.
        case reportDisconnected(BridgeError)
        /// Sessions fail, and go on being made.
        case reportTrouble(BridgeError, attempts: Int)
        /// That was reported, and is over.
        case reportTroubleEnded(ConferenceTroubleEnd)
        /// It came to its end by itself.
        case reportEnded(BridgeError)
        /// It was removed, and nothing is left.
        case finished
    }

    private enum State: Equatable {
        case waiting
        case connecting(session: Int, until: MonotonicTime)
        case live(session: Int, since: MonotonicTime)
        case interrupted(session: Int, since: MonotonicTime, until: MonotonicTime)
        case closing(session: Int, Plan)
        case backingOff(until: MonotonicTime)
        case ended(BridgeError)
        case finished
    }

    /// What follows when nothing is left of a session.
    private enum Plan: Equatable {
        case wait
        case retry(after: Duration)
        case end(BridgeError)
        case finish
    }

    private let limits: Limits
    private var state = State.waiting
    private var isStreamLive = false
    /// Reported, and not over.
    private var isTroubled = false
    private var lastSession = 0
    /// Sessions in a row that failed.
    package private(set) var attempts = 0
    /// What went wrong last.
    package private(set) var reason: BridgeError?

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// One that had come to its end before the bridge started.
    package init(ended reason: BridgeError) {
        limits = Limits()
        state = .ended(reason)
        self.reason = reason
    }

    /// What users see.
    package var phase: ConferencePhase {
        switch state {
        case .waiting: .waiting
        case .connecting: .connecting
        case .live: .live
        case .interrupted: .interrupted
        case .closing(_, .retry): .backingOff
        case .closing: .leaving
        case .backingOff: .backingOff
        case .ended, .finished: .ended
        }
    }

    /// When `deadline` is to be told.
    package var deadline: MonotonicTime? {
        switch state {
        case .connecting(_, let until), .interrupted(_, _, let until), .backingOff(let until): until
        case .waiting, .live, .closing, .ended, .finished: nil
        }
    }

    /// `random` spreads the pauses, so that many conferences do not come back at one moment.
    package mutating func handle(
        _ input: Input, now: MonotonicTime, using random: inout some RandomNumberGenerator
    ) -> [Effect] {
        switch input {
        case .streamLive: return streamCame(now: now)
        case .streamEnded: return streamWent(now: now)
        case .connected(let session): return connected(session, now: now)
        case .interrupted(let session): return interrupted(session, now: now)
        case .failed(let session, let fault) where session == openSession:
            return give(up: session, for: fault, now: now, using: &random)
        case .failed: return []
        case .closed(let session): return closed(session, now: now)
        case .remove: return remove(now: now)
        case .deadline: return expire(now: now, using: &random)
        }
    }

    /// The session that is up or coming up.
    private var openSession: Int? {
        switch state {
        case .connecting(let session, _), .live(let session, _), .interrupted(let session, _, _): session
        case .waiting, .closing, .backingOff, .ended, .finished: nil
        }
    }

    // MARK: - The stream

    private mutating func streamCame(now: MonotonicTime) -> [Effect] {
        isStreamLive = true
        guard state == .waiting else { return [] }
        return open(now: now)
    }

    private mutating func streamWent(now: MonotonicTime) -> [Effect] {
        isStreamLive = false
        attempts = 0
        return endTrouble(.streamEnded) + leaveStream()
    }

    private mutating func leaveStream() -> [Effect] {
        switch state {
        case .connecting, .live, .interrupted:
            return close(.wait, because: BridgeError(.noMedia, "The stream has ended; it goes on when its camera is back."))
        case .backingOff:
            state = .waiting
            return []
        case .waiting, .closing, .ended, .finished: return []
        }
    }

    // MARK: - The session

    private mutating func open(now: MonotonicTime) -> [Effect] {
        lastSession += 1
        attempts += 1
        state = .connecting(session: lastSession, until: now.advanced(by: limits.connecting))
        return [.open(session: lastSession)]
    }

    private mutating func connected(_ session: Int, now: MonotonicTime) -> [Effect] {
        switch state {
        case .connecting(session, _):
            state = .live(session: session, since: now)
            reason = nil
            return endTrouble(.connected) + [.reportConnected]
        case .interrupted(session, let since, _):
            state = .live(session: session, since: since)
            return []
        default: return []
        }
    }

    private mutating func interrupted(_ session: Int, now: MonotonicTime) -> [Effect] {
        guard case .live(session, let since) = state else { return [] }
        state = .interrupted(session: session, since: since, until: now.advanced(by: limits.patience))
        return [.restart(session: session)]
    }

    private mutating func give(
        up session: Int, for fault: ConferenceFault, now: MonotonicTime, using random: inout some RandomNumberGenerator
    ) -> [Effect] {
        if let since = liveSince, now.duration(since: since) >= limits.steady { attempts = 0 }
        reason = fault.error
        if fault.isPermanent { return close(.end(fault.error), because: fault.error) }
        return close(.retry(after: pause(fault.retryAfter, using: &random)), because: fault.error, telling: trouble(fault.error))
    }

    private mutating func trouble(_ error: BridgeError) -> [Effect] {
        guard !isTroubled, attempts >= limits.alarming else { return [] }
        isTroubled = true
        return [.reportTrouble(error, attempts: attempts)]
    }

    private mutating func endTrouble(_ end: ConferenceTroubleEnd) -> [Effect] {
        guard isTroubled else { return [] }
        isTroubled = false
        return [.reportTroubleEnded(end)]
    }

    private var liveSince: MonotonicTime? {
        switch state {
        case .live(_, let since), .interrupted(_, let since, _): since
        default: nil
        }
    }

    /// None after a session that was live for a while; then the first one, and each twice as long, a fifth more or less.
    private func pause(_ wish: Duration?, using random: inout some RandomNumberGenerator) -> Duration {
        var pause = Duration.zero
        if attempts > 0 {
            let doubled = min(limits.longestPause, limits.firstPause * (1 << min(attempts - 1, 16)))
            pause = doubled * Double.random(in: 0.8...1.2, using: &random)
        }
        return min(limits.longestPause, max(pause, wish ?? .zero))
    }

    private mutating func close(_ plan: Plan, because reason: BridgeError, telling news: [Effect] = []) -> [Effect] {
        guard let session = openSession else { return [] }
        let report: [Effect] = liveSince == nil ? [] : [.reportDisconnected(reason)]
        state = .closing(session: session, plan)
        return report + news + [.close(session: session)]
    }

    private mutating func closed(_ session: Int, now: MonotonicTime) -> [Effect] {
        guard case .closing(session, let plan) = state else { return [] }
        switch plan {
        case .wait, .retry(.zero):
            state = .waiting
            return isStreamLive ? open(now: now) : []
        case .retry where !isStreamLive:
            state = .waiting
            return []
        case .retry(let pause):
            state = .backingOff(until: now.advanced(by: pause))
            return []
        case .end(let error):
            state = .ended(error)
            return endTrouble(.failed) + [.reportEnded(error)]
        case .finish:
            state = .finished
            return [.finished]
        }
    }

    private mutating func remove(now: MonotonicTime) -> [Effect] { endTrouble(.removed) + takeOut() }

    private mutating func takeOut() -> [Effect] {
        switch state {
        case .connecting, .live, .interrupted:
            return close(.finish, because: BridgeError(.connectionLost, "It was taken out of the conference."))
        case .closing(let session, _):
            state = .closing(session: session, .finish)
            return []
        case .waiting, .backingOff, .ended:
            state = .finished
            return [.finished]
        case .finished: return []
        }
    }

    private mutating func expire(now: MonotonicTime, using random: inout some RandomNumberGenerator) -> [Effect] {
        guard let deadline, now >= deadline else { return [] }
        switch state {
        case .connecting(let session, _):
            let error = BridgeError(
                .connectionTimeout,
                "The media did not get to \(limits.place) in \(limits.connecting); check whether UDP passes from here to there.")
            return give(up: session, for: ConferenceFault(error), now: now, using: &random)
        case .interrupted(let session, _, _):
            let error = BridgeError(.connectionLost, "The path to \(limits.place) was lost; a new session follows.")
            return give(up: session, for: ConferenceFault(error), now: now, using: &random)
        case .backingOff:
            state = .waiting
            return isStreamLive ? open(now: now) : []
        case .waiting, .live, .closing, .ended, .finished: return []
        }
    }
}
