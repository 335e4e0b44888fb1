internal import BridgeModel
internal import Foundation
internal import GRDB

/// Puts what SQLite and the secret box report into sentences that tell an operator what to do.
enum StorageFault {
    /// A stored value that this version cannot read: a damaged row, or one of a newer version.
    struct UnreadableRow: Error {
        var table: String
        var row: String
    }

    static func bridgeError(_ error: any Error, database: String) -> BridgeError {
        switch error {
        case let error as BridgeError: error
        case let error as DatabaseError: bridgeError(error, database: database)
        case let error as UnreadableRow:
            BridgeError(
                .internal, "row \(error.row) of \(error.table) in \(database) cannot be read: restore the database, or remove the row")
        default:
            BridgeError(
                .unavailable,
                "a secret in \(database) does not open (\(type(of: error))): restore secrets/storage.key and the database from the same backup"
            )
        }
    }

    private static func bridgeError(_ error: DatabaseError, database: String) -> BridgeError {
        switch error.resultCode {
        case .SQLITE_FULL:
            BridgeError(.storageFull, "the disk of \(database) is full: free space; the bridge goes on by itself")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            BridgeError(.unavailable, "the database \(database) cannot be written: remount its disk or give the bridge's user write access")
        case .SQLITE_CANTOPEN:
            BridgeError(
                .unavailable, "the database \(database) cannot be opened: check that its folder exists and belongs to the bridge's user")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            BridgeError(.unavailable, "the database \(database) is damaged: stop the bridge and restore it, or move it away to begin anew")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            BridgeError(.unavailable, "the database \(database) is locked by another process: end that process, or wait and try again")
        case .SQLITE_IOERR:
            BridgeError(.unavailable, "the disk of \(database) fails (SQLite \(error.extendedResultCode.rawValue)): check the disk")
        case .SQLITE_CONSTRAINT:
            BridgeError(.internal, "a row was refused by \(database) (SQLite \(error.extendedResultCode.rawValue)): report this as a bug")
        default:
            BridgeError(.internal, "the database \(database) failed (SQLite \(error.extendedResultCode.rawValue)): report this as a bug")
        }
    }
}
