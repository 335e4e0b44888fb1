package import BridgeModel

/// What an event causes, as rows for the transaction of the fact: the event in the log, its webhook for the bridge's own receiver, and the
/// webhooks that a dialect promises. Pure.
package struct EventReporter: Sendable {
    private let translators: [any EventTranslator]
    private let receiver: Redacted<String>?

    /// `receiver`: the URL that is told of every event (`webhooks.url`); nil or empty tells nobody, and the log has them all the same.
    package init(translators: [any EventTranslator], receiver: Redacted<String>? = nil) {
        self.translators = translators
        self.receiver = receiver.flatMap { $0.revealed.isEmpty ? nil : $0 }
    }

    /// The rows of an event that happens at `now`.
    package func changes(
        for event: BridgeEvent, at now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> [LedgerChange] {
        let draft = event.draft(id: .make(at: now, using: &generator), at: now)
        let webhooks = translators.flatMap { $0.webhooks(for: event, at: now) }.map { message in
            LedgerChange.delivery(message.delivery(id: .webhook(at: now, using: &generator), at: now))
        }
        return [.event(draft, receiver: receiver)] + webhooks
    }

    /// The end of what an earlier run of the bridge left open; nil when this version does not know its kind.
    package func change(
        ending fact: OpenFact, at now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> LedgerChange? {
        fact.end(.bridgeRestarted, id: .make(at: now, using: &generator), at: now).map { .event($0, receiver: receiver) }
    }
}
