internal import AsyncHTTPClient
package import Bridge
internal import BridgeModel
internal import NIOCore
internal import NIOHTTP1

/// Makes one attempt of a webhook.
package protocol WebhookSender: Sendable {
    /// Ends soon after the task is cancelled; the outcome then means nothing unless it is a success.
    func send(_ delivery: DeliveryRow) async -> WebhookAttempt
}

/// What an attempt was, for the decision and for the log.
package struct WebhookAttempt: Sendable, Equatable {
    package var outcome: AttemptOutcome
    /// Of the request, without its signature.
    package var requestHeaders: [AttemptRecord.Header]
    /// The beginning of the answer's body, at most `AttemptRecord.longestReply` bytes of it.
    package var reply: String
    /// From the look-up of the name to the end of what was read.
    package var duration: Duration

    /// By default without headers and reply, in no time.
    package init(
        outcome: AttemptOutcome, requestHeaders: [AttemptRecord.Header] = [], reply: String = "", duration: Duration = .zero
    ) {
        self.outcome = outcome
        self.requestHeaders = requestHeaders
        self.reply = reply
        self.duration = duration
    }
}

/// Posts webhooks (Eyeson contract, section 8; Standard Webhooks).
package struct HTTPWebhookSender: WebhookSender {
    private static let signatureHeader = "webhook-signature"

    private let client: EgressClient
    private let signer: WebhookSigner
    private let timeout: Duration
    private let clock: any OutboxClock

    /// `timeout`: from the look-up of the name to the status line.
    package init(client: EgressClient, signer: WebhookSigner, timeout: Duration, clock: any OutboxClock = SystemOutboxClock()) {
        self.client = client
        self.signer = signer
        self.timeout = timeout
        self.clock = clock
    }

    package func send(_ delivery: DeliveryRow) async -> WebhookAttempt {
        guard case .webhook(let url, let body) = delivery.work else { return WebhookAttempt(outcome: .failed(.impossible)) }
        let began = ContinuousClock.now
        let request = request(body, id: delivery.id)
        let result = await limited(to: timeout) { [client] () -> Result<EgressReply, AttemptFault> in
            switch client.parse(url) {
            case .success(let target): await client.send(request, to: target)
            case .failure(let fault): .failure(fault)
            }
        }
        var attempt = WebhookAttempt(outcome: .failed(.impossible), requestHeaders: Self.logged(request.headers))
        attempt.duration = ContinuousClock.now - began
        switch result {
        case .success(let reply): (attempt.outcome, attempt.reply) = (reply.outcome(now: clock.now), reply.excerpt)
        case .failure(let fault): attempt.outcome = .failed(fault)
        }
        return attempt
    }

    private func request(_ body: String, id: DeliveryID) -> EgressRequest {
        let timestamp = clock.now.seconds
        let headers: HTTPHeaders = [
            "content-type": "application/json",
            "user-agent": "Viaduct-Webhook/1",
            "webhook-id": id.rawValue,
            "webhook-timestamp": String(timestamp),
            Self.signatureHeader: signer.signature(id: id, timestamp: timestamp, body: body),
        ]
        return EgressRequest(method: .POST, headers: headers) { .bytes(ByteBuffer(string: body)) }
    }

    /// Who has a signature can send its message once more while receivers take its time for fresh.
    private static func logged(_ headers: HTTPHeaders) -> [AttemptRecord.Header] {
        headers.filter { $0.name != signatureHeader }.map { AttemptRecord.Header($0.name, $0.value) }
    }
}
