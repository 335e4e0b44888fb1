package import BridgeModel

/// Who a signalling session is.
package struct SessionContext: Sendable, Equatable, Codable {
    package var session: SessionID
    package var account: AccountID
    package var client: ClientID
    /// The stream that it publishes or watches.
    package var stream: StreamID
    package var direction: Direction

    package init(session: SessionID, account: AccountID, client: ClientID, stream: StreamID, direction: Direction) {
        self.session = session
        self.account = account
        self.client = client
        self.stream = stream
        self.direction = direction
    }

    /// Which way media goes, seen from the client.
    package enum Direction: String, Sendable, Codable {
        case publish, watch
    }
}

/// What happens to a peer after `openPeer`.
package enum PeerEvent: Sendable, Equatable {
    /// Our complete answer.
    case answer(sdp: String)
    /// A candidate that was found after the answer.
    case candidate(IceCandidate)
    /// ICE and DTLS are up and the fingerprint matches.
    case connected
    /// Consent or the transport is gone for now.
    case disconnected
    /// The peer is over; nothing follows. nil reason: it was closed by `closePeer`.
    case ended(BridgeError?)
}

/// Why a session ended (`termination_cause`).
package enum TerminationCause: String, Sendable, Codable, CaseIterable {
    case connectionError = "CONN_ERROR"
    case connectionTimeout = "CONN_TIMEOUT"
    case clientStop = "CLIENT_STOP"
    case replaced = "REPLACED"
    case monitoredSessionEnded = "MONITORED_SESSION_ENDED"
    case tokenRevoked = "TOKEN_REVOKED"
    case maximumDuration = "MAX_DURATION"
    case serverShutdown = "SERVER_SHUTDOWN"
    case policy = "POLICY"
    case internalError = "INTERNAL_ERROR"
}

/// What a signalling session asks of the bridge. Implemented by ControlPlane.
///
/// A session makes its calls one after another, each when the former has returned, in this order: `openPeer`, `sessionStarted`, then
/// candidates, recordings and further peers, at last `sessionEnded` and `closePeer`. An offer that `openPeer` refuses leaves no trace:
/// `sessionStarted` is not called, and `sessionEnded` only when `sessionStarted` returned. Calls must return soon: a session's end waits
/// for the call under way.
package protocol SessionServices: Sendable {
    /// Called once, after the first `openPeer` succeeded; the session is durable when it returns. An older running session of the same
    /// client and direction publish is told to end with `REPLACED` through its own `SessionHandle`. When this throws, the peer is closed
    /// and the session was never there; `not_found` means that the created session is unknown or expired.
    func sessionStarted(_ context: SessionContext, webhookURL: Redacted<String>?, handle: any SessionHandle) async throws(BridgeError)
    /// Checks the offer, reserves the engine and returns at once with the peer's id; everything else comes as events, in order, and the
    /// last is `ended`. Events may come before this returns. A session opens a second peer when its client returns with another offer, and
    /// closes the first when the second is connected. Throws `unacceptable_offer`, `not_found` (nothing to watch), `limit_reached`,
    /// `pipeline_unavailable`.
    func openPeer(
        _ context: SessionContext, offer: String, events: @escaping @Sendable (PeerEvent) -> Void
    ) async throws(BridgeError) -> PeerID
    /// Applies a candidate of the peer, in call order; text that does not parse throws `invalid_field`, an unknown peer is ignored.
    func addCandidate(_ candidate: IceCandidate, to peer: PeerID) async throws(BridgeError)
    /// Begins another ICE session with a peer; see `PeerEngine.restart`.
    func restartPeer(_ peer: PeerID, with offer: IceRestartOffer) async throws(BridgeError) -> IceRestartAnswer
    /// Ends a peer; does nothing when it has ended.
    func closePeer(_ peer: PeerID) async
    /// Begins a recording of the session's stream; its row is durable when this returns. Updates come in order until a final state, also
    /// after the session's end. Before the peer is connected the recording waits: its first update is `armed`, given before this returns,
    /// and its time for the first keyframe counts from the connection. Throws `limit_reached` when one is running.
    func startRecording(
        _ request: RecordingRequest, updates: @escaping @Sendable (RecordingUpdate) -> Void
    ) async throws(BridgeError) -> RecordingID
    /// Asks a recording to finish; the states that follow come as updates.
    func stopRecording(_ recording: RecordingID) async throws(BridgeError)
    /// Called once, when the session is over: finishes its recordings (each has reached `closing` when this returns), and writes the
    /// session's end and its webhook in one transaction.
    func sessionEnded(_ context: SessionContext, cause: TerminationCause) async
}

/// How the bridge reaches a running session. Implemented by SignalingPlane.
package protocol SessionHandle: Sendable {
    /// Ends the session with this cause; returns when it is over.
    func end(_ cause: TerminationCause) async
}

/// The `Account`'s and operator's answer to "who is this token". Implemented by AccessPlane.
package protocol TokenAuthority: Sendable {
    /// Verifies signature, issuer, audience, times and revocation.
    func verify(_ token: Redacted<String>) async throws(AccessError) -> Grant
    /// Signs a new token; the grant's `tokenID`, `issuedAt` and `expiresAt` are made here.
    func issue(_ request: GrantRequest) async throws(AccessError) -> Redacted<String>
    /// The account that owns this live master key of the dialect, compared in constant time; nil when there is none.
    func account(masterKey: Redacted<String>, dialect: String) async throws(AccessError) -> AccountID?
    /// Puts a token on the revocation list until it expires.
    func revoke(tokenID: String, until: WallTime) async throws(AccessError)
}

/// What a new token is to say.
package struct GrantRequest: Sendable, Equatable {
    package var account: AccountID
    package var client: ClientID
    package var role: Grant.Role
    package var stream: StreamID?
    package var monitoredClient: ClientID?
    package var lifetime: Duration

    package init(
        account: AccountID, client: ClientID, role: Grant.Role, stream: StreamID? = nil, monitoredClient: ClientID? = nil,
        lifetime: Duration
    ) {
        self.account = account
        self.client = client
        self.role = role
        self.stream = stream
        self.monitoredClient = monitoredClient
        self.lifetime = lifetime
    }
}

/// Why a token or key is refused.
package enum AccessError: Error, Sendable, Equatable {
    /// No token at all.
    case missing
    /// Not of our making, cut, forged, or for another audience.
    case invalid
    /// Genuine, but its time is over.
    case expired
    /// Genuine, but withdrawn.
    case revoked
    /// The account is disabled.
    case suspended
    /// The key store could not be read.
    case unavailable
}
