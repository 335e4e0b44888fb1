internal import Bridge
internal import BridgeModel
internal import Foundation
internal import GRDB

extension Migrations {
    /// What needs the key of the database, and so comes after it was opened.
    static func sealed(_ box: SecretBox) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("2026-11 destinations") { database in
            try database.execute(sql: destinations)
            for table in ["recordings", "deliveries"] { try sealDestinations(of: table, database, box) }
            try database.execute(sql: formerColumns)
        }
        migrator.registerMigration("2026-11 leftovers") { try $0.execute(sql: leftovers) }
        migrator.registerMigration("2026-11 upload intentions") { try $0.execute(sql: intentions) }
        return migrator
    }

    private static let destinations = """
        CREATE TABLE destinations (
            id TEXT PRIMARY KEY NOT NULL,
            sealed_choice BLOB NOT NULL,
            changed_at INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE destination_assignments (
            scope TEXT NOT NULL CHECK (scope IN ('account', 'stream')),
            subject TEXT NOT NULL,
            destination TEXT NOT NULL REFERENCES destinations (id) DEFERRABLE INITIALLY DEFERRED,
            PRIMARY KEY (scope, subject)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX destination_assignments_by_destination ON destination_assignments (destination);

        CREATE TABLE uploads (
            file TEXT PRIMARY KEY NOT NULL,
            location TEXT NOT NULL,
            upload_id TEXT NOT NULL
        ) STRICT;

        CREATE TABLE upload_parts (
            file TEXT NOT NULL REFERENCES uploads (file) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            entity_tag TEXT NOT NULL,
            size INTEGER NOT NULL,
            md5 TEXT NOT NULL,
            PRIMARY KEY (file, number)
        ) STRICT, WITHOUT ROWID;

        ALTER TABLE recordings ADD COLUMN sealed_destination BLOB;
        ALTER TABLE deliveries ADD COLUMN sealed_destination BLOB;
        """

    private static let formerColumns = """
        ALTER TABLE recordings DROP COLUMN destination;
        ALTER TABLE recordings DROP COLUMN destination_folder;
        ALTER TABLE recordings DROP COLUMN sealed_destination_url;
        ALTER TABLE deliveries DROP COLUMN destination;
        ALTER TABLE deliveries DROP COLUMN destination_folder;
        UPDATE deliveries SET sealed_url = NULL WHERE work = 'upload';
        """

    /// A destination was three columns: its kind, a folder, and a sealed URL.
    private static func sealDestinations(of table: String, _ database: Database, _ box: SecretBox) throws {
        let urlColumn = table == "recordings" ? "sealed_destination_url" : "sealed_url"
        let rows = try Row.fetchAll(database, sql: "SELECT * FROM \(table) WHERE destination IS NOT NULL")
        for row in rows {
            let columns = ColumnReader(row: row, table: table)
            let destination: Destination? =
                switch try columns.text("destination") {
                case "keep": .keep
                case "folder": columns.optionalText("destination_folder").map { .folder(path: $0) }
                // A row that cannot be read now could not be read before: it stays unreadable, and hinders nobody.
                case "put": (try? columns.secret(urlColumn, box)).flatMap { $0 }.map { .put(url: $0) }
                default: nil
                }
            guard let destination else { continue }
            let id = try columns.text("id")
            let sealed = try DestinationColumn.seal(DestinationChoice(destination), table: table, row: id, box)
            try database.execute(sql: "UPDATE \(table) SET sealed_destination = ? WHERE id = ?", arguments: [sealed, id])
        }
    }
}
