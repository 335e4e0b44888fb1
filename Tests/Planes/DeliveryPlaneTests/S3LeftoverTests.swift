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
}
