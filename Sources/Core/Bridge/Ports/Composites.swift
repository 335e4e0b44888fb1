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
    /// Who is in it now.
    package var guests: [CompositeGuest]
    /// Of its background's picture; nil where it has none.
    package var background: BackgroundState?
    /// Why it ends, when it does.
    package var end = CompositeEnd.deleted

    package init(
        id: CompositeID, order: CompositeOrder, stream: StreamID, createdAt: WallTime, phase: CompositePhase = .starting,
        reason: BridgeError? = nil, guests: [CompositeGuest] = []
    ) {
        self.id = id
        self.order = order
        self.stream = stream
        self.createdAt = createdAt
        self.phase = phase
        self.reason = reason
        self.guests = guests
    }
}

/// Why a composite is over.
package enum CompositeEnd: String, Sendable, CaseIterable {
    case deleted
    /// The room that it showed is over.
    case roomEnded = "room_ended"
}

/// How far a composite is.
package enum CompositePhase: String, Sendable, CaseIterable {
    /// Its process comes up.
    case starting
    /// Its stream is there.
    case live
    /// Its stream is there, and nobody takes it: nothing runs until somebody does.
    case idle
    /// Its process is over; another one is started after a pause.
    case restarting
}

/// Composites, as the native API commands and shows them. Implemented by ControlPlane.
package protocol CompositeCommands: Sendable {
    /// Makes one and starts it. Throws `invalid_field` where its name is taken, `not_found` where its room is not there, `limit_reached` and
    /// `pipeline_unavailable`.
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
