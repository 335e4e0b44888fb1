import Bridge
import BridgeModel
import Foundation
import GRDB
import Logging
import Testing

@testable import StoragePlane

@Suite struct DestinationStoreTests {
    private let folder: DataFolder
    private let choice = DestinationChoice(
        .webdav(
            WebDAVDestination(
                url: Redacted("https://dav.example/hush-path"), authentication: .basic(user: "u", password: Redacted("hush-password")))),
        fallback: .put(url: Redacted("https://b.example/k?sig=hush-signature")), keepLocal: .time(.seconds(60)))

    init() throws { folder = try DataFolder() }

    private func name(_ text: String) throws -> DestinationName { try #require(DestinationName(text)) }

    @Test func destinationsComeBackAndTheirSecretsAreSealed() async throws {
        let store = SQLiteDestinationStore(try StorageDatabase(dataFolder: folder.path))
        let nas = NamedDestination(name: try name("nas"), choice: choice, changedAt: WallTime(nanoseconds: 5))
        let cloud = NamedDestination(name: try name("cloud"), choice: .keep, changedAt: WallTime(nanoseconds: 6))
        try await store.save(nas)
        try await store.save(cloud)
        #expect(try await store.destinations() == [cloud, nas])
        #expect(try await store.destination(nas.name) == nas)
        var changed = nas
        changed.choice.keepLocal = nil
        try await store.save(changed)
        #expect(try await store.destination(nas.name) == changed)
        #expect(try folder.contents().firstRange(of: Data("hush".utf8)) == nil)
    }

    @Test func whatIsAssignedIsNotRemoved() async throws {
        let store = SQLiteDestinationStore(try StorageDatabase(dataFolder: folder.path))
        let nas = try name("nas")
        let error = await #expect(throws: BridgeError.self) { try await store.assign(nas, to: .account(AccountID("a"))) }
        #expect(error?.code == .notFound)
        try await store.save(NamedDestination(name: nas, choice: choice, changedAt: WallTime(nanoseconds: 5)))
        for scope in [DestinationScope.account(AccountID("x")), .stream(StreamID("x"))] {
            #expect(try await store.assigned(to: scope) == nil)
            try await store.assign(nas, to: scope)
            #expect(try await store.assigned(to: scope) == nas)
            let error = await #expect(throws: BridgeError.self) { try await store.remove(nas) }
            #expect(error?.code == .limitReached)
            try await store.assign(nil, to: scope)
        }
        #expect(try await store.remove(nas))
        #expect(try await !store.remove(nas))
    }

    @Test func anUploadsPartsAreRememberedUntilItIsForgotten() async throws {
        let ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: .init(label: "test"))
        let upload = BegunUpload(location: "https://s3.example films a", uploadID: "1")
        try await ledger.begin(upload, from: nil, of: "r1.webm")
        let parts = [3, 1, 2].map { SentPart(StoredPart(number: $0, entityTag: "\"\($0)\"", size: 8), md5: "m\($0)") }
        for part in parts { try await ledger.sent(part, of: "r1.webm") }
        try await ledger.sent(parts[0], of: "r1.webm")
        #expect(try await ledger.begunUpload(of: "r1.webm") == upload)
        #expect(try await ledger.sentParts(of: "r1.webm") == parts.sorted { $0.part.number < $1.part.number })
        try await ledger.begin(BegunUpload(location: "elsewhere", uploadID: "2"), from: nil, of: "r1.webm")
        #expect(try await ledger.sentParts(of: "r1.webm").isEmpty)
        try await ledger.forgetUpload(of: "r1.webm")
        #expect(try await ledger.begunUpload(of: "r1.webm") == nil)
    }
}

/// A database of the release before: a destination was three columns.
@Suite struct DestinationMigrationTests {
    private let folder: DataFolder

    init() throws { folder = try DataFolder() }

    @Test func formerDestinationsAreSealedAsTheyWere() async throws {
        _ = try StorageDatabase(dataFolder: folder.path + "/key-maker")
        try FileManager.default.createDirectory(atPath: folder.path + "/data", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: folder.path + "/key-maker/secrets", toPath: folder.path + "/data/secrets")
        let key = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path + "/data/secrets/storage.key")))
        let box = try #require(SecretBox(key: key))
        let former = try DatabasePool(path: folder.path + "/data/viaduct.db")
        try Migrations.all.migrate(former, upTo: "2026-01 keys")
        try await former.write { database in
            for (id, kind, path) in [("r1", "keep", nil), ("r2", "folder", "/srv/films"), ("r3", "put", nil)] as [(String, String, String?)]
            {
                let url = kind == "put" ? Redacted("https://b.example/k?sig=\(id)") : nil
                let place = SecretBox.Place(table: "recordings", column: "sealed_destination_url", row: id)
                try database.execute(
                    sql: """
                        INSERT INTO recordings (id, session, account, client, stream, direction, state, container, file, started_at,
                            destination, destination_folder, sealed_destination_url)
                        VALUES (?, 's', 'a', 'c', 'st', 'publish', 'ready', 'webm', 'f.webm', 1, ?, ?, ?)
                        """, arguments: [id, kind, path, try box.seal(url, for: place)])
            }
            let url = Redacted("https://b.example/k?sig=r3")
            let sealed = try box.seal(url, for: SecretBox.Place(table: "deliveries", column: "sealed_url", row: "upl_3"))
            try database.execute(
                sql: """
                    INSERT INTO deliveries (id, work, account, session, state, attempts, due_at, created_at, recording, file, destination, sealed_url)
                    VALUES ('upl_3', 'upload', 'a', 's', 'pending', 1, 2, 2, 'r3', 'f.webm', 'put', ?)
                    """, arguments: [sealed])
            let hook = try box.seal(
                Redacted("https://h.example/"), for: SecretBox.Place(table: "deliveries", column: "sealed_url", row: "msg_1"))
            try database.execute(
                sql: """
                    INSERT INTO deliveries (id, work, account, session, state, attempts, due_at, created_at, sealed_url, body)
                    VALUES ('msg_1', 'webhook', 'a', 's', 'pending', 0, 2, 2, ?, '{}')
                    """, arguments: [hook])
        }
        try former.close()
        for _ in 0..<2 {
            let ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path + "/data"), logger: .init(label: "test"))
            #expect(try await ledger.recording(RecordingID("r1"))?.destination == .keep)
            #expect(try await ledger.recording(RecordingID("r2"))?.destination == .folder(path: "/srv/films"))
            let put = Destination.put(url: Redacted("https://b.example/k?sig=r3"))
            #expect(try await ledger.recording(RecordingID("r3"))?.destination == put)
            let uploads = try await ledger.dueUploads(at: WallTime(nanoseconds: 9), limit: 9, excluding: [])
            #expect(uploads.map(\.work) == [.upload(recording: RecordingID("r3"), file: "f.webm", destination: put)])
            let webhooks = try await ledger.dueWebhooks(at: WallTime(nanoseconds: 9), limit: 9, excluding: WebhookExclusions())
            #expect(webhooks.map(\.work) == [.webhook(url: Redacted("https://h.example/"), body: "{}")])
        }
    }
}
