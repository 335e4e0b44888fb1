extension Migrations {
    /// Multipart uploads with what it takes to abort them: those that no row of `uploads` has any more are leftovers.
    static let leftovers = """
        CREATE TABLE store_uploads (
            id TEXT PRIMARY KEY NOT NULL,
            location TEXT NOT NULL,
            upload_id TEXT NOT NULL,
            recording TEXT NOT NULL,
            object_key TEXT NOT NULL,
            sealed_destination BLOB NOT NULL,
            attempts INTEGER NOT NULL CHECK (attempts >= 0),
            due_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX store_uploads_by_upload ON store_uploads (upload_id, location);
        """

    /// Multipart uploads that a store was asked for, until its answer is in `store_uploads`.
    static let intentions = """
        CREATE TABLE upload_intentions (
            id TEXT PRIMARY KEY NOT NULL,
            location TEXT NOT NULL,
            recording TEXT NOT NULL,
            object_key TEXT NOT NULL,
            sealed_destination BLOB NOT NULL,
            asked_at INTEGER NOT NULL,
            attempts INTEGER NOT NULL CHECK (attempts >= 0),
            due_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX store_uploads_by_location ON store_uploads (location);
        """
}
