internal import BridgeModel
internal import Foundation
internal import GRDB

/// A row to write, column by column.
struct ColumnValues {
    /// Column names are constants of this module, never text from outside.
    var columns: [(name: String, value: (any DatabaseValueConvertible)?)]

    init(_ columns: KeyValuePairs<String, (any DatabaseValueConvertible)?>) {
        self.columns = columns.map { (name: $0.key, value: $0.value) }
    }

    mutating func append(_ more: ColumnValues) { columns += more.columns }

    /// Inserts the row, or replaces all columns of the one with the same `key`, a column or several with commas between. Not `INSERT OR REPLACE`, which deletes the old row first and so
    /// breaks references to it.
    func upsert(into table: String, key: String = "id", _ database: Database) throws {
        let names = columns.map(\.name)
        let places = names.map { _ in "?" }.joined(separator: ", ")
        let keys = key.split(separator: ", ").map(String.init)
        let updates = names.filter { !keys.contains($0) }.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        let sql = "INSERT INTO \(table) (\(names.joined(separator: ", "))) VALUES (\(places)) ON CONFLICT (\(key)) DO UPDATE SET \(updates)"
        try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(columns.map(\.value)))
    }
}

/// Reads one row of a table; a column that this version does not understand is an error, not a trap.
struct ColumnReader {
    let row: Row
    let table: String

    func text(_ column: String) throws -> String { try required(optionalText(column)) }
    func integer(_ column: String) throws -> Int64 { try required(optionalInteger(column)) }
    func blob(_ column: String) throws -> Data { try required(optionalBlob(column)) }
    func moment(_ column: String) throws -> WallTime { WallTime(nanoseconds: try integer(column)) }

    // Read as raw storage: GRDB's conversions trap on a value of another type.
    func optionalText(_ column: String) -> String? { .fromDatabaseValue(value(column)) }
    func optionalInteger(_ column: String) -> Int64? { .fromDatabaseValue(value(column)) }
    func optionalBlob(_ column: String) -> Data? { .fromDatabaseValue(value(column)) }
    func optionalMoment(_ column: String) -> WallTime? { optionalInteger(column).map(WallTime.init(nanoseconds:)) }
    func optionalCount(_ column: String) throws -> Int? { try optionalInteger(column).map { try required(Int(exactly: $0)) } }

    /// An enumeration stored by its raw text.
    func value<T: RawRepresentable<String>>(_ column: String) throws -> T { try required(T(rawValue: try text(column))) }

    /// As `value`, and NULL is nil.
    func optionalValue<T: RawRepresentable<String>>(_ column: String) throws -> T? {
        try optionalText(column).map { try required(T(rawValue: $0)) }
    }

    /// A sealed text of this row; NULL is nil. The key was proved when the database was opened: a text that does not open is damaged.
    func secret(_ column: String, _ box: SecretBox) throws -> Redacted<String>? {
        try optionalBlob(column).map { blob in
            Redacted(String(decoding: try secretBytes(blob, column, box), as: UTF8.self))
        }
    }

    /// As `secret`, for a column that holds bytes and is never NULL.
    func secretBytes(_ column: String, _ box: SecretBox) throws -> [UInt8] {
        try secretBytes(try blob(column), column, box)
    }

    private func secretBytes(_ blob: Data, _ column: String, _ box: SecretBox) throws -> [UInt8] {
        let place = SecretBox.Place(table: table, column: column, row: try text("id"))
        return try required(try? box.open(blob, for: place))
    }

    /// What is nil is unreadable.
    func required<T>(_ value: T?) throws -> T {
        guard let value else { throw StorageFault.UnreadableRow(table: table, row: optionalText("id") ?? "?") }
        return value
    }

    private func value(_ column: String) -> DatabaseValue {
        let value: DatabaseValue? = row[column]
        return value ?? .null
    }
}
