package import BridgeModel

/// One stream's place in a conference elsewhere: a lower-case UUID, version 4. It stays the same through all sessions there.
package struct ConferenceID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// Where a stream is published, by kind. A new kind of conference is a case here and a `ConferenceCall` of its own.
package enum ConferenceTarget: Sendable, Equatable {
    case whip(WHIPTarget)
    case janusVideoRoom(JanusTarget)
    /// No conference, but a server that is sent one stream.
    case push(PushTarget)

    /// The kinds' names in the API and in the database.
    package enum Kind: String, Sendable, CaseIterable {
        case whip
        case janusVideoRoom = "janus_videoroom"
        case rtmp, rtmps, srt

        /// What is sent one stream has an API of its own.
        package var isPush: Bool {
            switch self {
            case .whip, .janusVideoRoom: false
            case .rtmp, .rtmps, .srt: true
            }
        }
    }

    /// Which of them it is.
    package var kind: Kind {
        switch self {
        case .whip: .whip
        case .janusVideoRoom: .janusVideoRoom
        case .push(let target):
            switch target.scheme {
            case .rtmp: .rtmp
            case .rtmps: .rtmps
            case .srt: .srt
            }
        }
    }

    /// The stream of this bridge that the others there are heard in; nil: nobody hears them.
    package var returnStream: StreamID? {
        switch self {
        case .whip, .push: nil
        case .janusVideoRoom(let target): target.returnStream
        }
    }

    /// In lower case, or an address literal.
    package var host: String {
        switch self {
        case .whip(let target): target.url.host
        case .janusVideoRoom(let target): target.url.host
        case .push(let target): target.host
        }
    }

    /// Scheme, host and port: what may be shown and logged.
    package var origin: String {
        switch self {
        case .whip(let target): target.url.origin
        case .janusVideoRoom(let target): target.url.origin
        case .push(let target): target.origin
        }
    }

    /// The measures of its ladder.
    package var limits: ConferenceMachine.Limits {
        var limits = ConferenceMachine.Limits()
        if kind.isPush { limits.place = "the server" }
        return limits
    }
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
    /// How the way back is; nil where none was ordered, or while there is none.
    package var wayBack: WayBackStatus?

    package init(
        row: ConferenceRow, phase: ConferencePhase, since: WallTime, attempts: Int = 0, reason: BridgeError? = nil, bytesSent: UInt64 = 0,
        wayBack: WayBackStatus? = nil
    ) {
        self.row = row
        self.phase = phase
        self.since = since
        self.attempts = attempts
        self.reason = reason
        self.bytesSent = bytesSent
        self.wayBack = wayBack
    }
}

/// How the others' sound comes back.
package struct WayBackStatus: Sendable, Equatable {
    /// The stream that it is.
    package var stream: StreamID
    /// The stream is there, be it with silence.
    package var isLive: Bool
    /// Those whose sound is in it now.
    package var voices: Int
    /// What went wrong with it last; nil when nothing has since it was there.
    package var reason: BridgeError?

    package init(stream: StreamID, isLive: Bool = false, voices: Int = 0, reason: BridgeError? = nil) {
        self.stream = stream
        self.isLive = isLive
        self.voices = voices
        self.reason = reason
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

/// Why failures of sessions that were told of are over.
package enum ConferenceTroubleEnd: String, Sendable, CaseIterable {
    /// A session is up.
    case connected
    case streamEnded = "stream_ended"
    /// It is not tried any more.
    case failed
    /// It was taken out.
    case removed
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
