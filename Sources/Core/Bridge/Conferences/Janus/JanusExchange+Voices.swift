package import BridgeModel

/// The others in the room. What is asked for them goes its own way, beside the polls: one request after the other, each reply to `take`.
extension JanusExchange {
    /// What follows what was heard.
    package enum VoiceStep: Sendable, Equatable {
        /// To be asked; the reply is this voice's, or nobody's.
        case ask(OutgoingCall, of: VoiceNumber?)
        case offered(VoiceNumber, sdp: String)
        case ended(VoiceNumber)
    }

    /// What has come together since it was asked last, in order.
    package mutating func takeVoiceSteps() throws(ConferenceFault) -> [VoiceStep] {
        var steps: [VoiceStep] = []
        for effect in takeVoiceEffects() {
            switch effect {
            case .ask(let request): steps.append(.ask(try call(for: request), of: request.voice))
            case .offered(let number, let sdp): steps.append(.offered(number, sdp: sdp))
            case .ended(let number): steps.append(.ended(number))
            }
        }
        return steps
    }

    /// Takes the reply to what was asked for a voice; nil when none came.
    package mutating func take(_ reply: OutgoingReply?, of number: VoiceNumber, now: MonotonicTime) {
        guard let reply, reply.status == 200, let message = try? JanusMessage.read(reply.body).first else {
            return change { $0.lost(number, now: now) }
        }
        switch message.content {
        case .success(let handle?): change { $0.attached(number, handle: handle) }
        case .success, .acknowledged: change { $0.taken(number, now: now) }
        default: change { $0.lost(number, now: now) }
        }
    }

    /// When `expireVoices` is to be called.
    package var voicesDeadline: MonotonicTime? { voices?.deadline }

    /// `voicesDeadline` has come.
    package mutating func expireVoices(now: MonotonicTime) { change { $0.expire(now: now) } }

    /// Our answer to a voice's offer.
    package mutating func answered(_ number: VoiceNumber, sdp: String) { change { $0.answered(number, sdp: sdp) } }

    /// A voice is heard.
    package mutating func connected(_ number: VoiceNumber) {
        change { voices in
            voices.connected(number)
            return []
        }
    }

    /// A voice's transport is over.
    package mutating func lost(_ number: VoiceNumber, now: MonotonicTime) { change { $0.lost(number, now: now) } }

    /// Nothing is left of all voices here.
    package mutating func restartVoices() { change { $0.restart() } }

    private func call(for request: JanusVoices.Request) throws(ConferenceFault) -> OutgoingCall {
        switch request {
        case .attach: try post("attach", to: path, [.init("plugin", .string("janus.plugin.videoroom"))])
        case .detach(let handle): try post("detach", to: path + [handle])
        case .start(_, let handle, let sdp):
            try post(
                "message", to: path + [handle],
                [
                    .init("body", .object([.init("request", .string("start"))])),
                    .init("jsep", .object([.init("type", .string("answer")), .init("sdp", .string(sdp))])),
                ])
        case .join(_, let handle, let feed, let mid, let privateID):
            try post("message", to: path + [handle], [.init("body", .object(subscription(feed, mid, privateID)))])
        }
    }

    /// The multistream form (VideoRoom 1.0 and later). A subscriber of one section needs no offers about others.
    private func subscription(_ feed: JanusFeed, _ mid: String, _ privateID: Int?) -> [JSONText.Member] {
        var body: [JSONText.Member] = [
            .init("request", .string("join")), .init("ptype", .string("subscriber")), .init("room", room),
            .init("autoupdate", .bool(false)),
            .init("streams", .array([.object([.init("feed", feed.json), .init("mid", .string(mid))])])),
        ]
        if let privateID { body.append(.init("private_id", .integer(Int64(privateID)))) }
        if let pin { body.append(.init("pin", .string(pin.revealed))) }
        return body
    }
}

extension JanusVoices.Request {
    /// Whose reply it is.
    fileprivate var voice: VoiceNumber? {
        switch self {
        case .attach(let number), .join(let number, _, _, _, _), .start(let number, _, _): number
        case .detach: nil
        }
    }
}

extension JanusFeed {
    /// As the server spells it.
    fileprivate var json: JSONText {
        switch self {
        case .number(let number): .integer(Int64(number))
        case .name(let name): .string(name)
        }
    }
}
