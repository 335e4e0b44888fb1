import Bridge
import BridgeModel
import Foundation
import StoragePlane
import Testing

@testable import DeliveryPlane

/// Files that go to WebDAV servers of all kinds: in parts where that works, at once elsewhere, and whole in any case.
@Suite(.timeLimit(.minutes(1))) struct WebDAVUploadTests {
    static let mebibyte = 1 << 20
    private static let name = "client-0/r1.webm"
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func sweeper(_ routes: Routes) throws -> UploadSweeper {
        UploadSweeper(ledger: try folder.ledger(), routes: routes.uploads, environment: OutboxEnvironment(logger: .silent))
    }

    /// Lets a file of the spool grow to so many MiB, and returns when nothing is left to do before it goes on.
    private func grow(to sizes: [Int], file: String = "r1.webm", _ routes: Routes, _ server: MemoryDAV) async throws {
        let recording = Rows.recording(destination: try server.destination())
        for size in sizes {
            let file = GrowingFile(
                path: "\(folder.spool)/\(file)", durableSize: Int64(size * Self.mebibyte), rewritable: 4096, isComplete: false)
            await routes.uploads.streaming.grown(file, name: "r1.webm", of: recording)
        }
        while await routes.uploads.streams.isUnderWay("r1.webm") { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// The recorder writes the beginning of the file last. The content now.
    private func finish(_ content: Data) throws -> Data {
        let header = Data(repeating: 9, count: 4096)
        let file = try #require(FileHandle(forWritingAtPath: folder.spool + "/r1.webm"))
        try file.write(contentsOf: header)
        try file.close()
        return header + content[header.count...]
    }

    private func attempt(_ routes: Routes, _ server: MemoryDAV) async throws -> AttemptOutcome {
        let destination = try server.destination()
        return await routes.uploads.attempt(Rows.upload(to: destination), of: Rows.recording(destination: destination))
    }

    /// The one temporary file.
    private func temporary(_ server: MemoryDAV) throws -> String {
        let name = server.names.first { $0.hasPrefix("client-0/.r1.webm.upl_") && $0.hasSuffix(".part") }
        return try #require(name, "\(server.names)")
    }

    /// The file is at the server, nothing else is, and the ledger knows of nothing more to do.
    private func expectWhole(_ content: Data, _ server: MemoryDAV, _ routes: Routes) async throws {
        try await sweeper(routes).sweep(dueAt: .init(nanoseconds: .max))
        #expect(server.names == [Self.name])
        #expect(server.files[Self.name] == content)
        #expect(try await folder.ledger().begunUpload(of: "r1.webm") == nil)
        #expect(try await folder.ledger().leftovers(dueAt: .init(nanoseconds: .max), limit: 9).isEmpty)
    }

    @Test func aSmallFileIsSentAtOnce() async throws {
        let content = try folder.spoolFile("r1.webm", length: 1_000_000)
        let (server, routes) = (try MemoryDAV(), try routes(folder))
        #expect(try await attempt(routes, server) == .stored)
        #expect(server.calls == ["PUT", "HEAD", "MOVE"])
        try await expectWhole(content, server, routes)
    }

    @Test func aGrowingFileIsThereWhenItEnds() async throws {
        var content = try folder.spoolFile("r1.webm", length: 10 * Self.mebibyte + 7)
        let (server, routes) = (try MemoryDAV(), try routes(folder))
        try await grow(to: [1], routes, server)
        #expect(server.names.isEmpty, "nothing is final behind the first part yet")
        try await grow(to: [2, 5, 9, 10, 10], routes, server)
        let part = try temporary(server)
        #expect(server.names.count == 1, "who looks at the collection sees no file before it is complete")
        #expect(server.files[part] == content[..<(10 * Self.mebibyte)])
        content = try finish(content)
        let before = server.calls.count
        #expect(try await attempt(routes, server) == .stored)
        let tail = "10485760-10485766"
        #expect(
            Array(server.calls[before...]) == [
                "PUT bytes \(tail)/*", "GET bytes=\(tail)", "PUT bytes 0-1048575/*", "GET bytes=0-1048575", "GET bytes=2093056-2097151",
                "HEAD", "MOVE",
            ])
        try await expectWhole(content, server, routes)
    }

    /// What no server may do: that what it has in the end is another file, or none, or that somebody hears of it.
    @Test(arguments: [
        MemoryDAV.Manners.replaces, .replacesAndClaims((1 << 20) + (64 << 10)), .appends, .refuses(400), .refuses(403), .refuses(405),
        .refuses(409), .refuses(412), .refuses(416), .refuses(500), .refuses(501), .refuses(503), .refuses(301), .resets, .cuts,
    ])
    func whereNoPartsAreTakenTheFileIsSentAtOnce(manners: MemoryDAV.Manners) async throws {
        for grown in [[], [3], [3, 9]] {
            let content = try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte + 1)
            let (server, routes) = (try MemoryDAV(manners), try routes(folder))
            if !grown.isEmpty { try await grow(to: grown, routes, server) }
            // The claim is about parts.
            if case .replacesAndClaims = manners { server.behave(.replacesAndClaims(content.count)) }
            #expect(try await attempt(routes, server) == .stored, "\(grown)")
            try await expectWhole(content, server, routes)
        }
    }

    @Test(arguments: [MemoryDAV.Manners.replaces, .refuses(501), .refuses(503)])
    func whatAServerDoesIsRemembered(manners: MemoryDAV.Manners) async throws {
        try folder.spoolFile("r1.webm", length: 10 * Self.mebibyte)
        let (server, routes) = (try MemoryDAV(manners), try routes(folder))
        try await grow(to: [2, 4], routes, server)
        try await grow(to: [6], routes, server)
        #expect(server.parts.count == 1)
        #expect(try await attempt(routes, server) == .stored)
        // One that is busy is asked again when something depends on it.
        #expect(server.parts.count == (manners == .refuses(503) ? 2 : 1))
    }

    /// Somebody tidies the server while the recording runs; no kind of server makes a file with a gap of that.
    @Test(arguments: [MemoryDAV.Loss.refused, .told, .silent], [2, 5, 9, 10, 11])
    func aTemporaryFileThatIsLostIsMadeAnew(how: MemoryDAV.Loss, part: Int) async throws {
        let content = try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte + 7)
        let (server, routes) = (try MemoryDAV(losing: (part, how)), try routes(folder))
        try await grow(to: [3, 5, 7, 9], routes, server)
        #expect(try await attempt(routes, server) == .stored)
        #expect(server.parts.count >= part, "the file was not lost")
        try await expectWhole(content, server, routes)
    }

    /// What this process has read back is not read again, or the end of a long recording would wait for it; after a restart the bytes decide.
    @Test(arguments: [false, true]) func whatAnotherProcessSentIsCompared(isRestarted: Bool) async throws {
        var content = try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte + 7)
        let (server, first) = (try MemoryDAV(), try routes(folder))
        try await grow(to: [9], first, server)
        content = try finish(content)
        let (part, place) = (try temporary(server), 5 * Self.mebibyte)
        server.change { $0[part]?.replaceSubrange(place..<(place + 3), with: Data("rot".utf8)) }
        #expect(try await attempt(isRestarted ? routes(folder) : first, server) == .stored)
        #expect((server.files[Self.name] == content) == isRestarted)
        #expect(server.names == [Self.name])
    }

    /// What is right stays: only what was cut off, what had not been sent, and the first part are sent again.
    @Test func aRestartGoesOnWithTheTemporaryFile() async throws {
        var content = try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte + 7)
        let server = try MemoryDAV()
        try await grow(to: [7], routes(folder), server)
        content = try finish(content)
        let part = try temporary(server)
        server.change { $0[part]?.removeLast(1000) }
        let (before, second) = (server.parts.count, try routes(folder))
        #expect(try await attempt(second, server) == .stored)
        #expect(Array(server.parts[before...]) == ["bytes 6291456-9437190/*", "bytes 0-1048575/*"])
        try await expectWhole(content, server, second)
    }

    /// The recorder dies, and the finisher makes the file anew: what was sent of the first one has the right sizes, and other bytes.
    @Test(arguments: [9, 5, 2]) func partsOfAnotherFileAreSentAgain(mebibytes: Int) async throws {
        let content = try folder.spoolFile("r1.webm", length: mebibytes * Self.mebibyte + 3)
        try Data(repeating: 7, count: 9 * Self.mebibyte).write(to: URL(fileURLWithPath: folder.spool + "/part-1-1.webm"))
        let (server, routes) = (try MemoryDAV(), try routes(folder))
        try await grow(to: [5], file: "part-1-1.webm", routes, server)
        await routes.uploads.streaming.completed(folder.spool + "/joined-1.webm", name: "r1.webm")
        #expect(try await attempt(routes, server) == .stored)
        try await expectWhole(content, server, routes)
    }

    /// The server is away for a while, at any moment: what it has is kept, and the next attempt goes on.
    @Test(arguments: ["PUT", "GET", "HEAD", "MOVE"]) func aServerThatIsBusyGetsTheRestLater(method: String) async throws {
        let content = try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte + 7)
        let (server, routes) = (try MemoryDAV(), try routes(folder))
        try await grow(to: [4], routes, server)
        server.refuse(method, 503)
        try await grow(to: [7], routes, server)
        #expect(try await attempt(routes, server) == .refused(status: 503, .slowDown))
        let part = try temporary(server)
        server.refuse(method, nil)
        #expect(try await attempt(routes, server) == .stored)
        #expect(server.calls.filter { $0 == "PUT" }.count == 1 || method == "PUT", "\(part) was begun anew")
        try await expectWhole(content, server, routes)
    }

    /// A server that is away while the recording runs gets few requests, and nothing has to be removed there.
    @Test func aServerThatIsAwayIsNotAskedAtEachMoment() async throws {
        try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        let (server, routes) = (try MemoryDAV(), try routes(folder))
        server.refuse("PUT", 503)
        for size in 2...9 { try await grow(to: [size], routes, server) }
        #expect(server.calls == ["PUT"])
        server.refuse("PUT", nil)
        #expect(try await attempt(routes, server) == .stored)
        try await sweeper(routes).sweep(dueAt: .init(nanoseconds: .max))
        #expect(server.names == [Self.name])
    }

    @Test(arguments: [RecordingState.failed, .delivered])
    func whatWasSentOfARecordingThatCameToNothingIsRemoved(state: RecordingState) async throws {
        try folder.spoolFile("r1.webm", length: 5 * Self.mebibyte)
        let (server, first) = (try MemoryDAV(), try routes(folder))
        var recording = Rows.recording(state: .recording, destination: try server.destination())
        let ledger = try folder.ledger()
        try await ledger.commit([.recording(recording)])
        try await grow(to: [5], first, server)
        try await sweeper(first).sweep(dueAt: .init(nanoseconds: .max))
        #expect(server.names.count == 1, "a file was removed while its recording ran")
        recording.state = state
        try await ledger.commit([.recording(recording)])
        server.refuse("DELETE", 503)
        try await sweeper(routes(folder)).sweep(dueAt: SystemOutboxClock().now)
        #expect(server.names.count == 1)
        server.refuse("DELETE", nil)
        try await sweeper(routes(folder)).sweep(dueAt: .init(nanoseconds: .max))
        #expect(server.names.isEmpty)
        #expect(try await ledger.leftovers(dueAt: .init(nanoseconds: .max), limit: 9).isEmpty)
        #expect(try await ledger.begunUpload(of: "r1.webm") == nil)
    }

    @Test(arguments: [false, true]) func whatADeliveryThatIsGivenUpHasLeftIsRemoved(isAway: Bool) async throws {
        try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        let (server, routes) = (try MemoryDAV(), try routes(folder))
        try await grow(to: [7], routes, server)
        server.refuse("PUT", 507)
        #expect(try await attempt(routes, server) == .refused(status: 507, .full))
        if isAway { server.refuse("DELETE", 503) }
        await routes.uploads.abandon(Rows.upload(to: try server.destination()), of: Rows.recording(destination: try server.destination()))
        #expect(server.names.isEmpty != isAway)
        #expect(try await folder.ledger().leftovers(dueAt: .init(nanoseconds: .max), limit: 9).isEmpty != isAway)
        server.refuse("DELETE", nil)
        try await sweeper(routes).sweep(dueAt: .init(nanoseconds: .max))
        #expect(server.names.isEmpty)
    }

    /// The path of a server's URL may be a link that is shared, and the ledger's places stand in logs.
    @Test func thePlaceInTheLedgerTellsNoPath() async throws {
        try folder.spoolFile("r1.webm", length: 5 * Self.mebibyte)
        let server = try MemoryDAV()
        try await grow(to: [5], routes(folder), server)
        let location = try #require(try await folder.ledger().begunUpload(of: "r1.webm")).location
        #expect(!location.contains("films") && location.hasPrefix("webdav http://127.0.0.1:"), "\(location)")
    }
}
