internal import AsyncHTTPClient
internal import Bridge
internal import BridgeModel
internal import NIOCore
internal import NIOHTTP1

/// Posts webhooks (Eyeson contract, section 8; Standard Webhooks).
struct WebhookPerformer: Sendable {
    let client: EgressClient
    let signer: WebhookSigner
    /// From the look-up of the name to the status line.
    let timeout: Duration
    let clock: any OutboxClock

    func post(_ body: String, to url: Redacted<String>, id: DeliveryID) async -> AttemptOutcome {
        let request = request(body, id: id)
        let result = await limited(to: timeout) { [client] () -> Result<EgressReply, AttemptFault> in
            switch client.parse(url) {
            case .success(let target): await client.send(request, to: target)
            case .failure(let fault): .failure(fault)
            }
        }
        switch result {
        case .success(let reply): return reply.outcome(now: clock.now)
        case .failure(let fault): return .failed(fault)
        }
    }

    private func request(_ body: String, id: DeliveryID) -> EgressRequest {
        let timestamp = clock.now.seconds
        let headers: HTTPHeaders = [
            "content-type": "application/json",
            "user-agent": "Viaduct-Webhook/1",
            "webhook-id": id.rawValue,
            "webhook-timestamp": String(timestamp),
            "webhook-signature": signer.signature(id: id, timestamp: timestamp, body: body),
        ]
        return EgressRequest(method: .POST, headers: headers) { .bytes(ByteBuffer(string: body)) }
    }
}
