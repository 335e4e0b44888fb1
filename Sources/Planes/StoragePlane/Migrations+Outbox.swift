extension Migrations {
    /// Events and the webhooks that tell them. Webhooks leave `deliveries`, which keeps the uploads.
    static let outbox = """
        CREATE TABLE events (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            account TEXT,
            session TEXT,
            client TEXT,
            stream TEXT,
            session_sequence INTEGER,
            created_at INTEGER NOT NULL,
            body TEXT NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX events_by_session ON events (session, session_sequence) WHERE session IS NOT NULL;
        CREATE INDEX events_by_age ON events (created_at);

        CREATE TABLE open_facts (
            subject TEXT PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL,
            account TEXT,
            session TEXT,
            client TEXT,
            stream TEXT,
            since INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE webhooks (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            terms TEXT NOT NULL,
            event TEXT,
            account TEXT NOT NULL,
            session TEXT NOT NULL,
            receiver TEXT NOT NULL,
            host TEXT NOT NULL,
            sealed_url BLOB NOT NULL,
            body TEXT NOT NULL,
            state TEXT NOT NULL,
            waits INTEGER NOT NULL DEFAULT 0 CHECK (waits IN (0, 1)),
            attempts INTEGER NOT NULL CHECK (attempts >= 0),
            due_at INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            last_status INTEGER,
            last_error TEXT
        ) STRICT;
        CREATE INDEX webhooks_due ON webhooks (due_at, number, receiver, host) WHERE state = 'pending' AND waits = 0;
        CREATE INDEX webhooks_of_session ON webhooks (session, receiver, number) WHERE state = 'pending' AND terms = 'events';
        CREATE INDEX webhooks_by_state ON webhooks (state, number);

        CREATE TABLE webhook_attempts (
            webhook INTEGER NOT NULL REFERENCES webhooks (number) ON DELETE CASCADE,
            attempt INTEGER NOT NULL,
            began_at INTEGER NOT NULL,
            duration_nanoseconds INTEGER NOT NULL,
            status INTEGER NOT NULL,
            error TEXT,
            request_headers TEXT NOT NULL,
            reply TEXT NOT NULL,
            PRIMARY KEY (webhook, attempt)
        ) STRICT, WITHOUT ROWID;

        INSERT INTO webhooks (
            id, terms, account, session, receiver, host, sealed_url, body, state, attempts, due_at, created_at, last_status, last_error)
        SELECT id, 'dialect', account, session, 'moved:' || id, 'moved', sealed_url, body, state, attempts, due_at, created_at, last_status,
            last_error
        FROM deliveries WHERE work = 'webhook' AND sealed_url IS NOT NULL AND body IS NOT NULL ORDER BY created_at, id;
        DELETE FROM deliveries WHERE work = 'webhook';
        """
}
