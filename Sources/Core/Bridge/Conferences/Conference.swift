package import BridgeModel

/// One stream's place in a conference elsewhere: a lower-case UUID, version 4. It stays the same through all sessions there.
package struct ConferenceID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// Where a stream is published, by kind. A new kind is a case here and a `ConferenceCall` of its own.
package enum ConferenceTarget: Sendable, Equatable {
    case whip(WHIPTarget)
    case janusVideoRoom(JanusTarget)

    /// The kinds' names in the API and in the database.
    package enum Kind: String, Sendable, CaseIterable {
        case whip
        case janusVideoRoom = "janus_videoroom"
    }

    /// Which of them it is.
    package var kind: Kind {
        switch self {
        case .whip: .whip
        case .janusVideoRoom: .janusVideoRoom
        }
    }

    private var url: DeliveryURL {
        switch self {
        case .whip(let target): target.url
        case .janusVideoRoom(let target): target.url
        }
    }

    /// In lower case, or an address literal.
    package var host: String { url.host }

    /// Scheme, host and port: what may be shown and logged.
    package var origin: String { url.origin }
}

/// What is durable of a conference.
package struct ConferenceRow: Sendable, Equatable {
    package var id: ConferenceID
    package var stream: StreamID
    package var target: ConferenceTarget
    package var createdAt: WallTime
    /// What the far end holds of us, as its kind names it: to be taken away there even after a crash. Nil while there is no session.
    package var resource: Redacted<String>?
    /// Why it came to its end by itself; it stays until somebody removes it.
    package var end: BridgeError?

    package init(
        id: ConferenceID, stream: StreamID, target: ConferenceTarget, createdAt: WallTime, resource: Redacted<String>? = nil,
        end: BridgeError? = nil
    ) {
        self.id = id
        self.stream = stream
        self.target = target
        self.createdAt = createdAt
        self.resource = resource
        self.end = end
    }
}

/// How a conference is now, as the native API shows it.
package struct ConferenceStatus: Sendable, Equatable {
    package var row: ConferenceRow
    package var phase: ConferencePhase
    /// When this phase began.
    package var since: WallTime
    /// Sessions that were tried since it was last live for a while.
    package var attempts: Int
    /// What went wrong last; nil when nothing has since it was last live.
    package var reason: BridgeError?
    /// RTP with its headers, of all sessions since the bridge started.
    package var bytesSent: UInt64

    package init(
        row: ConferenceRow, phase: ConferencePhase, since: WallTime, attempts: Int = 0, reason: BridgeError? = nil, bytesSent: UInt64 = 0
    ) {
        self.row = row
        self.phase = phase
        self.since = since
        self.attempts = attempts
        self.reason = reason
        self.bytesSent = bytesSent
    }
}

/// What users see of the machine's state.
package enum ConferencePhase: String, Sendable, CaseIterable {
    /// The stream has no source.
    case waiting
    /// A session is being made.
    case connecting
    /// Media flows.
    case live
    /// The path is lost and may come back.
    case interrupted
    /// A session is being taken down.
    case leaving
    /// The next session comes after a pause.
    case backingOff = "backing_off"
    /// Over, for the reason that stands beside it.
    case ended
}

/// Why a session did not come about, or is over.
package struct ConferenceFault: Error, Sendable, Equatable {
    package var error: BridgeError
    /// No later attempt can end otherwise, until somebody changes something.
    package var isPermanent: Bool
    /// The far end's wish for the next attempt.
    package var retryAfter: Duration?
    /// The HTTP status that it came with.
    package var status: Int?

    package init(_ error: BridgeError, isPermanent: Bool = false, retryAfter: Duration? = nil, status: Int? = nil) {
        self.error = error
        self.isPermanent = isPermanent
        self.retryAfter = retryAfter
        self.status = status
    }
}
