package import Bridge
package import BridgeModel
package import GStreamerKit
package import LinuxIO

/// One kind of work in the child. An implementation is an actor on the child's `GLibLoop`, made from its plan, the media sockets
/// (closed when it is gone) and an `EventSink`.
package protocol PipelineRunner: Sendable {
    /// Builds the pipeline and plays it; it reports `started` itself. A thrown error is reported as `failed` by the child.
    func start() async throws(BridgeError)
    /// Does one command; `plan`, `ping` and `stop` never come here.
    func handle(_ command: PipelineCommand) async
    /// Ends the work within `deadline` and takes the pipeline down: a recorder completes its file, a peer says goodbye. The result is
    /// reported as the child's last event. Called once, also when the bridge died or after a failure.
    func stop(deadline: Duration) async -> PipelineResult
    /// Counters now; the child adds its memory.
    func statistics() async -> PipelineStats
}

/// A runner that takes streams of the hub while it runs.
package protocol InputTaker: PipelineRunner {
    /// Takes a stream in; the sockets, in track order, are closed when it is out again.
    func add(_ input: CompositeInput, sockets: [DatagramSocket]) async
}

/// What a finished pipeline leaves: a file's size and length, zero for peers.
package struct PipelineResult: Sendable, Equatable {
    package var bytes: Int64
    package var duration: Duration

    package init(bytes: Int64 = 0, duration: Duration = .zero) {
        self.bytes = bytes
        self.duration = duration
    }
}

/// Where a runner reports; callable from any thread, in order per caller. `failed`, and `finished` of a runner that ends by itself, make the
/// child stop the runner and exit.
package struct EventSink: Sendable {
    private let deliver: @Sendable (PipelineEvent) -> Void

    package init(_ deliver: @escaping @Sendable (PipelineEvent) -> Void) { self.deliver = deliver }

    /// Reports one event.
    package func callAsFunction(_ event: PipelineEvent) { deliver(event) }
}

/// What every runner is made from, beside its plan.
package struct RunnerContext: Sendable {
    /// Media sockets in track order.
    package var media: [DatagramSocket]
    package var events: EventSink
    /// The child's loop: the runner's executor.
    package var loop: GLibLoop

    package init(media: [DatagramSocket], events: EventSink, loop: GLibLoop) {
        self.media = media
        self.events = events
        self.loop = loop
    }
}
