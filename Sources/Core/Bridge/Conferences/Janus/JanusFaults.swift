import BridgeModel

/// What Janus's refusals mean for the next attempt.
extension ConferenceFault {
    /// A code of Janus's core (apierror.h) or of its VideoRoom plug-in. Codes without a line here pass by themselves, as far as anybody knows.
    init(janus code: Int) {
        switch code {
        case 458, 459, 471:
            self.init(BridgeError(.connectionLost, "The Janus server has no such session any more (\(code)); a new one follows."))
        case 432:
            self.init(BridgeError(.conferenceUnavailable, "The room has as many publishers as it takes (432); it is tried again."))
        default:
            guard let advice = Self.advice(janus: code) else {
                let text = "The Janus server does not take the stream now (\(code)); it is tried again."
                self.init(BridgeError(.conferenceUnavailable, text))
                return
            }
            self.init(BridgeError(.conferenceRefused, "The Janus server refused the stream (\(code)): \(advice)."), isPermanent: true)
        }
    }

    /// For what does not get better by itself.
    private static func advice(janus code: Int) -> String? {
        switch code {
        case 403, 405: "check `api_secret` and `token`, then join again"
        case 426: "it has no such room; check `room`, then join again"
        case 429: "the room wants something that is missing, a `pin` for instance; join again with it"
        case 430: "`room` or `pin` is of another form than it wants; rooms have numbers, or names where the server says so"
        case 433: "check `pin` and `token`, then join again"
        case 423, 431, 436, 437, 465: "ask whoever runs it, then join again"
        case 457: "its REST transport has another base path; check the URL"
        case 460: "it has no VideoRoom plug-in; check the URL"
        default: nil
        }
    }

    /// What is no message of a Janus server.
    init(_ error: JanusError) {
        let what =
            switch error {
            case .notJSON: "is no JSON"
            case .notMessages: "is not of the form that was asked for"
            case .nameless: "does not say what it is"
            case .missing(let kind, let member): "of the kind `\(kind)` has no usable `\(member)`"
            }
        self.init(
            BridgeError(.conferenceAnswerInvalid, "The Janus server's reply \(what); check that the URL is that of its REST transport."))
    }

    /// A reply of another status than 200, which is that of all that Janus has an answer to.
    init(janusReply reply: OutgoingReply, isPoll: Bool, now: WallTime) {
        switch reply.status {
        // Janus's transport answers a poll of a session that it has not with this and no more.
        case 404 where isPoll: self.init(janus: 458)
        case 401, 403: self.init(janus: 403)
        case 404, 405, 410:
            let text = "The server has no Janus at this URL (\(reply.status)): check the path, then join again."
            self.init(BridgeError(.conferenceRefused, text), isPermanent: true)
        default:
            let text = "The Janus server does not answer as one (\(reply.status)); it is tried again."
            self.init(
                BridgeError(.conferenceUnavailable, text), retryAfter: reply.retryAfter.flatMap { RetryAfter.parse($0, now: now) })
        }
    }
}
