package import BridgeModel

/// The life of one recording, as a machine: facts in, effects out, no clock and no IO.
///
/// A recording is one file for its user, whatever happens. While it runs, a recorder (a child process) writes part 1; when the recorder dies
/// or the source comes back with other tracks, the next part begins; at the end a finisher joins the parts, with the gaps kept. A single part
/// that its recorder closed properly is the file already, except for MP4, which is made from it at the end.
///
/// `armed -> recording -> finalizing -> uploading | stored`; the uploader takes it from there and its result is told to the machine as
/// `uploadChanged`. Call `handle` for every fact, and with `.deadline` when `deadline` has passed; carry out the effects in their order.
package struct RecordingMachine: Sendable {
    /// The row as it was committed last.
    package private(set) var row: RecordingRow
    /// When to call `handle(.deadline)`; nil when nothing is waited for.
    package private(set) var deadline: MonotonicTime?
    private let limits: Limits
    private var state: State
    private var parts = RecordedParts()
    private var crashesInARow = 0
    private var finisherRuns = 0

    private enum State: Equatable {
        /// No source yet.
        case waiting
        /// A recorder runs; `isAway`: its source does not.
        case running(isAway: Bool)
        /// The last recorder closes its file.
        case stopping
        case finishing
        /// The file is in its place; the uploader's work.
        case delivered
    }

    /// A new recording; `row` is in state `armed`. Call `begin` next.
    package init(row: RecordingRow, limits: Limits = Limits()) {
        self.row = row
        self.limits = limits
        state = .waiting
    }

    /// True when the machine has nothing more to do than to pass on the uploader's news.
    package var isFileComplete: Bool { state == .delivered }

    /// Makes the row durable and starts the recorder, at once or when the source is there.
    package mutating func begin(sourcePresent: Bool, now: MonotonicTime, wall: WallTime) -> [Effect] {
        var effects: [Effect] = [.commit(row, nil), notice(.armed, "", wall)]
        if sourcePresent { effects += launch(now: now) }
        return effects
    }

    /// Takes one fact. `now` and `wall` are the same moment on two clocks.
    package mutating func handle(_ input: Input, now: MonotonicTime, wall: WallTime) -> [Effect] {
        switch input {
        case .sourceLost: return sourceLost(now: now)
        case .sourceReturned(let sameTracks): return sourceReturned(sameTracks: sameTracks, now: now)
        case .launchFailed(let part, let error): return recorderEnded(part: part, with: .failed(error), now: now, wall: wall)
        case .recorder(let part, let event): return recorderSaid(event, part: part, now: now, wall: wall)
        case .finisher(let event): return finisherSaid(event, now: now, wall: wall)
        case .finisherFailed(let error): return finisherSaid(.failed(error), now: now, wall: wall)
        case .stop: return finalise(message: "", now: now, wall: wall)
        case .spaceLow: return finalise(message: Message.storageFull, now: now, wall: wall)
        case .uploadChanged(let row): return uploadChanged(row, wall: wall)
        case .deadline: return deadlinePassed(now: now, wall: wall)
        }
    }

    /// Texts of `recording_state.msg` (streamrec contract sections 6.3 and 12).
    private enum Message {
        static let noMedia = "no media"
        static let storageFull = "storage full"
        static let sizeLimit = "size limit reached"
        static let recorderFailed = "recorder failed"
    }
}

// While it runs.
extension RecordingMachine {
    private mutating func launch(now: MonotonicTime) -> [Effect] {
        state = .running(isAway: false)
        if row.state == .armed { deadline = now.advanced(by: limits.firstMedia) }
        return [.launchRecorder(part: parts.begin())]
    }

    private mutating func sourceLost(now: MonotonicTime) -> [Effect] {
        guard state == .running(isAway: false) else { return [] }
        state = .running(isAway: true)
        deadline = now.advanced(by: limits.away)
        return []
    }

    private mutating func sourceReturned(sameTracks: Bool, now: MonotonicTime) -> [Effect] {
        switch state {
        case .waiting: return launch(now: now)
        case .running(isAway: let isAway):
            deadline = row.state == .armed ? now.advanced(by: limits.firstMedia) : nil
            state = .running(isAway: false)
            guard let part = parts.last, part.isOpen else { return launch(now: now) }
            guard !sameTracks else { return isAway ? [.resumeRecorder(part: part.number)] : [] }
            return [.stopRecorder(part: part.number)] + launch(now: now)
        case .stopping, .finishing, .delivered: return []
        }
    }

    private mutating func recorderSaid(_ event: PipelineEvent, part: Int, now: MonotonicTime, wall: WallTime) -> [Effect] {
        switch event {
        case .firstFrame(let writtenAt, let capturedAt): return firstFrame(writtenAt: writtenAt, capturedAt: capturedAt, wall: wall)
        case .segmentClosed(let bytes, let duration):
            parts.grow(part, bytes: bytes, duration: duration)
            guard parts.bytes >= limits.bytes else { return [] }
            return finalise(message: Message.sizeLimit, now: now, wall: wall)
        case .finished, .failed: return recorderEnded(part: part, with: event, now: now, wall: wall)
        case .ready, .started, .localDescription, .candidate, .connected, .disconnected, .keyframeNeeded, .stats, .alive, .warning:
            return []
        }
    }

    private mutating func firstFrame(writtenAt: WallTime, capturedAt: WallTime?, wall: WallTime) -> [Effect] {
        // The row is the uploader's now: a late word of a recorder that was given up must not write over it.
        guard state != .delivered else { return [] }
        crashesInARow = 0
        let isFirst = row.firstFrameWrittenAt == nil
        if isFirst { row.firstFrameWrittenAt = writtenAt }
        // The source's clock is known from its first sender report on, which may come after the first frame.
        let isNews = row.firstFrameCapturedAt == nil && capturedAt != nil && parts.count == 1
        if isNews { row.firstFrameCapturedAt = capturedAt }
        guard row.state == .armed else { return isFirst || isNews ? [.commit(row, nil)] : [] }
        if state == .running(isAway: false) { deadline = nil }
        row.state = .recording
        return [.commit(row, nil), notice(.recording, "", wall)]
    }

    private mutating func recorderEnded(part: Int, with event: PipelineEvent, now: MonotonicTime, wall: WallTime) -> [Effect] {
        guard parts.close(part, with: event) else { return [] }
        switch state {
        case .running where part == parts.last?.number: return replaceRecorder(after: event.failure, now: now, wall: wall)
        case .stopping where !parts.hasOpen: return assemble(now: now, wall: wall)
        case .running, .stopping, .waiting, .finishing, .delivered: return []
        }
    }

    private mutating func replaceRecorder(after failure: BridgeError?, now: MonotonicTime, wall: WallTime) -> [Effect] {
        crashesInARow += 1
        if failure?.code == .storageFull { return finalise(message: Message.storageFull, now: now, wall: wall) }
        if failure?.code == .noMedia, row.state == .armed { return finalise(message: "", now: now, wall: wall) }
        guard crashesInARow < limits.crashes else {
            row.failure = failure
            return finalise(message: Message.recorderFailed, now: now, wall: wall)
        }
        // Without a source the next recorder waits for it.
        return state == .running(isAway: false) ? launch(now: now) : []
    }

    private mutating func deadlinePassed(now: MonotonicTime, wall: WallTime) -> [Effect] {
        guard let deadline, now >= deadline else { return [] }
        self.deadline = nil
        switch state {
        case .waiting, .delivered: return []
        case .running: return finalise(message: "", now: now, wall: wall)
        case .stopping:
            let silent = parts.open.map { Effect.killRecorder(part: $0.number) }
            parts.abandonAll()
            return silent + assemble(now: now, wall: wall)
        case .finishing:
            return finisherSaid(.failed(BridgeError(.pipelineHung, "the finisher did not end in time")), now: now, wall: wall)
        }
    }
}

// Its end.
extension RecordingMachine {
    private mutating func finalise(message: String, now: MonotonicTime, wall: WallTime) -> [Effect] {
        switch state {
        case .stopping, .finishing, .delivered: return []
        case .waiting, .running: break
        }
        state = .stopping
        row.stoppedAt = wall
        row.state = .finalizing
        let open = parts.open.map { Effect.stopRecorder(part: $0.number) }
        let announcement: [Effect] = [.commit(row, nil), notice(.finalizing, message, wall)]
        guard !open.isEmpty else { return announcement + assemble(now: now, wall: wall) }
        deadline = now.advanced(by: limits.stop)
        // The recorders first: a ledger that is slow must not keep them writing, nor use up their time to close their files.
        return open + announcement
    }

    /// All recorders have ended: the one clean part is the file, or the finisher makes it.
    private mutating func assemble(now: MonotonicTime, wall: WallTime) -> [Effect] {
        deadline = nil
        let useful = parts.useful
        guard row.firstFrameWrittenAt != nil, let first = useful.first else {
            return fail(BridgeError(.noMedia, Message.noMedia), wall: wall)
        }
        guard useful.count > 1 || !first.isClean || row.container == .mp4 else {
            return complete(.part(first.number), bytes: first.bytes, duration: first.duration, wall: wall)
        }
        state = .finishing
        finisherRuns += 1
        deadline = now.advanced(by: limits.finish)
        return [.launchFinisher(parts: useful.map(\.number))]
    }

    private mutating func finisherSaid(_ event: PipelineEvent, now: MonotonicTime, wall: WallTime) -> [Effect] {
        guard state == .finishing else { return [] }
        switch event {
        case .finished(let bytes, let duration): return complete(.joined, bytes: bytes, duration: duration, wall: wall)
        case .failed(let error) where error.code == .noMedia: return fail(BridgeError(.noMedia, Message.noMedia), wall: wall)
        case .failed(let error):
            // Once more: the children before it may have held memory or files that are free now.
            if finisherRuns < 2 { return assemble(now: now, wall: wall) }
            return deliverLongestPart(after: error, wall: wall)
        case .ready, .started, .localDescription, .candidate, .connected, .disconnected, .keyframeNeeded, .firstFrame, .segmentClosed,
            .stats,
            .alive, .warning:
            return []
        }
    }

    /// The finisher cannot make the file, for instance for want of space: a part, which plays as it is, is better than nothing.
    private mutating func deliverLongestPart(after error: BridgeError, wall: WallTime) -> [Effect] {
        guard let part = parts.longest else { return fail(error, wall: wall) }
        row.failure = error
        if row.container == .mp4 { becomeMatroska() }
        return complete(.part(part.number), bytes: part.bytes, duration: part.duration, wall: wall)
    }

    /// Parts of an MP4 recording are Matroska.
    private mutating func becomeMatroska() {
        row.container = .matroska
        row.file = "\(row.id).\(Container.matroska.fileExtension)"
    }

    /// Size and length are committed before the file moves, so that a bridge that dies in between finds both.
    private mutating func complete(_ file: FinishedFile, bytes: Int64, duration: Duration, wall: WallTime) -> [Effect] {
        row.sizeBytes = bytes
        row.durationMilliseconds = duration.wholeMilliseconds
        return [.commit(row, nil), .promote(file)] + handOver(wall: wall)
    }

    private mutating func handOver(wall: WallTime) -> [Effect] {
        deadline = nil
        state = .delivered
        guard row.destination != .keep else {
            row.state = .stored
            return [.commit(row, .event(.recordingDelivered(row))), notice(.stored, "", wall)]
        }
        row.state = .uploading
        return [.commit(row, .upload), notice(.uploading, "", wall)]
    }

    private mutating func fail(_ error: BridgeError, wall: WallTime) -> [Effect] {
        deadline = nil
        state = .delivered
        row.state = .uploadFailed
        row.failure = error
        row.uploadStatus = 0
        return [.commit(row, .event(.recordingFailed(row))), notice(.uploadFailed, error.message, wall)]
    }

    private mutating func uploadChanged(_ changed: RecordingRow, wall: WallTime) -> [Effect] {
        guard state == .delivered, !row.state.isFinal, changed.id == row.id else { return [] }
        let isNews = changed.state != row.state
        row = changed
        return isNews ? [notice(changed.state, changed.failure?.message ?? "", wall)] : []
    }

    private func notice(_ state: RecordingState, _ message: String, _ wall: WallTime) -> Effect {
        .notify(RecordingUpdate(recording: row.id, state: state, message: message, at: wall))
    }
}

// After a restart of the bridge.
extension RecordingMachine {
    /// Takes up a recording whose row is `armed`, `recording` or `finalizing` after the bridge was gone: its file is made and delivered.
    /// Its session is over, so recording does not go on. A row that is further needs no machine.
    package static func recovered(
        row: RecordingRow, remains: Remains, limits: Limits = Limits(), now: MonotonicTime, wall: WallTime
    ) -> (machine: RecordingMachine, effects: [Effect]) {
        var machine = RecordingMachine(row: row, limits: limits)
        machine.state = .stopping
        machine.parts = RecordedParts(closed: remains.parts)
        machine.row.stoppedAt = row.stoppedAt ?? remains.lastWrittenAt ?? wall
        let wasFinalizing = row.state == .finalizing
        machine.row.state = .finalizing
        var effects: [Effect] = wasFinalizing ? [] : [.commit(machine.row, nil), machine.notice(.finalizing, "", wall)]
        if let bytes = remains.finalBytes {
            machine.row.sizeBytes = bytes
            effects += machine.handOver(wall: wall)
            return (machine, effects)
        }
        // The frame that the recorder wrote may not have reached the row; the file tells.
        if !remains.parts.isEmpty { machine.row.firstFrameWrittenAt = row.firstFrameWrittenAt ?? row.startedAt }
        effects += machine.assemble(now: now, wall: wall)
        return (machine, effects)
    }
}

extension PipelineEvent {
    fileprivate var failure: BridgeError? {
        guard case .failed(let error) = self else { return nil }
        return error
    }
}
