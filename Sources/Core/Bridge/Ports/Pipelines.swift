package import BridgeModel

/// One end of a media socket, owned by whoever holds this value last: it closes it.
package struct MediaDescriptor: Sendable, Equatable, Hashable {
    /// The file descriptor, an AF_UNIX datagram socket, non-blocking.
    package let rawValue: Int32
    package init(_ rawValue: Int32) { self.rawValue = rawValue }
}

/// A running child, as the control plane sees it. Implemented by PipelinePlane.
package protocol RunningPipeline: Sendable {
    var id: PipelineID { get }
    /// The hub's ends of the media sockets, in track order. The caller owns them from now on.
    var media: [MediaDescriptor] { get }
    /// Everything the child says, in order; ends after exactly one `failed` or `finished`, which is made up when the child died or hung.
    var events: AsyncStream<PipelineEvent> { get }
    /// Queues a command; commands to an ended child are dropped.
    func send(_ command: PipelineCommand)
    /// Queues a command with so many new media sockets and returns the hub's ends of them, which the caller owns. Throws `unavailable`.
    func send(_ command: PipelineCommand, sockets: Int) throws(BridgeError) -> [MediaDescriptor]
}

/// Starts children. Implemented by PipelinePlane.
package protocol PipelineLauncher: Sendable {
    /// Starts a child with this plan, from the warm pool where there is one. Throws `pipeline_unavailable` or `limit_reached`.
    func launch(_ plan: PipelinePlan) async throws(BridgeError) -> any RunningPipeline
    /// Returns when a child has started and said that it is ready, or throws `pipeline_unavailable`. Cheap while a warm child waits.
    func checkStart() async throws(BridgeError)
    /// How many children run now, warm ones not counted.
    var runningCount: Int { get async }
}
