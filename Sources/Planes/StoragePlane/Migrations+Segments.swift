extension Migrations {
    /// Recordings in segments, and the states of a recording under their new names.
    static let segments = """
        UPDATE recordings SET state = CASE state
            WHEN 'finalizing' THEN 'closing' WHEN 'stored' THEN 'ready' WHEN 'uploaded' THEN 'delivered' WHEN 'upload_failed' THEN 'failed'
            ELSE state END;

        CREATE TABLE segments (
            recording TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
            number INTEGER NOT NULL CHECK (number >= 1),
            stream TEXT NOT NULL,
            state TEXT NOT NULL,
            container TEXT NOT NULL,
            file TEXT NOT NULL,
            started_at INTEGER,
            ends_at INTEGER,
            duration INTEGER NOT NULL,
            size_bytes INTEGER NOT NULL,
            sha256 TEXT,
            gaps TEXT NOT NULL,
            failure_code TEXT,
            failure_message TEXT,
            PRIMARY KEY (recording, number)
        ) STRICT;
        CREATE INDEX segments_by_time ON segments (stream, started_at, ends_at);
        CREATE INDEX segments_by_state ON segments (state, started_at);

        INSERT INTO segments (recording, number, stream, state, container, file, started_at, ends_at, duration, size_bytes, gaps, failure_code, failure_message)
        SELECT id, 1, stream,
            CASE WHEN state IN ('armed', 'gap') THEN 'recording' ELSE state END,
            container, file, first_frame_written_at, first_frame_written_at + coalesce(duration_milliseconds, 0) * 1000000,
            coalesce(duration_milliseconds, 0) * 1000000, coalesce(size_bytes, 0), '[]', failure_code, failure_message
        FROM recordings;
        """
}
