import Bridge
import BridgeModel
import Foundation
import GRDB
import Logging
import Testing

@testable import StoragePlane

@Suite struct ConferenceStoreTests {
    private let folder: DataFolder

    init() throws { folder = try DataFolder() }

    private func row(_ id: String, at time: Int64, token: String? = "hush-token") throws -> ConferenceRow {
        let url = try DeliveryURL(parsing: Redacted("https://meet.example/hush-path"), rules: AddressRules())
        return ConferenceRow(
            id: ConferenceID(id), stream: StreamID("yard"), target: .whip(WHIPTarget(url: url, token: token.map { Redacted($0) })),
            createdAt: WallTime(nanoseconds: time))
    }

    @Test func conferencesComeBackAndTheirSecretsAreSealed() async throws {
        let store = SQLiteConferenceStore(try StorageDatabase(dataFolder: folder.path), logger: .init(label: "test"))
        var first = try row("b", at: 5)
        var second = try row("a", at: 6, token: nil)
        let secrets: JSONValue = [
            "url": "https://meet.example/hush-janus", "room": "hush-room", "display": "hush-display", "pin": "hush-pin",
            "token": "hush-token", "api_secret": "hush-secret",
        ]
        second.target = try ConferenceTarget(.janusVideoRoom, reading: secrets, rules: AddressRules())
        try await store.save(second)
        try await store.save(first)
        #expect(try await store.conferences() == [first, second])
        first.resource = Redacted("https://meet.example/hush-resource")
        first.end = BridgeError(.conferenceRefused, "401")
        try await store.save(first)
        #expect(try await store.conferences() == [first, second])
        #expect(try folder.contents().firstRange(of: Data("hush".utf8)) == nil)
        try await store.remove(first.id)
        try await store.remove(first.id)
        #expect(try await store.conferences() == [second])
    }

    @Test func oneThatCannotBeReadDoesNotKeepTheOthersOut() async throws {
        let database = try StorageDatabase(dataFolder: folder.path)
        let store = SQLiteConferenceStore(database, logger: .init(label: "test"))
        let good = try row("good", at: 1)
        try await store.save(good)
        for (id, change) in [("kind", "kind = 'later'"), ("blob", "sealed_target = x'00'"), ("moved", "id = 'other'")] {
            try await store.save(try row(id, at: 2))
            try await database.write { try $0.execute(sql: "UPDATE conferences SET \(change) WHERE id = '\(id)'") }
        }
        #expect(try await store.conferences() == [good])
    }
}
