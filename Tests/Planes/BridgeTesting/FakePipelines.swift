package import Bridge
package import BridgeModel
import Synchronization

/// A child that says what the test wants.
package final class FakePipeline: RunningPipeline {
    /// What it was started with.
    package let plan: PipelinePlan
    package let media: [MediaDescriptor]
    package let events: AsyncStream<PipelineEvent>
    private let mouth: AsyncStream<PipelineEvent>.Continuation
    private let received = Journal<PipelineCommand>()

    init(_ plan: PipelinePlan, media: [MediaDescriptor]) {
        self.plan = plan
        self.media = media
        (events, mouth) = AsyncStream.makeStream()
    }

    package var id: PipelineID { plan.pipeline }

    /// What it was told, in order.
    package var commands: [PipelineCommand] { received.all }

    /// True when it was told to finish.
    package var isStopped: Bool {
        commands.contains { command in
            guard case .stop = command else { return false }
            return true
        }
    }

    package func send(_ command: PipelineCommand) { received.note(command) }

    /// Makes up numbers that no open descriptor has.
    package func send(_ command: PipelineCommand, sockets: Int) throws(BridgeError) -> [MediaDescriptor] {
        received.note(command)
        return (0..<sockets).map { MediaDescriptor(Int32(2_000_000 + received.all.count * 10 + $0)) }
    }

    /// Says these words.
    package func say(_ events: PipelineEvent...) {
        for event in events { mouth.yield(event) }
    }

    /// The last word; the process is gone after it.
    package func end(_ event: PipelineEvent = .finished(bytes: 0, duration: .zero)) {
        mouth.yield(event)
        mouth.finish()
    }
}

/// Starts fake children, or refuses to.
package final class FakeLauncher: PipelineLauncher {
    private struct State {
        var pipelines: [FakePipeline] = []
        var refusal: BridgeError?
        var sockets: [MediaDescriptor]?
    }

    /// Holds launches up while it is closed.
    package let gate = Gate()
    private let state = Mutex(State())

    package init() {}

    /// All that were started, oldest first.
    package var pipelines: [FakePipeline] { state.withLock { $0.pipelines } }

    /// Refuses every launch from now on, or none.
    package func refuse(_ error: BridgeError?) { state.withLock { $0.refusal = error } }

    /// The next children get these sockets; nil makes up numbers that no open descriptor has.
    package func give(_ sockets: [MediaDescriptor]?) { state.withLock { $0.sockets = sockets } }

    /// The child number `count` when it has been started.
    package func pipeline(_ count: Int = 1) async -> FakePipeline? {
        _ = await eventually { pipelines.count >= count }
        return pipelines.count >= count ? pipelines[count - 1] : nil
    }

    package func launch(_ plan: PipelinePlan) async throws(BridgeError) -> any RunningPipeline {
        await gate.pass()
        try await checkStart()
        return state.withLock { state in
            let first = 1_000_000 + 100 * state.pipelines.count
            let sockets = state.sockets ?? plan.tracks.indices.map { MediaDescriptor(Int32(first + $0)) }
            let pipeline = FakePipeline(plan, media: sockets)
            state.pipelines.append(pipeline)
            return pipeline
        }
    }

    package func checkStart() async throws(BridgeError) {
        let refusal = state.withLock { $0.refusal }
        if let refusal { throw refusal }
    }

    package var runningCount: Int { pipelines.count }
}
