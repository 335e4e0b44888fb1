package import Forwarding

/// What an operator or a test may set of the hub.
package struct HubOptions: Sendable, Equatable {
    /// Media worker threads; a stream lives on one of them.
    package var workers: Int
    /// How much of a stream is kept for joiners and slow recorders.
    package var cache: GOPCache.Limits
    /// When viewers join and when they are too late.
    package var egress: EgressTrack.Rules
    /// The shortest time between two keyframe requests to one source.
    package var keyframeInterval: Duration
    /// How long the sinks of an ended stream may take what is left.
    package var lingering: Duration

    package init(
        workers: Int = 1, cache: GOPCache.Limits = GOPCache.Limits(), egress: EgressTrack.Rules = EgressTrack.Rules(),
        keyframeInterval: Duration = .milliseconds(500), lingering: Duration = .seconds(2)
    ) {
        self.workers = workers
        self.cache = cache
        self.egress = egress
        self.keyframeInterval = keyframeInterval
        self.lingering = lingering
    }
}
