package import BridgeModel

/// Which of the bridge's RTM paths a socket came by: it decides how a session is opened.
package enum RTMPath: Sendable, Equatable {
    /// `/api/v2/io`: opened by `session_start`.
    case client
    /// `/api/v2/supervisor_io/<id>`: opened by `supervisor_join_session` on this session.
    case supervisor(monitored: SessionID)
    /// `/bridge/v1/io`: opened by `session_start` in both directions.
    case native
}

/// One socket of a session, unique while the bridge runs.
package struct SocketID: Hashable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Polices one RTM socket: its message rate, the form of its frames, its bad messages, its session and its time to start one.
///
/// Pure: every call gets the time. It knows no session's state; that is `SessionMachine`'s.
package struct SocketMachine: Sendable {
    /// The token's client: frames of others are refused.
    package let client: ClientID
    /// The session that this socket is bound to (6.2).
    package private(set) var session: SessionID?
    /// When the socket is closed with 4408; nil once a session was started.
    package private(set) var deadline: MonotonicTime?

    private let path: RTMPath
    private let form: RTMForm
    private var police: FramePolice

    package init(client: ClientID, path: RTMPath, form: RTMForm, limits: SocketLimits, now: MonotonicTime) {
        self.client = client
        self.path = path
        self.form = form
        police = FramePolice(limits: limits, now: now)
        deadline = now.advanced(by: limits.start)
    }

    /// Counts a frame before it is decoded; throws what becomes of one that is too many.
    package mutating func admit(now: MonotonicTime) throws(RTMFault) { try police.admit(now: now) }

    /// Reads the outer members and completes the session from the binding; `frame` is nil when the text was no JSON.
    package func envelope(of frame: JSONValue?) throws(RTMFault) -> (envelope: RTMEnvelope, session: SessionID) {
        let envelope = try RTMEnvelope(frame: frame, client: client, path: path)
        guard let named = envelope.session ?? session else {
            let error = RTMError(.missingField, "session_id is missing", field: "session_id")
            throw RTMFault(error, inReplyTo: envelope.kind.rawValue, isBadMessage: true)
        }
        return (envelope, named)
    }

    /// Reads the message of an envelope whose session exists and is the token's, and checks it against the path and the binding.
    package func request(in envelope: RTMEnvelope, of named: SessionID) throws(RTMFault) -> RTMRequest {
        guard session == nil || session == named else {
            let error = RTMError(.sessionMismatch, "this socket belongs to another session", field: "session_id")
            throw RTMFault(error, inReplyTo: envelope.kind.rawValue, close: .forbidden)
        }
        let request = try form.request(in: envelope, on: path)
        try checkPath(of: request)
        return request
    }

    /// Binds the socket to the session of its first accepted message.
    package mutating func bind(to session: SessionID) { self.session = session }

    /// Stops the clock of 4408: the session was started, by this message or before.
    package mutating func sessionWasStarted() { deadline = nil }

    /// The fault with its close code, which is 4400 when this was one bad message too many.
    package mutating func counted(_ fault: RTMFault, now: MonotonicTime) -> RTMFault { police.counted(fault, now: now) }

    /// True when 4408 is due.
    package func isLate(now: MonotonicTime) -> Bool { deadline.map { $0 <= now } ?? false }

    private func checkPath(of request: RTMRequest) throws(RTMFault) {
        let wrongRole = RTMFault(
            RTMError(.wrongRole, "this message does not belong to this path", field: "type"), inReplyTo: request.kind.rawValue)
        switch (request, path) {
        case (.sessionStart, .supervisor), (.supervisorJoin, .client), (.supervisorJoin, .native):
            throw wrongRole
        case (.supervisorJoin(_, let monitored), .supervisor(let named)) where monitored != named:
            let error = RTMError(
                .sessionMismatch, "session_id_to_monitor is not the path's", field: "data.session_id_to_monitor")
            throw RTMFault(error, inReplyTo: request.kind.rawValue, close: .forbidden)
        default:
            return
        }
    }
}
