extension Migrations {
    /// Clips with their tags, and recordings by stream and time.
    static let playback = """
        CREATE INDEX recordings_by_stream ON recordings (stream, started_at);

        CREATE TABLE clips (
            id TEXT PRIMARY KEY NOT NULL,
            account TEXT NOT NULL,
            stream TEXT NOT NULL,
            begins_at INTEGER NOT NULL,
            ends_at INTEGER NOT NULL CHECK (ends_at > begins_at),
            title TEXT NOT NULL,
            container TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX clips_by_creation ON clips (created_at, id);
        CREATE INDEX clips_by_time ON clips (stream, begins_at);

        CREATE TABLE clip_tags (
            clip TEXT NOT NULL REFERENCES clips (id) ON DELETE CASCADE,
            tag TEXT NOT NULL,
            PRIMARY KEY (tag, clip)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX clip_tags_by_clip ON clip_tags (clip);
        """
}
