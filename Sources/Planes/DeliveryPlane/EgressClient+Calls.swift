internal import AsyncHTTPClient
package import Bridge
internal import BridgeModel
internal import NIOHTTP1

extension EgressClient: OutgoingCalls {
    /// See `OutgoingCalls.call`.
    package func call(_ call: OutgoingCall, within limit: Duration) async -> Result<OutgoingReply, AttemptFault> {
        var headers = HTTPHeaders()
        if let token = call.token { headers.add(name: "authorization", value: "Bearer \(token.revealed)") }
        if let type = call.contentType { headers.add(name: "content-type", value: type) }
        if let ifMatch = call.ifMatch { headers.add(name: "if-match", value: ifMatch) }
        let body = call.contentType.map { _ in call.body }
        var request = EgressRequest(method: HTTPMethod(rawValue: call.method), headers: headers) { body.map { .bytes($0) } }
        request.replyBytes = call.replyBytes
        return await limited(to: limit) { [request] in
            await send(request, to: call.url).map { reply in
                OutgoingReply(
                    status: reply.status, location: reply.location, links: reply.links, contentType: reply.contentType,
                    retryAfter: reply.retryAfter, body: reply.body)
            }
        }
    }
}
