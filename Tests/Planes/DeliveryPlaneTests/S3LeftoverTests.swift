import Bridge
import BridgeModel
import StoragePlane
import Testing

@testable import DeliveryPlane

/// Multipart uploads that nothing goes on with.
extension S3UploadTests {
    private func sweeper(_ routes: Routes) throws -> UploadSweeper {
        UploadSweeper(ledger: try folder.ledger(), routes: routes.uploads, environment: OutboxEnvironment(logger: .silent))
    }

    private func send(_ size: Int, of recording: RecordingRow, _ routes: Routes) async throws {
        let file = GrowingFile(path: folder.spool + "/r1.webm", durableSize: Int64(size), rewritable: 4096, isComplete: false)
        await routes.uploads.streaming.grown(file, name: "r1.webm", of: recording)
        while try await folder.ledger().sentParts(of: "r1.webm").isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// Parts went to the store while it ran, and then it came to nothing: a user would pay for them for ever.
    @Test(arguments: [RecordingState.failed, .delivered])
    func theUploadOfARecordingThatCameToNothingIsAborted(state: RecordingState) async throws {
        try folder.spoolFile("r1.webm", length: 17 * Self.mebibyte)
        let server = try server([Self.created, Self.part, .reply(204)])
        var recording = Rows.recording(state: .recording, destination: try destination(server))
        let ledger = try folder.ledger()
        try await ledger.commit([.recording(recording)])
        let routes = try routes(folder)
        try await send(17 * Self.mebibyte, of: recording, routes)
        try await sweeper(routes).sweep(dueAt: .init(nanoseconds: .max))
        #expect(server.received.count == 2, "an upload was aborted while its recording ran")
        recording.state = state
        try await ledger.commit([.recording(recording)])
        try await sweeper(routes).sweep(dueAt: SystemOutboxClock().now)
        #expect(server.received.last?.line == "DELETE /films/client-0/r1.webm?uploadId=up%2F1 HTTP/1.1")
        #expect(try await ledger.leftovers(dueAt: .init(nanoseconds: .max), limit: 9).isEmpty)
        #expect(try await ledger.begunUpload(of: "r1.webm") == nil)
    }

    @Test func aPendingDeliveryKeepsItsUpload() async throws {
        try folder.spoolFile("r1.webm", length: 17 * Self.mebibyte)
        let server = try server([Self.created, Self.part])
        let recording = Rows.recording(state: .failed, destination: try destination(server))
        try await folder.ledger().commit([.recording(recording), .delivery(Rows.upload(to: recording.destination))])
        let routes = try routes(folder)
        try await send(17 * Self.mebibyte, of: recording, routes)
        try await sweeper(routes).sweep(dueAt: SystemOutboxClock().now)
        #expect(server.received.count == 2)
    }

    /// The store does not answer when the delivery is given up: the abort is in the ledger, and a later life of the bridge makes it.
    @Test func anAbortIsTriedUntilTheStoreAnswers() async throws {
        try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        let server = try server([Self.created, .reply(500), .reply(503), .reply(503), .reply(404)])
        #expect(try await attempt(server) == .refused(status: 500, .other("")))
        await (try routes(folder)).uploads.abandon(Rows.upload(to: try destination(server)), of: Rows.recording())
        for attempts in 0...1 {
            #expect(try await folder.ledger().leftovers(dueAt: .init(nanoseconds: .max), limit: 9).map(\.attempts) == [attempts])
            try await sweeper(routes(folder)).sweep(dueAt: SystemOutboxClock().now)
        }
        #expect(server.received.count == 4, "the second attempt waits for its time")
        try await sweeper(routes(folder)).sweep(dueAt: .init(nanoseconds: .max))
        #expect(server.received.map { String($0.line.prefix(4)) } == ["POST", "PUT ", "DELE", "DELE", "DELE"])
        #expect(try await folder.ledger().leftovers(dueAt: .init(nanoseconds: .max), limit: 9).isEmpty)
    }

    /// The place of the file has changed: what is at the former one goes.
    @Test func theUploadAtAFormerPlaceIsLeft() async throws {
        try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        let former = try server([Self.created, .reply(500), .reply(204)])
        #expect(try await attempt(former) == .refused(status: 500, .other("")))
        let other = try server([Self.created, .reply(500)])
        #expect(try await attempt(other) == .refused(status: 500, .other("")))
        try await sweeper(routes(folder)).sweep(dueAt: SystemOutboxClock().now)
        #expect(former.received.last?.line == "DELETE /films/client-0/r1.webm?uploadId=up%2F1 HTTP/1.1")
    }

    private static let anHourAgo = SystemOutboxClock().now.advanced(by: .seconds(-3600))

    private func listing(_ uploads: [(key: String, id: String)]) -> TestServer.Behaviour {
        let items = uploads.map { "<Upload><Key>\($0.key)</Key><UploadId>\($0.id)</UploadId></Upload>" }
        return .reply(200, body: "<ListMultipartUploadsResult>\(items.joined())</ListMultipartUploadsResult>")
    }

    private func asked(_ ledger: SQLiteLedger) async throws -> [UploadIntention] {
        try await ledger.intentions(before: .init(nanoseconds: .max), dueAt: .init(nanoseconds: .max), limit: 9)
    }

    /// What an attempt an hour ago has left that got no answer from the store.
    private func ask(_ server: TestServer) async throws -> SQLiteLedger {
        try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        guard case .failed = try await attempt(server) else { throw BridgeError(.internal, "the store has answered") }
        let ledger = try folder.ledger()
        let first = try #require(try await asked(ledger).first)
        try await ledger.forget(first)
        try await ledger.intend(UploadIntention(id: first.id, origin: first.origin, location: first.location, since: Self.anHourAgo))
        return ledger
    }

    /// The store has begun an upload and the bridge has not heard of it: nobody would ever abort it.
    @Test func anUploadWhoseAnswerWasLostIsAbortedAndNoOther() async throws {
        let key = "client-0/r1.webm"
        let server = try server([
            .reset(afterBody: 0), listing([(key, "lost/1"), (key + "2", "foreign"), ("client-0/r1", "other"), (key, "known")]), .reply(204),
        ])
        let ledger = try await ask(server)
        let known = BegunUpload(location: "http://127.0.0.1:\(server.port) films \(key)", uploadID: "known")
        try await ledger.begin(known, from: nil, of: "r1.webm")
        #expect(try await sweeper(routes(folder)).sweep(dueAt: SystemOutboxClock().now))
        #expect(
            server.received.map { $0.line.split(separator: " ")[..<2].joined(separator: " ") } == [
                "POST /films/client-0/r1.webm?uploads=", "GET /films?prefix=client-0%2Fr1.webm&uploads=",
                "DELETE /films/client-0/r1.webm?uploadId=lost%2F1",
            ])
        #expect(try await asked(ledger).isEmpty)
    }

    /// Its id may come to be known any moment; until then the store is not asked again and again.
    @Test func nothingIsAbortedWhereAnUploadIsJustBegun() async throws {
        let lost = listing([("client-0/r1.webm", "lost")])
        let server = try server([.reset(afterBody: 0)] + Array(repeating: lost, count: 7) + [.reply(204)])
        let ledger = try await ask(server)
        var young = try #require(try await asked(ledger).first)
        (young.id, young.since) = ("young", SystemOutboxClock().now)
        try await ledger.intend(young)
        for isDone in [false, false, false, false, false, true] {
            #expect(try await sweeper(routes(folder)).sweep(dueAt: SystemOutboxClock().now.advanced(by: .seconds(10))) == isDone)
            // A look that comes too early, because somebody rang, is not the last one for a while.
            #expect(try await sweeper(routes(folder)).sweep(dueAt: SystemOutboxClock().now) == isDone)
        }
        #expect(server.received.count == 7)
        #expect(try await sweeper(routes(folder)).sweep(dueAt: SystemOutboxClock().now.advanced(by: .seconds(50))))
        #expect(server.received.map { String($0.line.prefix(4)) } == ["POST"] + Array(repeating: "GET ", count: 6))
        try await ledger.forget(young)
        #expect(try await asked(ledger).count == 1)
        try await sweeper(routes(folder)).sweep(dueAt: SystemOutboxClock().now.advanced(by: .seconds(70)))
        #expect(server.received.last?.line == "DELETE /films/client-0/r1.webm?uploadId=lost HTTP/1.1")
    }

    /// Nothing is asked of a store about what has just been asked for, or was answered.
    @Test func onlyAnOldQuestionIsLookedAfter() async throws {
        try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        let server = try server([.reset(afterBody: 0), Self.created, .reply(500)])
        for _ in 0..<2 { #expect(try await attempt(server) != .stored) }
        try await sweeper(routes(folder)).sweep(dueAt: .init(nanoseconds: .max))
        #expect(!server.received.contains { $0.line.hasPrefix("GET") })
        let left = try await asked(folder.ledger())
        #expect(left.count == 1, "the first has no answer, the second has")
    }

    @Test(arguments: [403, 503]) func aStoreThatDoesNotTellIsAskedAgain(status: Int) async throws {
        let server = try server([.reset(afterBody: 0), .reply(status), listing([("client-0/r1.webm", "lost")]), .reply(204)])
        let ledger = try await ask(server)
        let soon = SystemOutboxClock().now
        try await sweeper(routes(folder)).sweep(dueAt: soon)
        #expect(try await ledger.intentions(before: soon, dueAt: soon, limit: 9).isEmpty, "the next look waits for its time")
        try await sweeper(routes(folder)).sweep(dueAt: .init(nanoseconds: .max))
        #expect(server.received.last?.line == "DELETE /films/client-0/r1.webm?uploadId=lost HTTP/1.1")
    }
}
