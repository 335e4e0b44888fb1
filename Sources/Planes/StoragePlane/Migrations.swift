internal import GRDB

/// The schema, as migrations by name: a released one is never edited, only followed by another. Moments are nanoseconds since the epoch, UTC;
/// BLOB columns with `sealed_` are secrets under `SecretBox`.
enum Migrations {
    static var all: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("2026-01 ledger") { database in
            try database.execute(sql: ledger)
        }
        migrator.registerMigration("2026-01 keys") { database in
            try database.execute(sql: keys)
        }
        migrator.registerMigration("2026-11 segments") { database in
            try database.execute(sql: segments)
        }
        migrator.registerMigration("2026-11 playback") { database in
            try database.execute(sql: playback)
        }
        migrator.registerMigration("2026-11 outbox") { try $0.execute(sql: outbox) }
        migrator.registerMigration("2026-11 triggers") { try $0.execute(sql: triggers) }
        migrator.registerMigration("2026-11 retention") { try $0.execute(sql: retention) }
        migrator.registerMigration("2026-11 conferences") { try $0.execute(sql: conferences) }
        migrator.registerMigration("2026-11 rooms") { try $0.execute(sql: rooms) }
        return migrator
    }

    /// Recordings do not reference sessions: each has its own time to live. A delivery does reference its recording; the check is deferred to
    /// the commit, so that the order of changes in a transaction is free.
    private static let ledger = """
        CREATE TABLE seals (name TEXT PRIMARY KEY NOT NULL, sealed_value BLOB NOT NULL) STRICT;

        CREATE TABLE sessions (
            id TEXT PRIMARY KEY NOT NULL,
            account TEXT NOT NULL,
            client TEXT NOT NULL,
            stream TEXT NOT NULL,
            direction TEXT NOT NULL,
            state TEXT NOT NULL,
            sealed_webhook_url BLOB,
            created_at INTEGER NOT NULL,
            ended_at INTEGER,
            cause TEXT
        ) STRICT;
        CREATE INDEX sessions_by_state ON sessions (state, created_at);

        CREATE TABLE recordings (
            id TEXT PRIMARY KEY NOT NULL,
            session TEXT NOT NULL,
            account TEXT NOT NULL,
            client TEXT NOT NULL,
            stream TEXT NOT NULL,
            direction TEXT NOT NULL,
            state TEXT NOT NULL,
            container TEXT NOT NULL,
            file TEXT NOT NULL,
            destination TEXT NOT NULL CHECK (destination IN ('keep', 'folder', 'put')),
            destination_folder TEXT,
            sealed_destination_url BLOB,
            sealed_webhook_url BLOB,
            started_at INTEGER NOT NULL,
            first_frame_written_at INTEGER,
            first_frame_captured_at INTEGER,
            stopped_at INTEGER,
            duration_milliseconds INTEGER,
            size_bytes INTEGER,
            failure_code TEXT,
            failure_message TEXT,
            upload_status INTEGER
        ) STRICT;
        CREATE INDEX recordings_by_state ON recordings (state, started_at);
        CREATE INDEX recordings_by_start ON recordings (started_at);

        CREATE TABLE deliveries (
            id TEXT PRIMARY KEY NOT NULL,
            work TEXT NOT NULL CHECK (work IN ('upload', 'webhook')),
            account TEXT NOT NULL,
            session TEXT NOT NULL,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL CHECK (attempts >= 0),
            due_at INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            last_status INTEGER,
            last_error TEXT,
            recording TEXT REFERENCES recordings (id) DEFERRABLE INITIALLY DEFERRED,
            file TEXT,
            destination TEXT CHECK (destination IN ('keep', 'folder', 'put')),
            destination_folder TEXT,
            sealed_url BLOB,
            body TEXT
        ) STRICT;
        CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'pending';
        CREATE INDEX deliveries_by_recording ON deliveries (recording) WHERE recording IS NOT NULL;
        """

    private static let keys = """
        CREATE TABLE accounts (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            suspended_at INTEGER
        ) STRICT;

        CREATE TABLE master_keys (
            id TEXT PRIMARY KEY NOT NULL,
            account TEXT NOT NULL REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED,
            dialect TEXT NOT NULL,
            name TEXT NOT NULL,
            digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
            created_at INTEGER NOT NULL,
            revoked_at INTEGER
        ) STRICT;
        CREATE INDEX master_keys_by_account ON master_keys (account);

        CREATE TABLE signing_keys (
            id TEXT PRIMARY KEY NOT NULL,
            sealed_secret BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            retired_at INTEGER
        ) STRICT;

        CREATE TABLE revocations (token_id TEXT PRIMARY KEY NOT NULL, ends_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX revocations_by_end ON revocations (ends_at);
        """
}
