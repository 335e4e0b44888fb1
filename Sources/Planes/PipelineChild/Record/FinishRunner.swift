package import Bridge
package import BridgeModel
package import GStreamerKit
internal import Foundation
internal import LinuxIO
internal import Synchronization

/// Makes one finished file of a recording's parts, wherever they were cut: with duration and index, which an MP4 has in front.
///
/// Needed after a crash of the recorder (any container), for several parts, and for MP4 always. Frames are copied by our own readers and writers;
/// nothing is decoded. The result is written beside its destination under a temporary name, synchronised and
/// renamed, so that the destination is whole or absent. It fails with `no_media` when no part holds a frame, with `storage_full` for want of space.
package actor FinishRunner: PipelineRunner {
    package nonisolated let loop: GLibLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let plan: FinishPlan
    private let job: FinishJob

    /// Takes the plan; a finisher has no media sockets.
    package init(plan: FinishPlan, context: RunnerContext) {
        self.plan = plan
        loop = context.loop
        job = FinishJob(plan: plan, events: context.events)
    }

    /// Starts the work on a thread of its own; its end is reported as `finished` or `failed`.
    package func start() async throws(BridgeError) { job.start() }

    /// Nothing that a finisher could be told but to stop.
    package func handle(_ command: PipelineCommand) async {}

    /// Gives up what is not done yet, leaving no file; or gives the result, when it is done.
    package func stop(deadline: Duration) async -> PipelineResult { job.cancel() }

    package func statistics() async -> PipelineStats { PipelineStats() }
}

/// The finisher's thread.
final class FinishJob: Sendable {
    private struct State {
        var isCancelled = false
        var result: PipelineResult?
    }

    private let plan: FinishPlan
    private let events: EventSink
    private let state = Mutex(State())

    init(plan: FinishPlan, events: EventSink) {
        self.plan = plan
        self.events = events
    }

    /// Whether the work is to be given up.
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func start() {
        let thread = Thread { [self] in run() }
        thread.name = "finish"
        thread.start()
        events(.started)
    }

    func cancel() -> PipelineResult {
        state.withLock { state in
            state.isCancelled = true
            return state.result ?? PipelineResult()
        }
    }

    private func run() {
        do throws(BridgeError) {
            let result = try finish()
            state.withLock { $0.result = result }
            events(.finished(bytes: result.bytes, duration: result.duration))
        } catch {
            events(.failed(error))
        }
    }

    private func finish() throws(BridgeError) -> PipelineResult {
        let temporary = plan.destination + ".partial"
        do {
            try DurableFiles.remove(temporary)
            let parts = try RecordingParts(paths: [plan.source] + plan.continuations)
            let result = try write(parts, to: temporary)
            try DurableFiles.rename(temporary, to: plan.destination)
            return result
        } catch {
            try? DurableFiles.remove(temporary)
            if let failure = error as? BridgeError { throw failure }
            if let failure = error as? SystemError { throw RecordingWriter.failure(failure) }
            throw BridgeError(.pipelineFailed, "The recording cannot be finished: \(error).")
        }
    }

    private func write(_ parts: RecordingParts, to path: String) throws -> PipelineResult {
        guard plan.container == .mp4 else {
            var rewriter = try MatroskaRewriter(parts: parts, container: plan.container, path: path)
            return try rewriter.run(until: { isCancelled })
        }
        var rewriter = try MP4Rewriter(parts: parts, path: path)
        return try rewriter.run(until: { isCancelled })
    }
}
