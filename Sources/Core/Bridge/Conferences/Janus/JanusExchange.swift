package import BridgeModel
package import SDP

/// What is said to a Janus server to publish in a room, and what its replies mean. Pure: one request at a time, one reply to each.
///
/// A session and a handle are made, the offer is brought with `joinandconfigure`, and long polls bring the answer; then they go on, to hear of the end.
package struct JanusExchange: Sendable {
    /// What follows a reply.
    package enum Step: Sendable, Equatable {
        case ask(OutgoingCall)
        case answered(ConferenceAnswer)
    }

    private enum State: Equatable {
        case creating, attaching, publishing
        /// Polls until the answer is whole.
        case waiting(JanusDescription)
        case published
    }

    /// Replies and what a poll brings: an answer, and words about others in the room.
    private static let replyBytes = 512 * 1024

    private let target: JanusTarget
    private let rules: AddressRules
    private var state = State.creating
    private var offer = ""
    private var session: Int?
    private var handle: Int?
    /// Another ICE session that was asked for, and what was said of it so far.
    private var restart: (request: IceRestartRequest, description: JanusDescription)?
    /// The others; nil where nobody hears them.
    private(set) var voices: JanusVoices?
    private var voiceEffects: [JanusVoices.Effect] = []

    package init(_ target: JanusTarget, rules: AddressRules) {
        self.target = target
        self.rules = rules
        voices = target.returnStream.map { _ in JanusVoices() }
    }

    /// What the server holds of us: its session, by number. Nil before it has one.
    package var resource: Redacted<String>? { session.map { Redacted(String($0)) } }

    /// The room, and what it wants.
    var room: JSONText { target.room.json }
    var pin: Redacted<String>? { target.pin }

    /// Whether anybody hears the others.
    package var hearsOthers: Bool { voices != nil }

    /// Lets the others' machine take something, where there is one.
    mutating func change(_ body: (inout JanusVoices) -> [JanusVoices.Effect]) {
        guard var changed = voices else { return }
        voiceEffects += body(&changed)
        voices = changed
    }

    mutating func takeVoiceEffects() -> [JanusVoices.Effect] {
        defer { voiceEffects = [] }
        return voiceEffects
    }

    // MARK: - Requests

    /// The first request; the complete offer goes with a later one.
    package mutating func join(_ offer: String) throws(ConferenceFault) -> OutgoingCall {
        self.offer = offer
        return try post("create", to: [])
    }

    /// Asks what there is to hear. The server keeps it for up to 30 s, and the session is alive for that time.
    package func poll() throws(ConferenceFault) -> OutgoingCall {
        var query = ["maxev=\(JanusMessage.most)"]
        if let token = target.token { query.append("token=\(token.revealed.percentEncoded)") }
        if let secret = target.apiSecret { query.append("apisecret=\(secret.revealed.percentEncoded)") }
        let url = try url(path, query: query)
        return OutgoingCall(method: "GET", url: url, replyBytes: Self.replyBytes)
    }

    /// Says that we are still there, for servers that end sessions sooner than polls do.
    package func keepAlive() throws(ConferenceFault) -> OutgoingCall { try post("keepalive", to: path) }

    /// Ends a session with all that it holds; nil when `resource` is none.
    package func end(_ resource: Redacted<String>) -> OutgoingCall? {
        guard let session = Int(resource.revealed), session > 0 else { return nil }
        return try? post("destroy", to: [session])
    }

    /// Where the session is.
    var path: [Int] { session.map { [$0] } ?? [] }

    /// A request to the server, a session or a handle.
    func post(_ kind: String, to path: [Int], _ members: [JSONText.Member] = []) throws(ConferenceFault) -> OutgoingCall {
        var body: [JSONText.Member] = [.init("janus", .string(kind)), .init("transaction", .string(kind))]
        if let token = target.token { body.append(.init("token", .string(token.revealed))) }
        if let secret = target.apiSecret { body.append(.init("apisecret", .string(secret.revealed))) }
        return OutgoingCall(
            method: "POST", url: try url(path), contentType: "application/json", body: Array(JSONText.object(body + members).text.utf8),
            replyBytes: Self.replyBytes)
    }

    /// Session and handle are parts of the path.
    private func url(_ path: [Int], query: [String] = []) throws(ConferenceFault) -> DeliveryURL {
        let base = target.url.text.revealed
        var text = path.reduce(base.hasSuffix("/") ? String(base.dropLast()) : base) { "\($0)/\($1)" }
        if !query.isEmpty { text += "?" + query.joined(separator: "&") }
        do throws(BridgeError) {
            return try DeliveryURL(parsing: Redacted(text), rules: rules)
        } catch {
            throw ConferenceFault(error, isPermanent: true)
        }
    }

    /// Asks for another ICE session with the publisher. The reply says only that it was taken: `takeRestart` has what polls bring.
    package mutating func restart(_ request: IceRestartRequest) throws(ConferenceFault) -> OutgoingCall {
        restart = (request, JanusDescription())
        return try message(.object([.init("request", .string("configure"))]), offer: request.offer)
    }

    private func message(_ body: JSONText, offer: String) throws(ConferenceFault) -> OutgoingCall {
        try post(
            "message", to: [session, handle].compactMap(\.self),
            [.init("body", body), .init("jsep", .object([.init("type", .string("offer")), .init("sdp", .string(offer))]))])
    }

    private func publish() throws(ConferenceFault) -> OutgoingCall {
        var body: [JSONText.Member] = [
            .init("request", .string("joinandconfigure")), .init("ptype", .string("publisher")), .init("room", target.room.json),
        ]
        if let display = target.display { body.append(.init("display", .string(display))) }
        if let pin = target.pin { body.append(.init("pin", .string(pin.revealed))) }
        if let token = target.token { body.append(.init("token", .string(token.revealed))) }
        return try message(.object(body), offer: offer)
    }

    // MARK: - Replies

    /// Takes the reply to what was asked last. Throws what ends the session, or kept it from coming about.
    package mutating func take(_ reply: OutgoingReply, now: MonotonicTime, wall: WallTime) throws(ConferenceFault) -> Step {
        let messages = try messages(in: reply, now: wall)
        switch state {
        case .creating:
            // What follows the base path is a session to the server, and there is none.
            if messages.first?.content == .failure(code: 458) { throw ConferenceFault(janus: 457) }
            session = try Self.made(messages)
            state = .attaching
            let plugin = JSONText.Member("plugin", .string("janus.plugin.videoroom"))
            return .ask(try post("attach", to: path, [plugin]))
        case .attaching:
            handle = try Self.made(messages)
            state = .publishing
            return .ask(try publish())
        case .publishing:
            for message in messages { if case .failure(let code) = message.content { throw ConferenceFault(janus: code) } }
            state = .waiting(JanusDescription())
        case .waiting, .published:
            for message in messages { try hear(message, now: now) }
        }
        if let answer = answer() { return .answered(answer) }
        return .ask(try poll())
    }

    private static func made(_ messages: [JanusMessage]) throws(ConferenceFault) -> Int {
        switch messages.first?.content {
        case .success(let id?): return id
        case .failure(let code): throw ConferenceFault(janus: code)
        default: throw ConferenceFault(JanusError.notMessages)
        }
    }

    private func messages(in reply: OutgoingReply, now: WallTime) throws(ConferenceFault) -> [JanusMessage] {
        guard reply.status == 200 else { throw ConferenceFault(janusReply: reply, isPoll: isPolling, now: now) }
        do throws(JanusError) {
            return try JanusMessage.read(reply.body)
        } catch {
            throw ConferenceFault(error)
        }
    }

    private var isPolling: Bool {
        switch state {
        case .waiting, .published: true
        case .creating, .attaching, .publishing: false
        }
    }

    private mutating func hear(_ message: JanusMessage, now: MonotonicTime) throws(ConferenceFault) {
        let isOurs = message.sender == nil || message.sender == handle
        switch message.content {
        case .failure(let code): throw ConferenceFault(janus: code)
        case .timeout: throw Self.lost("has ended the session")
        case .hangup where isOurs: throw Self.lost("has ended the transport")
        case .detached where isOurs: throw Self.lost("has put the publisher out")
        case .event(let event) where isOurs: try hear(event)
        case .candidate(let candidate) where isOurs: hear(candidate)
        case .event, .candidate, .hangup, .detached:
            if let handle = message.sender { change { $0.hear(message.content, of: handle, now: now) } }
        case .success, .acknowledged, .notice: break
        }
    }

    private mutating func hear(_ event: JanusEvent) throws(ConferenceFault) {
        if let code = event.errorCode { throw ConferenceFault(janus: code) }
        if event.isRoomClosed { throw Self.gone("The room was closed; join again when it is back.") }
        if event.isKicked { throw Self.gone("Somebody put the stream out of the room; join again if it shall be there.") }
        change { $0.hear(event) }
        guard let answer = event.answer else { return }
        if case .waiting(var description) = state, description.sdp == nil {
            description.sdp = answer
            state = .waiting(description)
        } else if restart?.description.sdp == nil {
            restart?.description.sdp = answer
        }
    }

    private mutating func hear(_ candidate: String?) {
        if case .waiting(var description) = state {
            description.add(candidate)
            state = .waiting(description)
        } else {
            restart?.description.add(candidate)
        }
    }

    /// The server's side of the ICE session that was asked for last: once, when it is whole. An answer that does not fit is none.
    package mutating func takeRestart() -> IceRestartAnswer? {
        guard let restart, let sdp = restart.description.complete else { return nil }
        self.restart = nil
        return (try? restart.request.read(answer: sdp)).flatMap { IceRestartAnswer($0) }
    }

    /// The answer, once it has its candidates.
    private mutating func answer() -> ConferenceAnswer? {
        guard case .waiting(let description) = state, let sdp = description.complete, let resource else { return nil }
        state = .published
        return ConferenceAnswer(sdp: sdp, resource: resource)
    }

    private static func lost(_ what: String) -> ConferenceFault {
        ConferenceFault(BridgeError(.connectionLost, "The Janus server \(what); a new session follows."))
    }

    private static func gone(_ what: String) -> ConferenceFault {
        ConferenceFault(BridgeError(.conferenceRefused, what), isPermanent: true)
    }
}
