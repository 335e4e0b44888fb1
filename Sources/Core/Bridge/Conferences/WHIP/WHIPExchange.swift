package import BridgeModel
package import SDP

/// What is said to a WHIP endpoint, and what its replies mean (RFC 9725). Pure: one request at a time, one reply to each.
package struct WHIPExchange: Sendable {
    /// What follows a reply to the offer.
    package enum Step: Sendable, Equatable {
        /// The same offer goes to another place.
        case ask(OutgoingCall)
        case answered(ConferenceAnswer)
    }

    /// SDP of a server; the parser takes less.
    private static let answerBytes = 256 * 1024
    /// What is read of other replies.
    private static let otherBytes = 16 * 1024
    private static let mostRedirects = 3
    private static let mediaType = "application/sdp"
    private static let fragmentType = "application/trickle-ice-sdpfrag"

    private let target: WHIPTarget
    private let rules: AddressRules
    private var redirects = 0
    private var place: DeliveryURL

    package init(_ target: WHIPTarget, rules: AddressRules) {
        self.target = target
        self.rules = rules
        place = target.url
    }

    /// Asks for ICE servers before the offer is made (section 4.6).
    package func question() -> OutgoingCall {
        OutgoingCall(method: "OPTIONS", url: target.url, token: target.token, replyBytes: Self.otherBytes)
    }

    /// Those that a reply names; what else it says does not matter.
    package func iceServers(in reply: OutgoingReply) -> [IceServer] {
        guard (200...299).contains(reply.status) else { return [] }
        return Array(reply.links.flatMap { LinkField.iceServers($0.revealed) }.prefix(LinkField.mostServers))
    }

    /// The first request, with a complete offer (section 4.2).
    package func offer(_ sdp: String) -> OutgoingCall {
        OutgoingCall(
            method: "POST", url: place, token: token(at: place), contentType: Self.mediaType, body: Array(sdp.utf8),
            replyBytes: Self.answerBytes)
    }

    /// Takes the reply to an offer. Throws what ends the attempt; `resource` finds the session that an unusable reply left behind.
    package mutating func take(_ reply: OutgoingReply, to offer: OutgoingCall, now: WallTime) throws(ConferenceFault) -> Step {
        switch reply.status {
        case 201: return .answered(try answer(in: reply))
        case 307, 308: return .ask(try redirected(by: reply, offer))
        default: throw Self.refusal(reply, now: now)
        }
    }

    /// The request that begins another ICE session (section 4.3.3); nil as of `end`.
    package func restart(_ resource: Redacted<String>, _ request: IceRestartRequest) -> OutgoingCall? {
        guard let url = try? DeliveryURL(parsing: resource, rules: rules) else { return nil }
        var call = OutgoingCall(
            method: "PATCH", url: url, token: token(at: url), contentType: Self.fragmentType, body: Array(request.fragment.print().utf8),
            replyBytes: Self.answerBytes)
        call.ifMatch = "*"
        return call
    }

    /// The far end's side of it; nil where it did not agree, or what it says is no fragment.
    package func restarted(by reply: OutgoingReply) -> IceRestartAnswer? {
        guard reply.status == 200, let text = String(validating: reply.body, as: UTF8.self) else { return nil }
        return (try? TrickleFragment.parse(text)).flatMap { IceRestartAnswer($0) }
    }

    /// The request that ends a session (section 4.5); nil when the resource is of no allowed shape any more.
    package func end(_ resource: Redacted<String>) -> OutgoingCall? {
        guard let url = try? DeliveryURL(parsing: resource, rules: rules) else { return nil }
        return OutgoingCall(method: "DELETE", url: url, token: token(at: url), replyBytes: Self.otherBytes)
    }

    /// Where a reply's session lies, whatever else the reply is worth; nil when it made none that could be ended.
    package func resource(in reply: OutgoingReply) -> Redacted<String>? {
        guard reply.status == 201, let location = reply.location else { return nil }
        return (try? resolved(location))?.text
    }

    /// The token is for the place that it was given for, and for no other server.
    private func token(at url: DeliveryURL) -> Redacted<String>? { url.origin == target.url.origin ? target.token : nil }

    private func answer(in reply: OutgoingReply) throws(ConferenceFault) -> ConferenceAnswer {
        guard let location = reply.location else {
            throw Self.invalid("has no Location, so that its session could not be ended")
        }
        guard let resource = try? resolved(location) else { throw Self.invalid("has a Location that is not allowed") }
        let type = reply.contentType?.prefix { $0 != ";" }.lowercased()
        guard type?.split(separator: " ").first == Self.mediaType[...] else { throw Self.invalid("is no \(Self.mediaType)") }
        guard let sdp = String(validating: reply.body, as: UTF8.self), sdp.hasPrefix("v=0") else { throw Self.invalid("holds no SDP") }
        return ConferenceAnswer(sdp: sdp, resource: resource.text, iceServers: iceServers(in: reply))
    }

    private mutating func redirected(by reply: OutgoingReply, _ offer: OutgoingCall) throws(ConferenceFault) -> OutgoingCall {
        redirects += 1
        guard redirects <= Self.mostRedirects else { throw Self.invalid("sends the offer on and on") }
        guard let location = reply.location else { throw Self.invalid("sends the offer elsewhere without saying where") }
        guard let next = try? resolved(location) else { throw Self.invalid("sends the offer to a place that is not allowed") }
        // What was asked for under TLS does not go on in the clear.
        guard next.scheme == .https || place.scheme == .http else { throw Self.invalid("sends the offer to a place without TLS") }
        place = next
        var call = offer
        (call.url, call.token) = (next, token(at: next))
        return call
    }

    private func resolved(_ location: Redacted<String>) throws(BridgeError) -> DeliveryURL {
        try place.redirected(to: location, rules: rules)
    }

    private static func invalid(_ what: String) -> ConferenceFault {
        ConferenceFault(
            BridgeError(.conferenceAnswerInvalid, "The WHIP endpoint's reply \(what); ask whoever runs it whether it keeps RFC 9725."))
    }

    /// Replies that a later attempt may not get.
    private static let passing: Set<Int> = [408, 409, 423, 425, 429]

    private static func refusal(_ reply: OutgoingReply, now: WallTime) -> ConferenceFault {
        let wish = reply.retryAfter.flatMap { RetryAfter.parse($0, now: now) }
        guard (400...499).contains(reply.status), !passing.contains(reply.status) else {
            let text = "The WHIP endpoint does not take the stream now (\(reply.status)); it is tried again."
            return ConferenceFault(BridgeError(.conferenceUnavailable, text), retryAfter: wish, status: reply.status)
        }
        let advice =
            switch reply.status {
            case 401, 403: "check the token, then join again"
            case 404, 405, 410: "check the URL, then join again"
            case 406, 415, 422: "it may not take the stream's codecs"
            default: "ask whoever runs it, then join again"
            }
        return ConferenceFault(
            BridgeError(.conferenceRefused, "The WHIP endpoint refused the stream (\(reply.status)): \(advice)."), isPermanent: true,
            status: reply.status)
    }
}

extension ConferenceFault {
    /// What kept a request from being answered. `place`: who was asked, as the beginning of a sentence.
    package init(_ fault: AttemptFault, place: String = "The conference") {
        switch fault {
        case .blockedAddress, .refusedURL:
            let text = "\(place) is not where this bridge may connect to: \(fault.description)."
            self.init(BridgeError(.invalidURL, text), isPermanent: true)
        case .invalidReply:
            self.init(BridgeError(.conferenceAnswerInvalid, "\(place) replied no HTTP, or too much of it; check its URL."))
        default:
            self.init(BridgeError(.conferenceUnavailable, "\(place) cannot be reached, \(fault.description); it is tried again."))
        }
    }
}
