import Bridge
import BridgeModel
import SDP

/// The replies of somebody else's Janus server: a byte that chooses how far it had come and the status, then what it says.
func fuzzJanus(_ bytes: UnsafeRawBufferPointer) {
    guard let url = try? DeliveryURL(parsing: Redacted("https://a.example/janus"), rules: AddressRules()), let first = bytes.first
    else { return }
    let body = Array(bytes.dropFirst())
    if let messages = try? JanusMessage.read(body) { precondition(messages.count <= JanusMessage.most) }
    var exchange = JanusExchange(JanusTarget(url: url, room: .number(7)), rules: AddressRules())
    guard (try? exchange.join("v=0\r\n")) != nil else { return }
    let way = [#"{"janus":"success","data":{"id":1}}"#, #"{"janus":"success","data":{"id":2}}"#, #"{"janus":"ack"}"#]
    let now = WallTime(milliseconds: 0)
    for text in way.prefix(Int(first & 3)) { _ = try? exchange.take(OutgoingReply(status: 200, body: Array(text.utf8)), now: now) }
    let statuses = [200, 200, 404, 503]
    // One poll after the other, a line each.
    for line in body.split(separator: UInt8(ascii: "\n")) {
        let reply = OutgoingReply(status: statuses[Int(first >> 6)], body: Array(line))
        guard let step = try? exchange.take(reply, now: now) else { return }
        switch step {
        case .ask(let call): precondition(call.url.origin == url.origin)
        case .answered(let answer):
            precondition(exchange.end(answer.resource) != nil)
            _ = try? SessionDescription.parse(answer.sdp)
        }
    }
}
