internal import Bridge
internal import BridgeModel
internal import GRDB

/// Writes events inside a transaction: each gets the next place of all and of its session, and its pair is kept.
struct EventTable {
    private let database: Database
    private let box: SecretBox

    init(_ database: Database, _ box: SecretBox) {
        self.database = database
        self.box = box
    }

    /// Does nothing when the event is there already, or its pair forbids it. `receiver`: the URL of its webhook.
    func write(_ draft: EventDraft, receiver: Redacted<String>?) throws {
        guard try !isKnown(draft.id) else { return }
        let open = try draft.pairing.flatMap { try openFact($0.subject) }
        var generator = SystemRandomNumberGenerator()
        for admitted in EventPairs.admit(draft, open: open, id: { .make(at: draft.at, using: &generator) }) {
            let row = try insert(admitted)
            try keepPair(of: admitted)
            if let receiver { try webhook(of: row, to: receiver).write(database, box) }
        }
    }

    private func isKnown(_ id: EventID) throws -> Bool {
        try Bool.fetchOne(
            database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM events WHERE id = ?)"), arguments: [id.rawValue]) ?? false
    }

    private func insert(_ draft: EventDraft) throws -> EventRow {
        let row = EventRow(draft, sequence: try nextSequence(), sessionSequence: try nextPlace(in: draft.party.session))
        var values = ColumnValues([
            "sequence": row.sequence, "id": row.id.rawValue, "kind": row.kind.rawValue, "session_sequence": row.sessionSequence,
            "created_at": row.createdAt.nanoseconds, "body": row.body,
        ])
        values.append(row.party.columns)
        try values.upsert(into: EventRow.table, database)
        return row
    }

    /// One behind the greatest that ever was, also when that one was pruned.
    private func nextSequence() throws -> Int64 {
        let last = try Int64.fetchOne(database.cachedStatement(sql: "SELECT seq FROM sqlite_sequence WHERE name = 'events'")) ?? 0
        return last + 1
    }

    private func nextPlace(in session: SessionID?) throws -> Int64? {
        guard let session else { return nil }
        let last = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT max(session_sequence) FROM events WHERE session = ?"), arguments: [session.rawValue])
        return (last ?? 0) + 1
    }

    private func webhook(of row: EventRow, to receiver: Redacted<String>) -> DeliveryRow {
        var delivery = DeliveryRow(
            id: row.id.webhook, work: .webhook(url: receiver, body: row.body), account: row.party.account ?? AccountID(""),
            session: row.party.session ?? SessionID(""), dueAt: row.createdAt, createdAt: row.createdAt)
        delivery.terms = .events
        delivery.event = row.id
        return delivery
    }
}

// MARK: Pairs

extension EventTable {
    private func openFact(_ subject: EventPairing.Subject) throws -> OpenFact? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT * FROM open_facts WHERE subject = ?"), arguments: [subject.rawValue]
        ).map { try OpenFact($0) }
    }

    private func keepPair(of draft: EventDraft) throws {
        guard let pairing = draft.pairing else { return }
        try database.cachedStatement(sql: "DELETE FROM open_facts WHERE subject = ?").execute(arguments: [pairing.subject.rawValue])
        guard let fact = EventPairs.open(after: draft) else { return }
        var values = ColumnValues([
            "subject": fact.subject.rawValue, "kind": fact.kind.rawValue, "since": draft.at.nanoseconds,
        ])
        values.append(fact.party.columns)
        try values.upsert(into: OpenFact.table, key: "subject", database)
    }
}

extension EventParty {
    fileprivate var columns: ColumnValues {
        ColumnValues([
            "account": account?.rawValue, "session": session?.rawValue, "client": client?.rawValue, "stream": stream?.rawValue,
        ])
    }

    fileprivate init(_ columns: ColumnReader) {
        self.init(
            account: columns.optionalText("account").map { AccountID($0) }, session: columns.optionalText("session").map { SessionID($0) },
            client: columns.optionalText("client").map { ClientID($0) }, stream: columns.optionalText("stream").map { StreamID($0) })
    }
}

extension EventRow {
    static let table = "events"

    init(_ row: Row) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        self.init(
            sequence: try columns.integer("sequence"), id: EventID(try columns.text("id")),
            kind: EventKind(rawValue: try columns.text("kind")), party: EventParty(columns),
            sessionSequence: columns.optionalInteger("session_sequence"), createdAt: try columns.moment("created_at"),
            body: try columns.text("body"))
    }
}

extension OpenFact {
    static let table = "open_facts"

    init(_ row: Row) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        self.init(
            subject: EventPairing.Subject(rawValue: try columns.text("subject")), kind: EventKind(rawValue: try columns.text("kind")),
            party: EventParty(columns))
    }
}
