package import BridgeModel
package import SDP

/// What a publishing camera says to a bridge of ours, and what the replies mean: the native API's session (`POST /bridge/v1/sessions`), then RTM
/// frames (`signaling/asyncapi.yaml`). Pure: of one session.
package struct RTMExchange: Sendable {
    /// A frame's meaning for the session.
    package enum Word: Sendable, Equatable {
        /// To the newest offer.
        case answer(sdp: String)
        /// There is no other ICE session: the former one goes on.
        case restartRefused
        /// The session is over, or never was.
        case over(ConferenceFault)
    }

    private static let replyBytes = 64 * 1024
    /// How long a camera stays away that another one has taken the place of.
    private static let replacedPause = Duration.seconds(30)

    private let origin: DeliveryURL
    private let stream: StreamID
    private let token: Redacted<String>?
    private var client = ""
    /// Of the session; nil before `take`.
    package private(set) var session: String?

    /// `origin`: of the bridge.
    package init(origin: DeliveryURL, stream: StreamID, token: Redacted<String>?) {
        self.origin = origin
        self.stream = stream
        self.token = token
    }

    /// The request that makes a session.
    package func request() throws(ConferenceFault) -> OutgoingCall {
        let body: JSONValue = ["stream": .string(stream.rawValue), "direction": "publish"]
        do throws(BridgeError) {
            let url = try origin.redirected(to: Redacted("/bridge/v1/sessions"), rules: CameraTarget.rules(host: origin.host))
            return OutgoingCall(
                method: "POST", url: url, token: token, contentType: "application/json", body: Array(body.text.utf8),
                replyBytes: Self.replyBytes)
        } catch {
            throw ConferenceFault(error, isPermanent: true)
        }
    }

    /// Takes the reply; returns the URL of the session's socket, which holds the token, and the ICE servers.
    package mutating func take(
        _ reply: OutgoingReply, now: WallTime
    ) throws(ConferenceFault) -> (socket: Redacted<String>, iceServers: [IceServer]) {
        let body = try? JSONValue.read(reply.body)
        guard (200...299).contains(reply.status) else { throw refusal(reply, body, now: now) }
        guard let session = body?["session_id"]?.string, let endpoint = body?["ws_endpoint"]?.string else {
            throw ConferenceFault(
                BridgeError(.conferenceAnswerInvalid, "\(origin.origin) answered without a session; check that it is a Viaduct bridge."))
        }
        self.session = session
        client = body?["client_id"]?.string ?? ""
        let query = token.map { (endpoint.contains("?") ? "&" : "?") + "auth_token=" + PercentEncoding.encode($0.revealed) } ?? ""
        return (Redacted(endpoint + query), Self.iceServers(body?["ice_credentials"]?["iceServers"]))
    }

    private static let passing: Set<Int> = [408, 409, 423, 425, 429]

    private func refusal(_ reply: OutgoingReply, _ body: JSONValue?, now: WallTime) -> ConferenceFault {
        let said = body?["detail"]?.string.map { " (\(Self.line($0)))" } ?? ""
        let wish = reply.retryAfter.flatMap { RetryAfter.parse($0, now: now) }
        let place = "The bridge at \(origin.origin)"
        switch reply.status {
        case 401, 403:
            let advice = "put a token that may publish \"\(stream.rawValue)\" into the token file (viaduct token --allow publish)."
            let text = "\(place) refused the camera's token with \(reply.status)\(said); \(advice)"
            return ConferenceFault(BridgeError(.forbidden, text), isPermanent: true)
        case 400...499 where !Self.passing.contains(reply.status):
            let text = "\(place) refused the camera with \(reply.status)\(said); check --to and --name."
            return ConferenceFault(BridgeError(.conferenceRefused, text), isPermanent: true)
        default:
            let text = "\(place) does not take the camera now (\(reply.status))\(said); it is tried again."
            return ConferenceFault(BridgeError(.conferenceUnavailable, text), retryAfter: wish)
        }
    }

    /// The frame that begins the session, with a complete offer.
    package func start(_ offer: String) -> String {
        frame("session_start", ["sdp": ["type": "offer", "sdp": .string(offer)], "version": "3"])
    }

    /// The frame that asks for another ICE session. It goes over a new socket, which takes the session over: the former one may be dead.
    package func restart(_ request: IceRestartRequest) -> String {
        frame("sdp_update", ["sdp": ["type": "offer", "sdp": .string(request.offer)]])
    }

    /// The frame that ends it.
    package var stop: String { frame("session_stop", [:]) }

    private func frame(_ type: String, _ data: JSONValue) -> String {
        let frame: JSONValue = [
            "type": .string(type), "client_id": .string(client), "session_id": .string(session ?? ""), "data": data,
        ]
        return frame.text
    }

    /// What a frame of the bridge means; nil for those that change nothing, and for what is no frame.
    package func word(of text: String) -> Word? {
        guard let frame = try? JSONValue.read(text.utf8), let type = frame["type"]?.string else { return nil }
        let data = frame["data"] ?? .null
        switch type {
        case "sdp_update":
            guard data["sdp"]?["type"]?.string == "answer", let sdp = data["sdp"]?["sdp"]?.string else { return nil }
            return .answer(sdp: sdp)
        case "session_terminated": return .over(Self.ended(by: data["termination_cause"]?.string ?? ""))
        case "error" where data["in_reply_to"]?.string == "session_start": return .over(Self.refused(data))
        case "error" where data["in_reply_to"]?.string == "sdp_update": return .restartRefused
        default: return nil
        }
    }

    private static func ended(by cause: String) -> ConferenceFault {
        guard TerminationCause(rawValue: cause) != .replaced else {
            let text = "Another camera publishes with this name and token; stop one of the two, or give it a name of its own."
            return ConferenceFault(BridgeError(.connectionLost, text), retryAfter: replacedPause)
        }
        return ConferenceFault(BridgeError(.connectionLost, "The bridge ended the session (\(Self.line(cause))); a new one follows."))
    }

    private static let final: Set<String> = ["unacceptable_offer", "forbidden", "wrong_role"]

    private static func refused(_ data: JSONValue) -> ConferenceFault {
        let code = data["code"]?.string ?? ""
        let text = "The bridge refused the camera's offer (\(Self.line(code))): \(Self.line(data["msg"]?.string ?? "no reason given"))"
        return ConferenceFault(BridgeError(.conferenceRefused, text), isPermanent: final.contains(code))
    }

    /// Of what a server says, for one line.
    private static func line(_ text: String) -> String {
        String(text.unicodeScalars.prefix(200).map { String($0).isOneLine ? Character($0) : " " })
    }

    private static func iceServers(_ list: JSONValue?) -> [IceServer] {
        guard case .array(let entries)? = list else { return [] }
        return entries.prefix(LinkField.mostServers).flatMap { entry -> [IceServer] in
            guard case .array(let urls)? = entry["urls"] else { return [] }
            let (user, password) = (entry["username"]?.string ?? "", Redacted(entry["credential"]?.string ?? ""))
            // One URL each: who takes them up looks at the first.
            return urls.compactMap(\.string).map { IceServer(urls: [$0], username: user, credential: password) }
        }
    }
}
