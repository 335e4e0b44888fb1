internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// Joins what the recorder's threads report: tells the bridge, and lets `stop` wait for the end.
final class RecordingProgress: Sendable {
    private struct State {
        var startedAt: UInt64 = 0
        var timeout: UInt64 = .max
        var beginning: RecordingAssembler.Beginning?
        var writtenAt: WallTime?
        var isFirstFrameReported = false
        var isCaptureTimeReported = false
        var hasFailed = false
        var allTracksEnded = false
        var result: PipelineResult?
        var lastFrameWaiter: CheckedContinuation<Void, Never>?
        var resultWaiter: CheckedContinuation<PipelineResult, Never>?
    }

    private let state = Mutex(State())
    private let events: EventSink

    init(events: EventSink) { self.events = events }

    /// Starts the clock of the wait for the first frame.
    func began(at now: UInt64, timeout: Duration) {
        state.withLock {
            $0.startedAt = now
            $0.timeout = UInt64(max(0, timeout.wholeNanoseconds))
        }
    }

    func report(_ event: PipelineEvent) { events(event) }

    /// Reports a failure, once.
    func fail(_ error: BridgeError) {
        let isFirst = state.withLock { state in
            defer { state.hasFailed = true }
            return !state.hasFailed
        }
        if isFirst { events(.failed(error)) }
    }

    /// Takes the writer's news.
    func take(_ report: RecordingWriter.Report) {
        switch report {
        case .began(let beginning, let writtenAt):
            state.withLock {
                $0.beginning = beginning
                $0.writtenAt = writtenAt
            }
        case .segmentClosed(let bytes, let duration): events(.segmentClosed(bytes: bytes, duration: duration))
        case .fileBegan(let part, let startedAt): events(.fileBegan(part: part, startedAt: startedAt))
        case .fileEnded(let part, let bytes, let duration): events(.fileEnded(part: part, bytes: bytes, duration: duration))
        case .gap(let gap): events(.gap(offset: gap.offset, length: gap.length))
        case .movieGrew(let part, let bytes): events(.movieGrew(part: part, bytes: bytes))
        case .movieEnded(let part, let file): events(.movieEnded(part: part, file))
        case .trackMissing(let track):
            events(.warning(code: .noMedia, message: "Track \(track) sent no keyframe in time and is not in the recording."))
        case .failed(let error): fail(error)
        case .allTracksEnded: endWait()
        case .finished(let result):
            let waiter = state.withLock { state in
                state.result = result
                return state.resultWaiter.take()
            }
            endWait()
            waiter?.resume(returning: result)
        }
    }

    /// On the intake's thread, every 40 ms: first frame, capture time, and the limit of the wait.
    func tick(_ intake: MediaIntake, now: UInt64) {
        let (beginning, isLate) = state.withLock { ($0.beginning, $0.beginning == nil && now - min(now, $0.startedAt) > $0.timeout) }
        if isLate { return fail(BridgeError(.noMedia, "No keyframe came; nothing was recorded.")) }
        guard let beginning else { return }
        let capturedAt = intake.captureTime(of: beginning)
        let writtenAt: WallTime? = state.withLock { state in
            let isNews = !state.isFirstFrameReported || (capturedAt != nil && !state.isCaptureTimeReported)
            state.isFirstFrameReported = true
            state.isCaptureTimeReported = state.isCaptureTimeReported || capturedAt != nil
            return isNews ? state.writtenAt : nil
        }
        if let writtenAt { events(.firstFrame(writtenAt: writtenAt, capturedAt: capturedAt)) }
    }

    /// Returns when every track's end has reached the writer, or after `limit`.
    func waitForLastFrame(limit: Duration, on loop: GLibLoop) async {
        let timer = loop.schedule(after: limit) { [weak self] in self?.endWait() }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                guard !state.allTracksEnded else { return true }
                state.lastFrameWaiter = continuation
                return false
            }
            if isOver { continuation.resume() }
        }
        timer.cancel()
    }

    /// Returns when the file is closed.
    func waitForResult() async -> PipelineResult {
        await withCheckedContinuation { continuation in
            let result = state.withLock { state in
                if state.result == nil { state.resultWaiter = continuation }
                return state.result
            }
            if let result { continuation.resume(returning: result) }
        }
    }

    private func endWait() {
        let waiter = state.withLock { state in
            state.allTracksEnded = true
            return state.lastFrameWaiter.take()
        }
        waiter?.resume()
    }
}
