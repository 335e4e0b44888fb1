extension Migrations {
    /// Streams in conferences elsewhere.
    static let conferences = """
        CREATE TABLE conferences (
            id TEXT PRIMARY KEY NOT NULL,
            stream TEXT NOT NULL,
            kind TEXT NOT NULL,
            sealed_target BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            sealed_resource BLOB,
            end_code TEXT,
            end_message TEXT
        ) STRICT;
        CREATE INDEX conferences_by_age ON conferences (created_at, id);
        """
}
