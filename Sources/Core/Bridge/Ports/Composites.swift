package import BridgeModel

/// A composite as the native API shows it.
package struct CompositeStatus: Sendable, Equatable {
    package var id: CompositeID
    package var order: CompositeOrder
    /// The stream that it is.
    package var stream: StreamID
    package var createdAt: WallTime
    package var phase: CompositePhase
    /// What ended its last process; nil when nothing has.
    package var reason: BridgeError?
    /// The inputs that send now.
    package var present: Set<StreamID>

    package init(
        id: CompositeID, order: CompositeOrder, stream: StreamID, createdAt: WallTime, phase: CompositePhase = .starting,
        reason: BridgeError? = nil, present: Set<StreamID> = []
    ) {
        self.id = id
        self.order = order
        self.stream = stream
        self.createdAt = createdAt
        self.phase = phase
        self.reason = reason
        self.present = present
    }
}

/// How far a composite is.
package enum CompositePhase: String, Sendable, CaseIterable {
    /// Its process comes up.
    case starting
    /// Its stream is there.
    case live
    /// Its process is over; another one is started after a pause.
    case restarting
}

/// Composites, as the native API commands and shows them. Implemented by ControlPlane.
package protocol CompositeCommands: Sendable {
    /// Makes one and starts it. Throws `invalid_field` where its name is taken, `limit_reached` and `pipeline_unavailable`.
    func make(_ order: CompositeOrder) async throws(BridgeError) -> CompositeStatus
    /// Oldest first.
    func composites() async -> [CompositeStatus]
    /// One of them; nil when there is none of this id.
    func composite(_ id: CompositeID) async -> CompositeStatus?
    /// Shows something else from now on. Throws `not_found`.
    func change(_ id: CompositeID, to content: CompositeContent) async throws(BridgeError) -> CompositeStatus
    /// Ends it and its stream. Throws `not_found`.
    func end(_ id: CompositeID) async throws(BridgeError)
}
