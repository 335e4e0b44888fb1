import Bridge
import BridgeModel
import DeliveryPlane
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1))) struct HTTPUploadTests {
    private let folder: TestFolder
    private let content: Data

    init() throws {
        folder = try TestFolder()
        content = try folder.spoolFile("r1.webm", length: 3_000_001)
    }

    private func attempt(_ url: String, limit: Duration = .seconds(30), rules: AddressRules = AddressRules(allowPrivate: true)) async throws
        -> AttemptOutcome
    {
        try await routes(folder, rules: rules, limit: limit).attempt(Rows.upload(to: .put(url: Redacted(url))))
    }

    @Test func theFileArrivesWholeAndWithNoHeaderTooMany() async throws {
        let server = try TestServer(.reply(200))
        let target = "/bucket/key?X-Amz-Signature=ab%2Fcd+e%3D&X-Amz-SignedHeaders=host"
        #expect(try await attempt(server.url(target)) == .replied(status: 200, retryAfter: nil))
        let request = try #require(server.received.first)
        #expect(request.line == "PUT \(target) HTTP/1.1")
        #expect(request.body == content)
        #expect(Set(request.headers.map { $0.lowercased() }) == ["host: 127.0.0.1:\(server.port)", "content-length: \(content.count)"])
    }

    @Test(arguments: [0, 1, 128 * 1024, 128 * 1024 + 1])
    func anyLengthArrives(length: Int) async throws {
        let content = try folder.spoolFile("r1.webm", length: length)
        let server = try TestServer(.reply(201))
        #expect(try await attempt(server.url("/")) == .replied(status: 201, retryAfter: nil))
        #expect(server.received.first?.body == content)
        #expect(server.received.first?.header("content-length") == "\(length)")
    }

    @Test(arguments: [301, 302, 303, 304, 400, 403, 408, 429, 500, 503])
    func statusesComeBack(status: Int) async throws {
        let server = try TestServer(.reply(status, headers: ["location: /elsewhere"]))
        #expect(try await attempt(server.url("/")) == .replied(status: status, retryAfter: nil))
        #expect(server.connectionCount == 1)
    }

    @Test(arguments: [307, 308])
    func threeRedirectsAreFollowedWithTheWholeBody(status: Int) async throws {
        let server = try TestServer { $0 < 3 ? .reply(status, headers: ["location: /step\($0 + 1)?k=v"]) : .reply(200) }
        #expect(try await attempt(server.url("/")) == .replied(status: 200, retryAfter: nil))
        #expect(server.received.map(\.line) == ["PUT / HTTP/1.1"] + (1...3).map { "PUT /step\($0)?k=v HTTP/1.1" })
        #expect(server.received.allSatisfy { $0.body == content })
    }

    @Test func theFourthRedirectIsTheOutcome() async throws {
        let server = try TestServer(.reply(307, headers: ["location: /again"]))
        #expect(try await attempt(server.url("/")) == .replied(status: 307, retryAfter: nil))
        #expect(server.connectionCount == 4)
    }

    @Test func aRedirectMayComeBeforeTheBodyIsRead() async throws {
        let server = try TestServer { $0 == 0 ? .replyEarly(307, headers: ["location: /b"]) : .reply(200) }
        #expect(try await attempt(server.url("/")) == .replied(status: 200, retryAfter: nil))
        #expect(server.received.last?.body == content)
    }

    @Test(arguments: [
        ("http://169.254.169.254/latest/meta-data/", AttemptFault.blockedAddress(.linkLocal)),
        ("http://[fe80::1]/", .blockedAddress(.linkLocal)), ("ftp://127.0.0.1/", .refusedURL), ("http://0x7f.1/", .refusedURL),
        ("http://nowhere.example/", .unresolvable),
    ])
    func eachRedirectIsChecked(location: String, fault: AttemptFault) async throws {
        let server = try TestServer(.reply(307, headers: ["location: \(location)"]))
        #expect(try await attempt(server.url("/")) == .failed(fault))
        #expect(server.connectionCount == 1)
    }

    @Test func aRedirectWithoutLocationIsTheOutcome() async throws {
        let server = try TestServer(.reply(307))
        #expect(try await attempt(server.url("/")) == .replied(status: 307, retryAfter: nil))
    }

    @Test func successBeforeTheEndIsNone() async throws {
        // More than all socket buffers hold, so that the reply comes before the body's end.
        try folder.spoolFile("r1.webm", length: 40_000_000)
        let server = try TestServer(.replyEarly(200))
        #expect(try await attempt(server.url("/")) == .failed(.invalidReply))
    }

    /// All of it lies in the kernel's buffers when the reply comes.
    @Test(arguments: [1, 64, 65, 1000, 200_000])
    func successOfAShortFileBeforeItWasReadIsNone(length: Int) async throws {
        let content = try folder.spoolFile("r1.webm", length: length)
        let early = try TestServer(.replyEarly(200))
        #expect(try await attempt(early.url("/")) == .failed(.invalidReply))
        let server = try TestServer(.reply(200))
        #expect(try await attempt(server.url("/")) == .replied(status: 200, retryAfter: nil))
        #expect(server.received.last?.body == content)
    }

    @Test func aRefusalBeforeTheEndIsHeard() async throws {
        try folder.spoolFile("r1.webm", length: 40_000_000)
        let server = try TestServer(.replyEarly(403))
        #expect(try await attempt(server.url("/")) == .replied(status: 403, retryAfter: nil))
    }

    @Test func aStalledDestinationIsLeft() async throws {
        try folder.spoolFile("r1.webm", length: 40_000_000)
        for behaviour in [TestServer.Behaviour.stopReading, .hang] {
            let server = try TestServer(behaviour)
            let start = ContinuousClock.now
            #expect(try await attempt(server.url("/"), limit: .milliseconds(500)) == .failed(.timedOut), "\(behaviour)")
            #expect(ContinuousClock.now - start < .seconds(15))
        }
    }

    @Test func aResetInTheMiddleIsALostConnection() async throws {
        try folder.spoolFile("r1.webm", length: 40_000_000)
        let server = try TestServer(.reset(afterBody: 1_000_000))
        #expect(try await attempt(server.url("/")) == .failed(.connectionLost))
    }

    @Test func nobodyListening() async throws {
        let closed = try ClosedPort()
        #expect(try await attempt("http://127.0.0.1:\(closed.port)/") == .failed(.unreachable))
        withExtendedLifetime(closed) {}
    }

    @Test(arguments: ["../data/viaduct.db", "/etc/passwd", "", ".", "..", "missing.webm", "a\0b", "link.webm", "folder.webm"])
    func onlyFilesOfTheSpoolAreSent(name: String) async throws {
        try FileManager.default.createSymbolicLink(atPath: folder.spool + "/link.webm", withDestinationPath: "/etc/passwd")
        try FileManager.default.createDirectory(atPath: folder.spool + "/folder.webm", withIntermediateDirectories: true)
        let server = try TestServer(.reply(200))
        for destination in [Destination.put(url: Redacted(server.url("/"))), .folder(path: folder.path + "/out")] {
            var row = Rows.upload(to: destination)
            row.work = .upload(recording: RecordingID("r1"), file: name, destination: destination)
            #expect(try await routes(folder).attempt(row) == .failed(.fileMissing))
        }
        #expect(server.connectionCount == 0)
    }
}

@Suite struct FolderUploadTests {
    private let folder: TestFolder
    private let content: Data

    init() throws {
        folder = try TestFolder()
        content = try folder.spoolFile("r1.webm", length: 2_500_001)
    }

    private var out: String { folder.path + "/out/deep" }

    private func attempt(_ path: String) async throws -> AttemptOutcome {
        try await routes(folder).attempt(Rows.upload(to: .folder(path: path)))
    }

    @Test func theFileArrivesAloneAndPrivate() async throws {
        #expect(try await attempt(out) == .stored)
        #expect(try Data(contentsOf: URL(fileURLWithPath: out + "/r1.webm")) == content)
        #expect(try FileManager.default.contentsOfDirectory(atPath: out) == ["r1.webm"])
        #expect(try FileManager.default.attributesOfItem(atPath: out)[.posixPermissions] as? Int == 0o750)
        let mode = try FileManager.default.attributesOfItem(atPath: out + "/r1.webm")[.posixPermissions] as? Int
        #expect((mode ?? 0o777) & 0o137 == 0)
    }

    @Test func aRepeatedAttemptReplacesWhatAnEarlierOneLeft() async throws {
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        for left in ["r1.webm", ".r1.webm.upl_1.part"] { try Data("old".utf8).write(to: URL(fileURLWithPath: "\(out)/\(left)")) }
        for _ in 0..<2 { #expect(try await attempt(out) == .stored) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: out + "/r1.webm")) == content)
        #expect(try FileManager.default.contentsOfDirectory(atPath: out) == ["r1.webm"])
    }

    @Test(arguments: ["", "relative", "./out", "/tmp/../etc", "/tmp/a/..", "/tmp/a\0b"])
    func onlyAbsoluteFoldersAreWritten(path: String) async throws {
        #expect(try await attempt(path) == .failed(.impossible))
    }

    @Test func aFolderThatCannotBeWrittenIsNamed() async throws {
        try Data().write(to: URL(fileURLWithPath: folder.path + "/plain"))
        #expect(try await attempt(folder.path + "/plain") == .failed(.folderUnwritable))
        #expect(try await attempt(folder.path + "/plain/out") == .failed(.folderUnwritable))
        #expect(try await attempt("/proc/viaduct") == .failed(.folderUnwritable))
    }

    @Test func aLinkUnderTheTemporaryNameIsNotWrittenThrough() async throws {
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        let temporary = out + "/.r1.webm.upl_1.part"
        try FileManager.default.createSymbolicLink(atPath: temporary, withDestinationPath: folder.path + "/victim")
        #expect(try await attempt(out) == .failed(.folderUnwritable))
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/victim"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: out).isEmpty)
    }
}
