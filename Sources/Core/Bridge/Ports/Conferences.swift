package import BridgeModel
package import SDP

/// One session in a conference elsewhere, by what its kind speaks. Made for one session, used once: `join`, `attend`, then `leave`.
package protocol ConferenceCall: Sendable {
    /// Servers that the far end names before it gets an offer, as far as it does.
    func iceServers() async -> [IceServer]
    /// Brings the complete offer to the far end and returns its answer. Waits for what the far end takes its time for, within limits of its own.
    func join(_ offer: String) async throws(ConferenceFault) -> ConferenceAnswer
    /// Keeps up what the far end wants to be kept up, until `stop`; throws what the far end ends the session with. Returns at once where nothing
    /// of the kind is needed.
    func attend() async throws(ConferenceFault)
    /// Begins another ICE session with the far end, which holds the session: its ICE, or nil where it does not do that, does not answer within a few
    /// seconds, or is not reached. Then the former ICE session goes on.
    func restart(_ request: IceRestartRequest) async -> IceRestartAnswer?
    /// Neither `join`, `attend` nor `restart` is to wait for the far end to say something any more; what was asked of it is heard to its end.
    func stop() async
    /// Takes away what the far end holds of us; nothing where `join` brought nothing about. Returns when that is done or cannot be.
    func leave() async
    /// The others there; nil where they are not to be heard.
    var voices: (any ConferenceVoices)? { get }
}

extension ConferenceCall {
    package var voices: (any ConferenceVoices)? { nil }
    package func iceServers() async -> [IceServer] { [] }
    package func restart(_ request: IceRestartRequest) async -> IceRestartAnswer? { nil }
}

/// The others in a conference, each heard over a session of their own at the far end.
package protocol ConferenceVoices: Sendable {
    /// Who is to be heard, as they come and go; for one consumer. It ends when the call stops.
    var offers: AsyncStream<ConferenceVoice> { get }
    /// Brings the answer to a voice's offer to the far end.
    func answer(_ voice: VoiceNumber, _ sdp: String) async
    /// Media can flow.
    func connected(_ voice: VoiceNumber) async
    /// Its transport is over; the far end may offer it anew.
    func lost(_ voice: VoiceNumber) async
    /// Nothing is left of all of them here; they are to be offered anew.
    func restart() async
}

/// What becomes of somebody else in a conference.
package enum ConferenceVoice: Sendable, Equatable {
    /// Their sound is offered, by the far end's SDP, unread.
    case offered(VoiceNumber, sdp: String)
    case ended(VoiceNumber)
}

/// What the far end said to an offer.
package struct ConferenceAnswer: Sendable, Equatable {
    /// Its SDP, unread.
    package var sdp: String
    /// What it holds of us now, as its kind names it.
    package var resource: Redacted<String>
    /// Servers that it wants to be reached through, from the next session on.
    package var iceServers: [IceServer]

    package init(sdp: String, resource: Redacted<String>, iceServers: [IceServer] = []) {
        self.sdp = sdp
        self.resource = resource
        self.iceServers = iceServers
    }
}

/// Makes the calls, by the kind of the target. Implemented by ControlPlane.
package protocol ConferenceCalls: Sendable {
    /// A call that has not joined. With a `resource`, one that an earlier run of the bridge left: it can only leave.
    func call(_ target: ConferenceTarget, resource: Redacted<String>?) -> any ConferenceCall
}

/// HTTP to places that somebody else chose, guarded by the address rules. Implemented by DeliveryPlane.
package protocol OutgoingCalls: Sendable {
    /// One request and its whole reply, within `limit`; redirects are replies.
    func call(_ call: OutgoingCall, within limit: Duration) async -> Result<OutgoingReply, AttemptFault>
}

/// What is asked of somebody else's server.
package struct OutgoingCall: Sendable, Equatable {
    /// POST, DELETE and the like.
    package var method: String
    package var url: DeliveryURL
    /// Sent as a bearer token.
    package var token: Redacted<String>?
    /// The field `If-Match`; nil without one.
    package var ifMatch: String?
    /// Of the body; nil without one.
    package var contentType: String?
    package var body: [UInt8]
    /// A longer reply is invalid.
    package var replyBytes: Int

    package init(
        method: String, url: DeliveryURL, token: Redacted<String>? = nil, contentType: String? = nil, body: [UInt8] = [], replyBytes: Int
    ) {
        self.method = method
        self.url = url
        self.token = token
        self.contentType = contentType
        self.body = body
        self.replyBytes = replyBytes
    }
}

/// What came back.
package struct OutgoingReply: Sendable, Equatable {
    package var status: Int
    package var location: Redacted<String>?
    /// The `Link` fields, each as it came.
    package var links: [Redacted<String>]
    package var contentType: String?
    /// The field `Retry-After` as it came.
    package var retryAfter: String?
    package var body: [UInt8]

    package init(
        status: Int, location: Redacted<String>? = nil, links: [Redacted<String>] = [], contentType: String? = nil,
        retryAfter: String? = nil, body: [UInt8] = []
    ) {
        self.status = status
        self.location = location
        self.links = links
        self.contentType = contentType
        self.retryAfter = retryAfter
        self.body = body
    }
}

/// The conferences' rows. Implemented by StoragePlane.
package protocol ConferenceStore: Sendable {
    /// All of them, oldest first.
    func conferences() async throws(BridgeError) -> [ConferenceRow]
    /// Writes one, new or changed; targets and resources are sealed.
    func save(_ row: ConferenceRow) async throws(BridgeError)
    func remove(_ id: ConferenceID) async throws(BridgeError)
}

/// Conferences elsewhere, as the native API commands and shows them. Implemented by ControlPlane.
package protocol ConferenceCommands: Sendable {
    /// Joins a stream to a conference, now or as soon as the stream is there; durable when this returns. The same order again changes nothing and
    /// finds what it made (`isNew` is false). Throws `limit_reached` and `unavailable`.
    func join(_ stream: StreamID, _ target: ConferenceTarget) async throws(BridgeError) -> (status: ConferenceStatus, isNew: Bool)
    /// Those of all streams that are no conferences, oldest first.
    func pushes() async -> [ConferenceStatus]
    /// Oldest first.
    func conferences(of stream: StreamID) async -> [ConferenceStatus]
    /// One of them; nil when there is none of this id.
    func conference(_ id: ConferenceID) async -> ConferenceStatus?
    /// Takes the stream out of the conference for good and returns when the far end was told. Throws `not_found`.
    func leave(_ id: ConferenceID) async throws(BridgeError)
}
