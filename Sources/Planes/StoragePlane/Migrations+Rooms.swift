extension Migrations {
    /// Recordings of rooms, with what they consist of: an index of the journals in the folder of rooms. Parts reference recordings by name only, which
    /// have their own time to live.
    static let rooms = """
        CREATE TABLE room_recordings (
            id TEXT PRIMARY KEY NOT NULL,
            room TEXT NOT NULL,
            account TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            ended_at INTEGER,
            is_ready INTEGER NOT NULL CHECK (is_ready IN (0, 1)),
            host TEXT,
            removal_actor TEXT,
            removal_cause TEXT,
            removal_destination INTEGER
        ) STRICT;
        CREATE INDEX room_recordings_by_start ON room_recordings (started_at, id);
        CREATE INDEX room_recordings_by_room ON room_recordings (room, started_at, id);

        CREATE TABLE room_recording_parts (
            room_recording TEXT NOT NULL REFERENCES room_recordings (id) ON DELETE CASCADE,
            recording TEXT NOT NULL,
            stream TEXT NOT NULL,
            is_shared INTEGER NOT NULL CHECK (is_shared IN (0, 1)),
            is_drawn_on INTEGER NOT NULL CHECK (is_drawn_on IN (0, 1)),
            place INTEGER NOT NULL,
            PRIMARY KEY (room_recording, recording)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX room_recording_parts_drawn_on ON room_recording_parts (stream, room_recording) WHERE is_drawn_on;

        CREATE TABLE room_recording_pictures (
            room_recording TEXT NOT NULL REFERENCES room_recordings (id) ON DELETE CASCADE,
            id TEXT NOT NULL,
            place INTEGER NOT NULL,
            PRIMARY KEY (room_recording, id)
        ) STRICT, WITHOUT ROWID;
        """
}
