extension Migrations {
    /// What makes recordings begin: the policies of streams, and the events that were reported of them.
    static let triggers = """
        CREATE TABLE recording_policies (stream TEXT PRIMARY KEY NOT NULL, policy TEXT NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE stream_events (
            id TEXT PRIMARY KEY NOT NULL,
            stream TEXT NOT NULL,
            type TEXT NOT NULL,
            note TEXT NOT NULL,
            at INTEGER NOT NULL,
            recording TEXT
        ) STRICT;
        CREATE INDEX stream_events_by_stream ON stream_events (stream, at, id);
        CREATE INDEX stream_events_by_recording ON stream_events (recording, at, id) WHERE recording IS NOT NULL;
        """
}
