import Bridge
import BridgeModel
import Foundation
import Logging
import StoragePlane
import Testing

@Suite struct SQLiteLedgerTests {
    private let folder: DataFolder
    private let ledger: SQLiteLedger

    init() throws {
        folder = try DataFolder()
        ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: .silent)
    }

    /// Another process's view: a ledger that was opened anew.
    private func reopened() throws -> SQLiteLedger { SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: .silent) }

    @Test(arguments: SessionRow.State.allCases)
    func sessionsComeBackAsTheyWere(state: SessionRow.State) async throws {
        var row = Rows.session(state: state)
        try await ledger.commit([.session(row)])
        #expect(try await reopened().session(SessionID("s1")) == row)
        row.webhookURL = nil
        row.endedAt = Rows.start.advanced(by: .seconds(9))
        row.cause = .connectionTimeout
        try await ledger.commit([.session(row)])
        #expect(try await reopened().session(SessionID("s1")) == row)
        #expect(try await ledger.session(SessionID("other")) == nil)
    }

    @Test(arguments: [Destination.keep, .folder(path: "/srv/recordings"), .put(url: Redacted("https://bucket.example/k?sig=a%2Fb"))])
    func recordingsComeBackAsTheyWere(destination: Destination) async throws {
        for state in RecordingState.allCases {
            let row = Rows.recording(state: state, destination: destination)
            try await ledger.commit([.recording(row)])
            #expect(try await reopened().recording(RecordingID("r1")) == row)
        }
    }

    @Test func everyColumnOfARecordingIsKept() async throws {
        let row = Rows.fullRecording()
        try await ledger.commit([.recording(row)])
        #expect(try await reopened().recording(row.id) == row)
        #expect(try await ledger.recording(RecordingID("other")) == nil)
    }

    @Test(arguments: [Destination.keep, .folder(path: "/srv/recordings"), .put(url: Redacted("https://bucket.example/k"))])
    func uploadsComeBackAsTheyWere(destination: Destination) async throws {
        var row = Rows.upload("upl_1", of: "r1", to: destination)
        row.attempts = 3
        row.lastStatus = 0
        row.lastError = "the destination was too slow"
        // The delivery before its recording: references are checked at the commit.
        try await ledger.commit([.delivery(row), .recording(Rows.recording())])
        #expect(try await reopened().delivery(row.id) == row)
    }

    @Test func webhooksComeBackAsTheyWere() async throws {
        var row = Rows.webhook("msg_1")
        try await ledger.commit([.delivery(row)])
        let stored = try #require(await reopened().delivery(row.id))
        row.receiver = stored.receiver
        #expect(row.receiver != nil && stored == row)
    }

    @Test func replacingARecordingKeepsItsDeliveries() async throws {
        let upload = Rows.upload("upl_1", of: "r1", to: .keep)
        try await ledger.commit([.recording(Rows.recording()), .delivery(upload)])
        try await ledger.commit([.recording(Rows.recording(state: .delivered))])
        #expect(try await ledger.delivery(upload.id) == upload)
    }

    @Test func aCommitIsAllOrNothing() async throws {
        let orphan = Rows.upload("upl_1", of: "nowhere", to: .keep)
        await #expect(throws: BridgeError.self) {
            try await ledger.commit([.session(Rows.session()), .delivery(Rows.webhook("msg_1")), .delivery(orphan)])
        }
        #expect(try await ledger.session(SessionID("s1")) == nil)
        #expect(try await ledger.delivery(DeliveryID("msg_1")) == nil)
    }

    @Test func aCommitOutlivesTheCancellationOfItsCaller() async throws {
        let task = Task { [ledger] in
            withUnsafeCurrentTask { $0?.cancel() }
            try await ledger.commit([.session(Rows.session())])
        }
        try await task.value
        #expect(try await ledger.session(SessionID("s1")) != nil)
    }

    @Test func dueDeliveriesComeOldestFirst() async throws {
        let rows = [Rows.webhook("c", due: 2), Rows.webhook("a", due: 1), Rows.webhook("b", due: 1), Rows.webhook("later", due: 10)]
        let ended = [Rows.webhook("dead", state: .dead), Rows.webhook("done", state: .delivered)]
        try await ledger.commit((rows + ended).map { .delivery($0) })
        let now = Rows.start.advanced(by: .seconds(2))
        #expect(try await due(now) == ["a", "b", "c"])
        #expect(try await due(now, limit: 2) == ["a", "b"])
        #expect(try await due(now, limit: -1) == [])
        #expect(try await due(now, excluding: ["a", "c", "unknown", #"quote'"]"#]) == ["b"])
        #expect(try await due(Rows.start) == [])
        #expect(try await ledger.nextDeliveryDue() == Rows.start.advanced(by: .seconds(1)))
    }

    @Test func manyDeliveriesMayBeExcluded() async throws {
        try await ledger.commit([.delivery(Rows.webhook("a"))])
        let others = Set((0..<50_000).map { DeliveryID("id-\($0)") })
        #expect(try await due(Rows.start, excluding: others.map(\.rawValue)) == ["a"])
    }

    @Test func anEmptyOutboxIsNeverDue() async throws {
        #expect(try await ledger.nextDeliveryDue() == nil)
        #expect(try await due(Rows.start) == [])
    }

    @Test func endedDeliveriesArePruned() async throws {
        let rows = [Rows.webhook("old", state: .dead), Rows.webhook("new", due: 100, state: .delivered), Rows.webhook("pending")]
        try await ledger.commit(rows.map { .delivery($0) })
        #expect(try await ledger.pruneDeliveries(before: Rows.start.advanced(by: .seconds(50))) == 1)
        #expect(try await ledger.delivery(DeliveryID("old")) == nil)
        #expect(try await ledger.delivery(DeliveryID("new")) != nil)
        #expect(try await ledger.delivery(DeliveryID("pending")) != nil)
    }

    @Test func rowsAreListedByStateAndAge() async throws {
        let recordings = [
            Rows.recording("b", state: .armed, at: 2), Rows.recording("a", state: .recording, at: 1),
            Rows.recording("c", state: .delivered, at: 3),
        ]
        let sessions = [
            Rows.session("y", state: .created, at: 2), Rows.session("x", state: .active, at: 1), Rows.session("z", state: .terminated),
        ]
        try await ledger.commit(recordings.map { .recording($0) } + sessions.map { .session($0) })
        #expect(try await ledger.recordings(in: [.armed, .recording]).map(\.id.rawValue) == ["a", "b"])
        #expect(try await ledger.recordings(in: []).isEmpty)
        #expect(try await ledger.recentRecordings(limit: 2, after: nil).map(\.id.rawValue) == ["c", "b"])
        #expect(try await ledger.recentRecordings(limit: 2, after: RecordingID("c")).map(\.id.rawValue) == ["b", "a"])
        #expect(try await ledger.recentRecordings(limit: 2, after: RecordingID("unknown")).isEmpty)
        #expect(try await ledger.sessions(in: [.created, .active]).map(\.context.session.rawValue) == ["x", "y"])
    }

    @Test func concurrentCommitsAreAllKept() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<200 { group.addTask { try await ledger.commit([.delivery(Rows.webhook("msg_\(index)"))]) } }
            try await group.waitForAll()
        }
        #expect(try await due(Rows.start, limit: 1000).count == 200)
    }

    @Test func noSecretStandsOnTheDisk() async throws {
        try await ledger.commit([
            .session(Rows.session()), .recording(Rows.fullRecording()), .delivery(Rows.webhook("msg_1")),
            .delivery(Rows.upload("upl_1", of: "full", to: .put(url: Redacted("https://bucket.example/upload-secret")))),
        ])
        let contents = try folder.contents()
        #expect(contents.range(of: Data("client-0".utf8)) != nil, "the search itself works")
        #expect(contents.range(of: Data("-secret".utf8)) == nil)
        #expect(contents.range(of: Data("example".utf8)) == nil)
    }

    private func due(_ now: WallTime, limit: Int = 100, excluding: [String] = []) async throws -> [String] {
        let known = WebhookExclusions(webhooks: Set(excluding.map(DeliveryID.init)))
        return try await ledger.dueWebhooks(at: now, limit: limit, excluding: known).map(\.id.rawValue)
    }
}
