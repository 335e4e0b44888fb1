extension Migrations {
    /// Legal holds, removals and rules of retention. A hold and a removal are columns of their recording, which `RecordingRow.write` leaves alone. The
    /// database itself refuses to change the audit log.
    static let retention = """
        ALTER TABLE recordings ADD COLUMN hold_reason TEXT;
        ALTER TABLE recordings ADD COLUMN hold_actor TEXT;
        ALTER TABLE recordings ADD COLUMN hold_placed_at INTEGER;
        ALTER TABLE recordings ADD COLUMN deletion_step TEXT;
        ALTER TABLE recordings ADD COLUMN deletion_actor TEXT;
        ALTER TABLE recordings ADD COLUMN deletion_cause TEXT;
        ALTER TABLE recordings ADD COLUMN deletion_destination INTEGER;
        ALTER TABLE recordings ADD COLUMN deletion_ordered_at INTEGER;
        ALTER TABLE recordings ADD COLUMN deletion_attempts INTEGER;
        ALTER TABLE recordings ADD COLUMN deletion_due_at INTEGER;
        ALTER TABLE recordings ADD COLUMN deletion_ended_at INTEGER;
        ALTER TABLE recordings ADD COLUMN deletion_status INTEGER;
        ALTER TABLE recordings ADD COLUMN deletion_error TEXT;
        CREATE INDEX recordings_to_delete ON recordings (deletion_due_at) WHERE deletion_step IN ('files', 'destination');

        CREATE TABLE retention_rules (
            stream TEXT PRIMARY KEY NOT NULL,
            age INTEGER,
            bytes INTEGER,
            count INTEGER,
            destination INTEGER NOT NULL CHECK (destination IN (0, 1)),
            undelivered INTEGER NOT NULL CHECK (undelivered IN (0, 1))
        ) STRICT;

        CREATE TABLE audit (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            recording TEXT NOT NULL,
            stream TEXT NOT NULL,
            outcome TEXT NOT NULL,
            detail TEXT NOT NULL
        ) STRICT;
        CREATE INDEX audit_by_recording ON audit (recording, sequence);
        CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        """
}
