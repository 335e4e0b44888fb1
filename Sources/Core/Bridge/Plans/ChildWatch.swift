package import BridgeModel

/// Watches over one child process: asks whether it lives, ends it when it hangs or eats too much, and finds the reason that its owner is told.
///
/// Pure: the supervisor reports what it hears and sees, and carries out the effects.
package struct ChildWatch: Sendable {
    /// The bounds of a child.
    package struct Limits: Sendable, Equatable {
        /// Silence after which a child counts as hung, once it has spoken.
        package var silence: Duration
        /// Silence after which it counts as hung before its first word: loading GStreamer takes seconds on a machine that is busy or has no
        /// index of the plug-ins yet. Never shorter than `silence`.
        package var start: Duration
        /// Resident memory that a child may use, in bytes.
        package var memoryBytes: UInt64
        /// How long a child may live on after its last event.
        package var farewell: Duration

        package init(
            silence: Duration, start: Duration = .seconds(15), memoryBytes: UInt64, farewell: Duration = .seconds(2)
        ) {
            self.silence = silence
            self.start = max(start, silence)
            self.memoryBytes = memoryBytes
            self.farewell = farewell
        }
    }

    /// What the supervisor is to do.
    package enum Effect: Sendable, Equatable {
        case ping
        /// SIGKILL; the owner hears the reason when the process is gone.
        case kill
    }

    /// How a process ended, as waitpid tells it.
    package enum Exit: Sendable, Equatable {
        case status(Int32)
        case signal(Int32)
    }

    private enum Phase: Equatable {
        case working
        /// Told to stop: the grace ends at `until`.
        case stopping(until: MonotonicTime)
        /// Its last event came: it must exit by itself.
        case leaving(until: MonotonicTime)
        case killed(BridgeError?)
    }

    private let limits: Limits
    private var phase = Phase.working
    private var lastHeard: MonotonicTime
    private var hasSpoken = false
    private var lastPing: MonotonicTime

    package init(limits: Limits, now: MonotonicTime) {
        self.limits = limits
        lastHeard = now
        lastPing = now
    }

    /// The child said something. Returns false when its owner has heard the end already and must not hear this.
    package mutating func heard(_ event: PipelineEvent, now: MonotonicTime) -> Bool {
        lastHeard = now
        hasSpoken = true
        switch phase {
        case .leaving, .killed: return false
        case .working, .stopping: break
        }
        switch event {
        case .failed, .finished: phase = .leaving(until: now.advanced(by: limits.farewell))
        default: break
        }
        return true
    }

    /// The owner asked it to finish within `deadline`; asked again it may only get less time.
    package mutating func stopRequested(deadline: Duration, now: MonotonicTime) {
        let until = now.advanced(by: deadline + limits.farewell)
        switch phase {
        case .working: phase = .stopping(until: until)
        case .stopping(let earlier): phase = .stopping(until: min(earlier, until))
        case .leaving, .killed: break
        }
    }

    /// Call at least every second.
    package mutating func tick(now: MonotonicTime, residentBytes: UInt64) -> [Effect] {
        switch phase {
        case .killed: return []
        case .leaving(let until):
            guard now >= until else { return [] }
            phase = .killed(nil)
            return [.kill]
        case .stopping(let until) where now >= until:
            return kill(.pipelineHung, "The pipeline did not finish in the time that it was given.")
        case .working, .stopping: break
        }
        if residentBytes > limits.memoryBytes {
            return kill(
                .pipelineOverLimit, "The pipeline used \(residentBytes) bytes of memory; pipelines.memory allows \(limits.memoryBytes).")
        }
        let silence = hasSpoken ? limits.silence : limits.start
        if now.duration(since: lastHeard) >= silence {
            return kill(.pipelineHung, "The pipeline did not answer for \(silence).")
        }
        guard now.duration(since: lastPing) >= limits.silence / 4 else { return [] }
        lastPing = now
        return [.ping]
    }

    /// It could not be talked to: its socket is full or broken while the process may still live.
    package mutating func unreachable() -> [Effect] {
        switch phase {
        case .killed, .leaving: []
        case .working, .stopping: kill(.pipelineHung, "The pipeline stopped reading its commands.")
        }
    }

    /// The process is gone. The event that its owner must hear in place of the one that never came; nil when it has heard the end.
    package mutating func exited(_ exit: Exit) -> PipelineEvent? {
        defer { phase = .killed(nil) }
        switch (phase, exit) {
        case (.leaving, _), (.killed(nil), _): return nil
        case (.killed(.some(let reason)), _): return .failed(reason)
        case (.working, .signal(let number)), (.stopping, .signal(let number)):
            return .failed(BridgeError(.pipelineCrashed, "The pipeline's process was ended by signal \(number)."))
        case (.working, .status(let code)), (.stopping, .status(let code)):
            return .failed(BridgeError(.pipelineCrashed, "The pipeline's process exited with status \(code) without a last word."))
        }
    }

    private mutating func kill(_ code: BridgeError.Code, _ message: String) -> [Effect] {
        phase = .killed(BridgeError(code, message))
        return [.kill]
    }
}
