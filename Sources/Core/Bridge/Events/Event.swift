package import BridgeModel

/// Whom an event is about; what does not apply is nil.
package struct EventParty: Sendable, Equatable {
    package var account: AccountID?
    package var session: SessionID?
    package var client: ClientID?
    package var stream: StreamID?

    /// By default the bridge itself.
    package init(account: AccountID? = nil, session: SessionID? = nil, client: ClientID? = nil, stream: StreamID? = nil) {
        self.account = account
        self.session = session
        self.client = client
        self.stream = stream
    }

    /// All that a session knows of itself.
    package init(_ context: SessionContext) {
        self.init(account: context.account, session: context.session, client: context.client, stream: context.stream)
    }
}

/// An event before the ledger gives it its place in the order. Committed twice, it is one event.
package struct EventDraft: Sendable, Equatable {
    package var id: EventID
    package var kind: EventKind
    package var party: EventParty
    /// The member `data`: an object.
    package var facts: JSONText
    package var at: WallTime
    /// What begins or ends with it; nil for an event that is alone.
    package var pairing: EventPairing?

    package init(
        id: EventID, kind: EventKind, party: EventParty, facts: JSONText, at: WallTime, pairing: EventPairing? = nil
    ) {
        self.id = id
        self.kind = kind
        self.party = party
        self.facts = facts
        self.at = at
        self.pairing = pairing
    }
}

/// An event as it stands in the ledger; nothing of it ever changes.
package struct EventRow: Sendable, Equatable {
    /// Its place among all events, from 1 on: the order of the commits, without one that comes late. It may have holes, never repeats.
    package var sequence: Int64
    package var id: EventID
    package var kind: EventKind
    package var party: EventParty
    /// Its place among its session's events, from 1 on without holes; nil without a session.
    package var sessionSequence: Int64?
    package var createdAt: WallTime
    /// The document that webhooks carry and replays show: UTF-8 JSON, the same bytes each time.
    package var body: String

    /// Gives a draft its place and makes its document.
    package init(_ draft: EventDraft, sequence: Int64, sessionSequence: Int64?) {
        self.init(
            sequence: sequence, id: draft.id, kind: draft.kind, party: draft.party, sessionSequence: sessionSequence, createdAt: draft.at,
            body: Self.document(draft, sequence: sequence, sessionSequence: sessionSequence))
    }

    /// From its columns.
    package init(
        sequence: Int64, id: EventID, kind: EventKind, party: EventParty, sessionSequence: Int64?, createdAt: WallTime, body: String
    ) {
        self.sequence = sequence
        self.id = id
        self.kind = kind
        self.party = party
        self.sessionSequence = sessionSequence
        self.createdAt = createdAt
        self.body = body
    }

    /// `type`, `timestamp` and `data` are those of Standard Webhooks.
    private static func document(_ draft: EventDraft, sequence: Int64, sessionSequence: Int64?) -> String {
        JSONText.object([
            .init("id", .string(draft.id.rawValue)), .init("type", .string(draft.kind.rawValue)),
            .init("timestamp", .string(draft.at.iso8601)), .init("sequence", .integer(sequence)),
            .init("session_sequence", .optional(sessionSequence)), .init("account_id", .optional(draft.party.account?.rawValue)),
            .init("session_id", .optional(draft.party.session?.rawValue)), .init("client_id", .optional(draft.party.client?.rawValue)),
            .init("stream_id", .optional(draft.party.stream?.rawValue)), .init("data", draft.facts),
        ]).text
    }
}

/// Some events in their order, and where the log begins.
package struct EventPage: Sendable, Equatable {
    package var events: [EventRow]
    /// More follow behind the last of them.
    package var hasMore: Bool
    /// The first event that the log still holds; nil when it is empty. Who asks for what follows an older one has missed something.
    package var oldest: Int64?

    package init(events: [EventRow], hasMore: Bool, oldest: Int64?) {
        self.events = events
        self.hasMore = hasMore
        self.oldest = oldest
    }
}
