package import BridgeModel

/// The webhooks of the outbox as their sender sees them. Implemented by StoragePlane.
package protocol WebhookQueue: Sendable {
    /// Pending webhooks with `dueAt <= now`, oldest first, at most `limit`. Of a session's events a receiver gets the first only: the next is not
    /// due before it has ended.
    func dueWebhooks(at now: WallTime, limit: Int, excluding: WebhookExclusions) async throws(BridgeError) -> [DeliveryRow]
    /// When the next one is due; nil when none is pending.
    func nextWebhookDue(excluding: WebhookExclusions) async throws(BridgeError) -> WallTime?
    /// Gives pending webhooks of these terms that lie further ahead of `now` than they can the longest wait that they may have.
    func bringForward(_ terms: DeliveryTerms, within longest: LongestWaits, of now: WallTime) async throws(BridgeError)
    /// Writes the outcome of an attempt and its line of the log, and makes the session's next event due where this one has ended: one
    /// transaction, durable when this returns.
    func settle(_ delivery: DeliveryRow, _ attempt: AttemptRecord) async throws(BridgeError)
    /// How many there are.
    func webhookFigures() async throws(BridgeError) -> WebhookFigures
}

/// What the queue need not hand out now.
package struct WebhookExclusions: Sendable, Equatable {
    /// Under way, or waiting for a place.
    package var webhooks: Set<DeliveryID>
    /// Left alone.
    package var receivers: Set<ReceiverID>
    /// Enough waits for them already.
    package var hosts: Set<ReceiverHostID>

    /// By default nothing.
    package init(webhooks: Set<DeliveryID> = [], receivers: Set<ReceiverID> = [], hosts: Set<ReceiverHostID> = []) {
        self.webhooks = webhooks
        self.receivers = receivers
        self.hosts = hosts
    }
}

/// How many webhooks wait, and how many were given up.
package struct WebhookFigures: Sendable, Equatable {
    /// Neither delivered nor given up.
    package var pending: Int
    /// Given up, and still there for the operator to send again.
    package var dead: Int

    package init(pending: Int = 0, dead: Int = 0) {
        self.pending = pending
        self.dead = dead
    }
}

/// One line of the delivery log: what was asked, what was answered, and how long it took. Holds no secret: of the request its headers without
/// the signature, of the URL nothing.
package struct AttemptRecord: Sendable, Equatable {
    /// From 1 on; a webhook that is sent again goes on counting.
    package var number: Int
    package var beganAt: WallTime
    package var duration: Duration
    /// HTTP status; 0 without a reply.
    package var status: Int
    /// One sentence; nil after success.
    package var error: String?
    /// Name and value, in the order in which they were sent.
    package var requestHeaders: [Header]
    /// The first bytes of the answer's body, `longestReply` at most; what is not UTF-8 was replaced.
    package var reply: String

    /// Bytes of an answer that are kept.
    package static let longestReply = 1024

    package init(
        number: Int, beganAt: WallTime, duration: Duration, status: Int, error: String?, requestHeaders: [Header] = [], reply: String = ""
    ) {
        self.number = number
        self.beganAt = beganAt
        self.duration = duration
        self.status = status
        self.error = error
        self.requestHeaders = requestHeaders
        self.reply = reply
    }

    /// A header field.
    package struct Header: Sendable, Equatable, Codable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }
}
