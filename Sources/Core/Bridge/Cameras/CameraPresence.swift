package import BridgeModel

/// What is told outside of a camera's agent.
package enum CameraEvent: Sendable, Equatable {
    case online(CameraAbilities)
    /// Why, and when its last socket went.
    case offline(CameraEnd, since: WallTime)

    /// Which fact it begins or ends.
    package func pairing(of camera: ClientID, _ account: AccountID) -> EventPairing {
        switch self {
        case .online: EventPairing(.begins, .camera(camera, of: account))
        case .offline: EventPairing(.ends, .camera(camera, of: account))
        }
    }
}

/// Why a camera's agent is not there any more.
package enum CameraEnd: String, Sendable, CaseIterable {
    /// It closed its socket.
    case left
    /// Its socket was lost, or it did not read what it was sent.
    case connectionLost = "connection_lost"
    /// The bridge closed its socket for what came over it.
    case protocolError = "protocol_error"
    /// The bridge was stopped.
    case bridgeStopped = "bridge_stopped"
}

/// Whether a camera's agent is there, as it is told outside: a socket that goes and is followed by another one within the grace is no news. Pure.
package struct CameraPresence: Sendable {
    /// Something that happens.
    package enum Input: Sendable {
        /// An agent has said what it can, by whichever socket.
        case came(CameraAbilities)
        /// The camera's only socket is gone.
        case went(CameraEnd, WallTime)
        /// `deadline` has passed.
        case deadline
        /// Whoever is there will not be heard of again.
        case stop(WallTime)
    }

    /// As long as an agent needs for its first three tries to come back.
    package static let grace = Duration.seconds(5)

    private enum State {
        case away, here
        case missing(CameraEnd, since: WallTime, until: MonotonicTime)
    }

    private var state = State.away

    package init() {}

    /// When to call `handle(.deadline)`; nil when nothing is waited for.
    package var deadline: MonotonicTime? { if case .missing(_, _, let deadline) = state { deadline } else { nil } }

    /// What is to be told of it; nil: nothing.
    package mutating func handle(_ input: Input, now: MonotonicTime) -> CameraEvent? {
        switch (state, input) {
        case (.away, .came(let abilities)):
            state = .here
            return .online(abilities)
        case (.missing, .came): state = .here
        case (.here, .went(let end, let moment)): state = .missing(end, since: moment, until: now.advanced(by: Self.grace))
        case (.missing(let end, let since, let deadline), .deadline) where deadline <= now: return leave(end, since)
        case (.missing(let end, let since, _), .stop): return leave(end, since)
        case (.here, .stop(let moment)): return leave(.bridgeStopped, moment)
        case (.here, .came), (.here, .deadline), (.missing, .went), (.missing, .deadline), (.away, .went), (.away, .deadline),
            (.away, .stop):
            break
        }
        return nil
    }

    private mutating func leave(_ end: CameraEnd, _ since: WallTime) -> CameraEvent {
        state = .away
        return .offline(end, since: since)
    }
}

extension EventPairing.Subject {
    private static let cameraPrefix = "camera:"

    /// A camera's agent. An account's id has no slash.
    package static func camera(_ id: ClientID, of account: AccountID) -> Self { Self(rawValue: "\(cameraPrefix)\(account)/\(id)") }

    /// What an end of what an earlier run left open says of a camera; nil for other subjects.
    var cameraFacts: [JSONText.Member]? {
        guard rawValue.hasPrefix(Self.cameraPrefix), let slash = rawValue.firstIndex(of: "/") else { return nil }
        return [.init("camera", .string(String(rawValue[rawValue.index(after: slash)...])))]
    }
}
