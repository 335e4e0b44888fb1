import Bridge
import BridgeModel
import Foundation
import GRDB
import Logging
import Testing

@testable import StoragePlane

@Suite struct StorageDatabaseTests {
    private let folder: DataFolder

    init() throws { folder = try DataFolder() }

    private var keyFile: String { folder.file("secrets/storage.key") }
    private var databaseFile: String { folder.file("viaduct.db") }

    private func refusal(_ path: String) -> BridgeError? {
        do {
            _ = try StorageDatabase(dataFolder: path)
            Issue.record("the database was opened")
            return nil
        } catch {
            return error
        }
    }

    @Test func theDatabaseIsSetToKeepItsPromises() async throws {
        let database = try StorageDatabase(dataFolder: folder.path)
        let pragmas = ["journal_mode", "synchronous", "foreign_keys", "busy_timeout", "integrity_check"]
        let values = try await database.write { connection in
            try pragmas.map { try String.fetchOne(connection, sql: "PRAGMA \($0)") }
        }
        // 2 is FULL.
        #expect(values == ["wal", "2", "1", "5000", "ok"])
    }

    @Test func theFirstStartMakesFolderDatabaseAndKey() throws {
        let path = folder.file("new/data")
        _ = try StorageDatabase(dataFolder: path)
        let attributes = try FileManager.default.attributesOfItem(atPath: path + "/secrets/storage.key")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(attributes[.size] as? Int == 32)
        let secrets = try FileManager.default.attributesOfItem(atPath: path + "/secrets")
        #expect(secrets[.posixPermissions] as? Int == 0o700)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/secrets") == ["storage.key"])
    }

    @Test func migrationsRunOnceByName() throws {
        for _ in 0..<2 { _ = try StorageDatabase(dataFolder: folder.path) }
        let queue = try DatabaseQueue(path: databaseFile)
        let applied = try queue.read { try Migrations.all.appliedIdentifiers($0) }
        let expected = [
            "2026-01 ledger", "2026-01 keys", "2026-11 segments", "2026-11 playback", "2026-11 outbox", "2026-11 triggers",
            "2026-11 retention", "2026-11 conferences", "2026-11 destinations", "2026-11 leftovers", "2026-11 upload intentions",
            "2026-11 rooms",
        ]
        #expect(Set(applied) == Set(expected) && applied.count == expected.count)
    }

    @Test func aLostKeyIsNotReplaced() throws {
        _ = try StorageDatabase(dataFolder: folder.path)
        try FileManager.default.removeItem(atPath: keyFile)
        #expect(refusal(folder.path)?.message.contains("restore it") == true)
        #expect(!FileManager.default.fileExists(atPath: keyFile))
    }

    @Test(arguments: [0, 1, 31, 32, 33, 1000])
    func aForeignKeyIsRefused(length: Int) throws {
        _ = try StorageDatabase(dataFolder: folder.path)
        try Data(repeating: 7, count: length).write(to: URL(fileURLWithPath: keyFile))
        chmod(keyFile, 0o600)
        #expect(refusal(folder.path)?.code == .unavailable)
    }

    @Test func aKeyThatOthersMayReadIsRefused() throws {
        _ = try StorageDatabase(dataFolder: folder.path)
        chmod(keyFile, 0o644)
        #expect(refusal(folder.path)?.message.contains("chmod 600") == true)
        chmod(keyFile, 0o600)
        _ = try StorageDatabase(dataFolder: folder.path)
    }

    @Test(arguments: ["not a database at all, but some text that is long enough", String(repeating: "SQLite format 3\0", count: 600)])
    func aDamagedDatabaseIsNamed(text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: databaseFile))
        let error = refusal(folder.path)
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("damaged") == true, "\(String(describing: error))")
    }

    @Test func aFolderThatCannotBeMadeIsNamed() throws {
        try Data().write(to: URL(fileURLWithPath: folder.file("plain")))
        for path in [folder.file("plain"), folder.file("plain/data"), "/proc/viaduct"] {
            let error = refusal(path)
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains(path) == true)
        }
    }

    @Test func aFullDiskIsNamedAndNothingIsHalfWritten() async throws {
        let database = try StorageDatabase(dataFolder: folder.path)
        let ledger = SQLiteLedger(database, logger: .silent)
        try await database.write { connection in
            let pages = try Int.fetchOne(connection, sql: "PRAGMA page_count") ?? 0
            try connection.execute(sql: "PRAGMA max_page_count = \(pages + 4)")
        }
        let rows = (0..<2000).map { LedgerChange.delivery(Rows.webhook("msg_\($0)")) }
        let error = await #expect(throws: BridgeError.self) { try await ledger.commit(rows) }
        #expect(error?.code == .storageFull)
        #expect(try await ledger.nextDeliveryDue() == nil)
        try await database.write { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        try await ledger.commit(rows)
    }

    @Test func aReadOnlyDatabaseIsNamed() async throws {
        let database = try StorageDatabase(dataFolder: folder.path)
        try await database.write { try $0.execute(sql: "PRAGMA query_only = 1") }
        let error = await #expect(throws: BridgeError.self) {
            try await SQLiteLedger(database, logger: .silent).commit([.session(Rows.session())])
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("cannot be written") == true)
    }

    @Test(arguments: [
        (ResultCode.SQLITE_FULL, BridgeError.Code.storageFull), (.SQLITE_READONLY, .unavailable), (.SQLITE_CANTOPEN, .unavailable),
        (.SQLITE_IOERR, .unavailable), (.SQLITE_CORRUPT, .unavailable), (.SQLITE_NOTADB, .unavailable), (.SQLITE_BUSY, .unavailable),
        (.SQLITE_PERM, .unavailable), (.SQLITE_CONSTRAINT, .internal), (.SQLITE_MISUSE, .internal), (.SQLITE_NOMEM, .internal),
    ])
    func everyFaultOfSQLiteHasASentence(code: ResultCode, expected: BridgeError.Code) {
        let error = StorageFault.bridgeError(DatabaseError(resultCode: code, message: "secret argument"), database: "/data/viaduct.db")
        #expect(error.code == expected)
        #expect(error.message.contains("/data/viaduct.db"))
        #expect(!error.message.contains("secret argument"))
    }

    @Test(arguments: [
        "UPDATE sessions SET state = 'ASLEEP'", "UPDATE sessions SET direction = ''", "UPDATE sessions SET cause = 'BORED'",
        "UPDATE sessions SET sealed_webhook_url = x'00'", "UPDATE sessions SET sealed_webhook_url = zeroblob(100)",
        "UPDATE sessions SET sealed_webhook_url = (SELECT sealed_webhook_url FROM recordings)",
        "UPDATE sessions SET sealed_webhook_url = (SELECT sealed_value FROM seals)",
        "UPDATE sessions SET id = 's2'",
    ])
    func aForgedSessionIsAnErrorAndNoTrap(forgery: String) async throws {
        let database = try StorageDatabase(dataFolder: folder.path)
        let ledger = SQLiteLedger(database, logger: .silent)
        try await ledger.commit([.session(Rows.session()), .recording(Rows.fullRecording())])
        try await database.write { try $0.execute(sql: forgery) }
        await #expect(throws: BridgeError.self) {
            try await ledger.sessions(in: [.active]) + ledger.sessions(in: [.created]) + [
                try #require(await ledger.session(SessionID("s1")))
            ]
        }
    }

    @Test(arguments: [
        "SET state = 'gone'", "SET container = 'avi'", "SET sealed_destination = x''",
        "SET sealed_destination = NULL", "SET sealed_destination = sealed_webhook_url", "SET failure_code = 'odd'",
    ])
    func aForgedRecordingIsAnErrorAndNoTrap(forgery: String) async throws {
        let database = try StorageDatabase(dataFolder: folder.path)
        let ledger = SQLiteLedger(database, logger: .silent)
        try await ledger.commit([.recording(Rows.fullRecording())])
        try await database.write { try $0.execute(sql: "UPDATE recordings \(forgery)") }
        await #expect(throws: BridgeError.self) { try await ledger.recording(RecordingID("full")) }
    }

    @Test(arguments: [
        "state = 'odd'", "terms = 'odd'", "sealed_url = x'00'",
        "attempts = 9223372036854775807, last_status = -9223372036854775808, state = ''",
        "sealed_url = (SELECT sealed_url FROM webhooks WHERE id = 'msg_2')",
    ])
    func aForgedDeliveryIsAnErrorAndNoTrap(forgery: String) async throws {
        let database = try StorageDatabase(dataFolder: folder.path)
        let ledger = SQLiteLedger(database, logger: .silent)
        try await ledger.commit([.delivery(Rows.webhook("msg_1")), .delivery(Rows.webhook("msg_2"))])
        try await database.write { try $0.execute(sql: "UPDATE webhooks SET \(forgery) WHERE id = 'msg_1'") }
        await #expect(throws: BridgeError.self) { try await ledger.delivery(DeliveryID("msg_1")) }
        #expect(try await ledger.delivery(DeliveryID("msg_2")) != nil)
    }

    @Test func aDamagedDeliveryIsSetAsideAndTheOthersGoOn() async throws {
        let database = try StorageDatabase(dataFolder: folder.path)
        let ledger = SQLiteLedger(database, logger: .silent)
        try await ledger.commit(["msg_1", "msg_2", "msg_3"].map { .delivery(Rows.webhook($0)) })
        try await database.write { try $0.execute(sql: "UPDATE webhooks SET sealed_url = x'00' WHERE id = 'msg_2'") }
        let due = try await ledger.dueWebhooks(at: Rows.start, limit: 10, excluding: WebhookExclusions())
        #expect(due.map(\.id.rawValue) == ["msg_1", "msg_3"])
        let state = try await database.read { try String.fetchOne($0, sql: "SELECT state FROM webhooks WHERE id = 'msg_2'") }
        #expect(state == "dead")
    }
}

@Suite struct SecretBoxTests {
    private let place = SecretBox.Place(table: "t", column: "c", row: "1")

    @Test func aSealedSecretOpensInItsPlaceOnly() throws {
        let box = try #require(SecretBox(key: [UInt8](repeating: 1, count: 32)))
        let sealed = try box.seal([1, 2, 3], for: place)
        #expect(try box.open(sealed, for: place) == [1, 2, 3])
        for other in [
            SecretBox.Place(table: "t", column: "c", row: "2"), .init(table: "t", column: "c1", row: ""),
            .init(table: "tc", column: "", row: "1"),
        ] {
            #expect(throws: (any Error).self) { try box.open(sealed, for: other) }
        }
        let foreign = try #require(SecretBox(key: [UInt8](repeating: 2, count: 32)))
        #expect(throws: (any Error).self) { try foreign.open(sealed, for: place) }
    }

    @Test func equalSecretsLookDifferent() throws {
        let box = try #require(SecretBox(key: [UInt8](repeating: 1, count: 32)))
        #expect(try box.seal([1], for: place) != box.seal([1], for: place))
    }

    @Test func cutAndAlteredBlobsAreErrors() throws {
        let box = try #require(SecretBox(key: [UInt8](repeating: 1, count: 32)))
        let sealed = try box.seal(Array("https://a.example".utf8), for: place)
        for length in 0..<sealed.count { #expect(throws: (any Error).self) { try box.open(sealed.prefix(length), for: place) } }
        for index in sealed.indices {
            var altered = sealed
            altered[index] ^= 1
            #expect(throws: (any Error).self) { try box.open(altered, for: place) }
        }
    }

    @Test(arguments: [0, 16, 31, 33, 64])
    func keysOfOtherLengthsAreRefused(length: Int) {
        #expect(SecretBox(key: [UInt8](repeating: 0, count: length)) == nil)
    }

    @Test func aSecretFileIsMadeOnceAndKept() throws {
        let folder = try DataFolder()
        let secrets = SecretFolder(dataFolder: folder.path)
        let made = try secrets.read("webhook.secret") { Redacted(Array("first".utf8)) }
        let kept = try secrets.read("webhook.secret") { Redacted(Array("second".utf8)) }
        #expect(made == kept)
        let error = #expect(throws: BridgeError.self) { try secrets.create("webhook.secret", bytes: Redacted([1])) }
        #expect(error?.code == .unavailable)
    }
}
