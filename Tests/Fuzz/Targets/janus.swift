import Bridge
import BridgeModel
import SDP

/// The replies of somebody else's Janus server: a byte that chooses how far it had come and the status, then what it says. What it says is read as an
/// order for a conference, too.
func fuzzJanus(_ bytes: UnsafeRawBufferPointer) {
    guard let url = try? DeliveryURL(parsing: Redacted("https://a.example/janus"), rules: AddressRules()), let first = bytes.first
    else { return }
    let body = Array(bytes.dropFirst())
    if let messages = try? JanusMessage.read(body) { precondition(messages.count <= JanusMessage.most) }
    if let order = try? JSONValue.read(body) {
        for kind in [ConferenceTarget.Kind.whip, .janusVideoRoom, .srt] {
            guard let target = try? ConferenceTarget(kind, reading: order, rules: AddressRules()) else { continue }
            // A restart of the bridge reads what was sealed.
            let sealed = try? JSONValue.read(Array(target.order.revealed.utf8))
            precondition(sealed.flatMap { try? ConferenceTarget(kind, reading: $0, rules: AddressRules()) } == target)
        }
    }
    var target = JanusTarget(url: url, room: .number(7))
    target.returnStream = StreamID("ears")
    var exchange = JanusExchange(target, rules: AddressRules())
    guard (try? exchange.join("v=0\r\n")) != nil else { return }
    let way = [#"{"janus":"success","data":{"id":1}}"#, #"{"janus":"success","data":{"id":2}}"#, #"{"janus":"ack"}"#]
    let (now, moment) = (WallTime(milliseconds: 0), MonotonicTime(nanoseconds: 0))
    for text in way.prefix(Int(first & 3)) {
        _ = try? exchange.take(OutgoingReply(status: 200, body: Array(text.utf8)), now: moment, wall: now)
    }
    let statuses = [200, 200, 404, 503]
    // One poll after the other, a line each.
    for line in body.split(separator: UInt8(ascii: "\n")) {
        let reply = OutgoingReply(status: statuses[Int(first >> 6)], body: Array(line))
        guard let step = try? exchange.take(reply, now: moment, wall: now) else { return }
        hear(&exchange, origin: url.origin, line)
        restart(&exchange, line, at: moment)
        switch step {
        case .ask(let call): precondition(call.url.origin == url.origin)
        case .answered(let answer):
            precondition(exchange.end(answer.resource) != nil)
            _ = try? SessionDescription.parse(answer.sdp)
        }
    }
}

/// Another ICE session is asked for, to which the same bytes are the reply.
private func restart(_ exchange: inout JanusExchange, _ line: ArraySlice<UInt8>, at moment: MonotonicTime) {
    var random = SystemRandomNumberGenerator()
    guard let request = IceRestartRequest(of: sampleOffer, using: &random) else { preconditionFailure("the offer is none") }
    var asked = exchange
    guard (try? asked.restart(request)) != nil else { return }
    _ = try? asked.take(OutgoingReply(status: 200, body: Array(line)), now: moment, wall: WallTime(milliseconds: 0))
    if let answer = asked.takeRestart() { precondition(!answer.credentials.ufrag.isEmpty) }
    precondition(asked.takeRestart() == nil)
}

/// Whoever is offered is answered, and what is asked for them gets the same bytes as its reply, or none.
private func hear(_ exchange: inout JanusExchange, origin: String, _ line: ArraySlice<UInt8>) {
    guard let steps = try? exchange.takeVoiceSteps() else { return }
    for step in steps {
        switch step {
        case .ask(let call, let number):
            precondition(call.url.origin == origin)
            guard let number else { continue }
            exchange.take(
                number % 3 == 0 ? nil : OutgoingReply(status: 200, body: Array(line)), of: number, now: MonotonicTime(nanoseconds: 0))
        case .offered(let number, let sdp):
            precondition(!sdp.isEmpty)
            _ = try? OfferGate.acceptPublish(sdp, policy: GatePolicy(videoSections: 0))
            if number % 2 == 0 { exchange.answered(number, sdp: sdp) } else { exchange.lost(number, now: MonotonicTime(nanoseconds: 0)) }
        case .ended: continue
        }
    }
    if let deadline = exchange.voicesDeadline { exchange.expireVoices(now: deadline) }
}
