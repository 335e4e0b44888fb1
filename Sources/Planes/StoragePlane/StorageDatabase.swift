package import BridgeModel
internal import Foundation
internal import GRDB

/// The bridge's database, `<data>/viaduct.db`: SQLite in WAL mode, one writer and several readers, each commit synced to the disk
/// (`synchronous=FULL`). Safe from any thread; the file closes with the last reference.
package final class StorageDatabase: Sendable {
    /// How long a write waits for another process, such as a backup, before it fails.
    private static let busyTimeout: TimeInterval = 5

    let box: SecretBox
    private let pool: DatabasePool
    /// Puts transactions that come together into one write to the disk.
    private let group = CommitGroup()
    /// Looks whether anything was committed; never writes.
    private let observer: DatabaseQueue
    private let path: String

    /// Opens or creates the data folder, the database and, at the first start, its key `secrets/storage.key`; runs the migrations. Blocks for
    /// as long as the disk needs. Throws `unavailable` or `storage_full`, with a sentence for the operator.
    package init(dataFolder: String) throws(BridgeError) {
        path = dataFolder + "/viaduct.db"
        do {
            try FileManager.default.createDirectory(
                atPath: dataFolder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        } catch {
            throw BridgeError(
                .unavailable,
                "the data folder \(dataFolder) cannot be created: create it and give it to the bridge's user, or set data.folder")
        }
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration)
            // A pool sets NORMAL, which in WAL mode may lose the newest commits at a power cut; the outbox promises that it does not.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try Migrations.all.migrate(pool)
            box = try Self.openBox(in: pool, secrets: SecretFolder(dataFolder: dataFolder))
            try Migrations.sealed(box).migrate(pool)
            observer = try DatabaseQueue(path: path, configuration: Self.observing)
        } catch {
            throw StorageFault.bridgeError(error, database: path)
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "viaduct.storage"
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(busyTimeout)
        return configuration
    }

    private static var observing: Configuration {
        var configuration = configuration
        configuration.label = "viaduct.storage.observer"
        configuration.readonly = true
        return configuration
    }

    /// A number that is another one after each commit, be it of this process or of another (`PRAGMA data_version`). Takes some microseconds on the caller's
    /// thread: it looks at the head of the write-ahead log and waits for no writer.
    func revision() throws(BridgeError) -> Int64 {
        do {
            return try observer.unsafeRead { connection in
                try Int64.fetchOne(connection.cachedStatement(sql: "PRAGMA data_version")) ?? 0
            }
        } catch {
            throw StorageFault.bridgeError(error, database: path)
        }
    }

    /// Runs `body` in one transaction that is on disk when this returns; it may be run twice, the first time without effect. It ignores the
    /// cancellation of the caller's task: a commit that has begun is never left in doubt. See `CommitGroup`.
    func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(BridgeError) -> T {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                group.add(GroupedWrite(body) { continuation.resume(with: $0) }, to: pool)
            }
        } catch {
            throw StorageFault.bridgeError(error, database: path)
        }
    }

    /// Runs `body` on a snapshot of the last commit, beside the writer.
    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(BridgeError) -> T {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                pool.asyncRead { database in
                    continuation.resume(with: Result { try body(try database.get()) })
                }
            }
        } catch {
            throw StorageFault.bridgeError(error, database: path)
        }
    }
}

// MARK: The key

extension StorageDatabase {
    private static let keyFile = "storage.key"
    private static let sealName = "key"
    /// What the database holds under its key, to notice another key before it does harm.
    private static let sealPlace = SecretBox.Place(table: "seals", column: "sealed_value", row: sealName)

    /// The box of the stored key. A database that was sealed refuses a lost or foreign key: a new one would make its secrets unreadable for good.
    private static func openBox(in pool: DatabasePool, secrets: SecretFolder) throws -> SecretBox {
        let seal = try pool.read { try Data.fetchOne($0, sql: "SELECT sealed_value FROM seals WHERE name = ?", arguments: [sealName]) }
        guard let stored = try secrets.read(keyFile) else {
            guard seal == nil else {
                throw BridgeError(
                    .unavailable,
                    "secrets/\(keyFile) is gone, and the database's secrets open with nothing else: restore it from the backup of the data folder"
                )
            }
            let key = SystemRandomNumberGenerator.bytes(SecretBox.keyLength)
            try secrets.create(keyFile, bytes: Redacted(key))
            return try sealedBox(key: key, seal: nil, in: pool)
        }
        return try sealedBox(key: stored.revealed, seal: seal, in: pool)
    }

    private static func sealedBox(key: [UInt8], seal: Data?, in pool: DatabasePool) throws -> SecretBox {
        guard let box = SecretBox(key: key) else {
            throw BridgeError(.unavailable, "secrets/\(keyFile) is not a key of \(SecretBox.keyLength) bytes: restore it from a backup")
        }
        if let seal {
            _ = try box.open(seal, for: sealPlace)
        } else {
            let fresh = try box.seal([UInt8](sealName.utf8), for: sealPlace)
            try pool.write { try $0.execute(sql: "INSERT INTO seals VALUES (?, ?)", arguments: [sealName, fresh]) }
        }
        return box
    }
}

extension SystemRandomNumberGenerator {
    fileprivate static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
