import Bridge
import BridgeModel
import SDP

/// The reply of somebody else's WHIP endpoint: a byte that chooses the status, then lines with Location, Link, content type and body.
func fuzzWHIPReply(_ bytes: UnsafeRawBufferPointer) {
    guard let url = try? DeliveryURL(parsing: Redacted("https://a.example/w"), rules: AddressRules()), let first = bytes.first
    else { return }
    let parts = bytes.dropFirst().split(separator: UInt8(ascii: "\n"), maxSplits: 3, omittingEmptySubsequences: false)
    let texts = parts.map { String(decoding: $0, as: UTF8.self) }
    let text = { (place: Int) in texts.indices.contains(place) ? texts[place] : nil }
    let statuses = [201, 307, 308, 401, 503]
    let reply = OutgoingReply(
        status: statuses[Int(first) % statuses.count], location: text(0).map { Redacted($0) },
        links: text(1).map { [Redacted($0)] } ?? [],
        contentType: text(2), retryAfter: text(1), body: parts.count > 3 ? Array(parts[3]) : [])
    var exchange = WHIPExchange(WHIPTarget(url: url, token: Redacted("t")), rules: AddressRules())
    precondition(exchange.iceServers(in: reply).count <= LinkField.mostServers)
    if let answer = exchange.restarted(by: OutgoingReply(status: 200, body: reply.body)) {
        precondition(!answer.credentials.ufrag.isEmpty)
    }
    let offer = exchange.offer("v=0\r\n")
    guard let step = try? exchange.take(reply, to: offer, now: WallTime(milliseconds: 0)) else { return }
    switch step {
    case .ask(let call): precondition(call.url.scheme == .https && (call.token == nil || call.url.origin == url.origin))
    case .answered(let answer):
        let end = exchange.end(answer.resource)
        precondition(end != nil && (end?.token == nil || end?.url.origin == url.origin))
        var ice = IceSettings()
        ice.add(answer.iceServers, rules: AddressRules())
        precondition(ice.turnServers.count <= LinkField.mostServers)
        _ = try? SessionDescription.parse(answer.sdp)
    }
}
