import Bridge
import BridgeModel
import Foundation
import StoragePlane
import Testing

@testable import DeliveryPlane

/// The examples of "Authenticating Requests: Using the Authorization Header" in the Amazon S3 API Reference.
@Suite struct RequestSignerTests {
    private let credentials = S3Destination.Credentials(
        accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: Redacted("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
    private let scope = SigningScope(at: WallTime(milliseconds: 1_369_353_600_000), region: "us-east-1")

    private func signature(
        _ method: String, _ path: String, query: [CanonicalRequest.Field] = [], headers: [CanonicalRequest.Field] = [],
        payload: String = S3Call.hashOfNothing
    ) -> String {
        let fields =
            headers + [
                .init("host", "examplebucket.s3.amazonaws.com"), .init("x-amz-content-sha256", payload),
                .init("x-amz-date", scope.timestamp),
            ]
        let request = CanonicalRequest(method: method, path: path, query: query, headers: fields, payloadHash: payload)
        return RequestSigner.authorization(of: request, scope, credentials)
    }

    @Test func theDocumentedSignaturesAreMade() {
        let get = signature("GET", "/test.txt", headers: [.init("range", "bytes=0-9")])
        #expect(
            get
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )
        let body = FileDigest(of: Array("Welcome to Amazon S3.".utf8))
        let put = signature(
            "PUT", "/" + PercentEncoding.encode("test$file.text"),
            headers: [.init("date", "Fri, 24 May 2013 00:00:00 GMT"), .init("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            payload: body.sha256)
        #expect(put.hasSuffix("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"), "\(put)")
        let lifecycle = signature("GET", "/", query: [.init("lifecycle", "")])
        #expect(lifecycle.hasSuffix("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"), "\(lifecycle)")
        let list = signature("GET", "/", query: [.init("prefix", "J"), .init("max-keys", "2")])
        #expect(list.hasSuffix("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"), "\(list)")
    }

    @Test func digestsAreThoseOfTheRFCs() {
        // RFC 1321 appendix A.5, FIPS 180-4.
        let digest = FileDigest(of: Array("abc".utf8))
        #expect(digest.md5Text == "900150983cd24fb0d6963f7d28e17f72")
        #expect(digest.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(digest.md5Base64 == "kAFQmDzST7DWlj99KOF/cg==")
        #expect(FileDigest.entityTag(ofParts: [digest.md5Text, "x"]) == nil)
        #expect(FileDigest.entityTag(ofParts: [digest.md5Text])?.hasSuffix("-1") == true)
    }
}

/// A store that plays a script: one answer for each call, in order.
@Suite(.timeLimit(.minutes(1))) struct S3UploadTests {
    static let mebibyte = 1 << 20
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    func destination(_ server: TestServer) throws -> Destination {
        .s3(
            S3Destination(
                endpoint: server.url(""), region: "us-east-1", bucket: "films", key: try KeyTemplate(parsing: "{camera}/{id}"),
                credentials: .init(accessKey: "AK", secretKey: Redacted("SK"))))
    }

    func attempt(_ server: TestServer) async throws -> AttemptOutcome {
        try await routes(folder, limit: .seconds(10)).attempt(Rows.upload(to: destination(server)))
    }

    static let created = TestServer.Behaviour.reply(
        200, body: "<InitiateMultipartUploadResult><UploadId>up/1</UploadId></InitiateMultipartUploadResult>")
    static let part = TestServer.Behaviour.reply(200, headers: ["etag: \"opaque\""])
    private static let completed = TestServer.Behaviour.reply(
        200, body: "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")

    private static func has(_ size: Int, tag: String = "opaque") -> TestServer.Behaviour {
        .raw("HTTP/1.1 200 OK\r\ncontent-length: \(size)\r\netag: \"\(tag)\"\r\nconnection: close\r\n\r\n")
    }

    private static func list(_ parts: [(number: Int, size: Int)]) -> TestServer.Behaviour {
        let items = parts.map { "<Part><PartNumber>\($0.number)</PartNumber><ETag>\"opaque\"</ETag><Size>\($0.size)</Size></Part>" }
        return .reply(200, body: "<ListPartsResult>\(items.joined())<IsTruncated>false</IsTruncated></ListPartsResult>")
    }

    private static func refusal(_ status: Int, _ code: String) -> TestServer.Behaviour {
        .reply(status, body: "<Error><Code>\(code)</Code><Message>secret detail</Message></Error>")
    }

    func server(_ script: [TestServer.Behaviour]) throws -> TestServer {
        try TestServer { place in script.indices.contains(place) ? script[place] : .reply(599) }
    }

    @Test func aSmallFileIsOneObject() async throws {
        let content = try folder.spoolFile("r1.webm", length: 1_000_000)
        let server = try server([.reply(200), Self.has(content.count)])
        #expect(try await attempt(server) == .stored)
        #expect(server.received.map(\.line) == ["PUT /films/client-0/r1.webm HTTP/1.1", "HEAD /films/client-0/r1.webm HTTP/1.1"])
        let put = server.received[0]
        #expect(put.body == content)
        let digest = FileDigest(of: Array(content))
        #expect(put.header("x-amz-content-sha256") == digest.sha256)
        #expect(put.header("content-md5") == digest.md5Base64)
        #expect(put.header("content-type") == "video/webm")
        #expect(put.header("authorization")?.contains("content-md5;content-type;host;x-amz-content-sha256;x-amz-date") == true)
    }

    @Test func aLargeFileGoesInPartsTheFirstOneLast() async throws {
        let content = try folder.spoolFile("r1.webm", length: 17 * Self.mebibyte)
        let server = try server([Self.created, Self.part, Self.part, Self.part, Self.completed, Self.has(content.count)])
        #expect(try await attempt(server) == .stored)
        #expect(
            server.received.map { $0.line.split(separator: " ")[..<2].joined(separator: " ") } == [
                "POST /films/client-0/r1.webm?uploads=", "PUT /films/client-0/r1.webm?partNumber=2&uploadId=up%2F1",
                "PUT /films/client-0/r1.webm?partNumber=3&uploadId=up%2F1", "PUT /films/client-0/r1.webm?partNumber=1&uploadId=up%2F1",
                "POST /films/client-0/r1.webm?uploadId=up%2F1", "HEAD /films/client-0/r1.webm",
            ])
        #expect(server.received[3].body + server.received[1].body + server.received[2].body == content)
        #expect(try await folder.ledger().begunUpload(of: "r1.webm") == nil)
    }

    @Test func aRestartSendsOnlyWhatIsMissing() async throws {
        let content = try folder.spoolFile("r1.webm", length: 17 * Self.mebibyte)
        let first = try server([Self.created, Self.part, Self.part, .reset(afterBody: 100_000)])
        let port = first.port
        #expect(try await attempt(first) == .failed(.connectionLost))
        #expect(try await folder.ledger().sentParts(of: "r1.webm").map(\.part.number) == [2, 3])
        withExtendedLifetime(first) {}
        // The same place: the second life of the bridge finds its upload there.
        let second = try server([
            Self.list([(2, 8 * Self.mebibyte), (3, Self.mebibyte)]), Self.part, Self.completed, Self.has(content.count),
        ])
        let ledger = try folder.ledger()
        let begun = try #require(try await ledger.begunUpload(of: "r1.webm"))
        let location = begun.location.replacingOccurrences(of: ":\(port)", with: ":\(second.port)")
        try await moveUpload(ledger, begun, to: location)
        #expect(try await attempt(second) == .stored)
        #expect(second.received.map(\.body.count) == [0, 8 * Self.mebibyte, second.received[2].body.count, 0])
        #expect(second.received[1].line.contains("partNumber=1&"))
    }

    private func moveUpload(_ ledger: any UploadLedger, _ begun: BegunUpload, to location: String) async throws {
        let parts = try await ledger.sentParts(of: "r1.webm")
        try await ledger.begin(BegunUpload(location: location, uploadID: begun.uploadID), from: nil, of: "r1.webm")
        for part in parts { try await ledger.sent(part, of: "r1.webm") }
    }

    /// The file changed, or the store lists a part that was never sent: its bytes are sent again.
    @Test func aPartOfOtherBytesIsSentAgain() async throws {
        let content = try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        let server = try server([
            Self.list([(1, 8 * Self.mebibyte), (2, Self.mebibyte)]), Self.part, Self.completed, Self.has(content.count),
        ])
        let ledger = try folder.ledger()
        try await ledger.begin(BegunUpload(location: "\(server.url("")) films client-0/r1.webm", uploadID: "u"), from: nil, of: "r1.webm")
        let right = FileDigest(of: Array(content[..<(8 * Self.mebibyte)])).md5Text
        let wrong = FileDigest(of: []).md5Text
        for (number, size, md5) in [(1, 8 * Self.mebibyte, right), (2, Self.mebibyte, wrong)] {
            try await ledger.sent(SentPart(StoredPart(number: number, entityTag: "\"opaque\"", size: Int64(size)), md5: md5), of: "r1.webm")
        }
        #expect(try await attempt(server) == .stored)
        #expect(server.received.map(\.line).count { $0.hasPrefix("PUT") } == 1)
        #expect(server.received[1].line.contains("partNumber=2&"))
    }

    @Test func anUploadThatWasCompletedBeforeTheCrashIsFound() async throws {
        let content = try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        let server = try server([Self.refusal(404, "NoSuchUpload"), Self.has(content.count)])
        let ledger = try folder.ledger()
        try await ledger.begin(BegunUpload(location: "\(server.url("")) films client-0/r1.webm", uploadID: "u"), from: nil, of: "r1.webm")
        for (number, size) in [(1, 8 * Self.mebibyte), (2, Self.mebibyte)] {
            let part = StoredPart(number: number, entityTag: "t", size: Int64(size))
            try await ledger.sent(SentPart(part, md5: FileDigest(of: []).md5Text), of: "r1.webm")
        }
        #expect(try await attempt(server) == .stored)
        #expect(server.received.map { String($0.line.prefix(4)) } == ["GET ", "HEAD"])
    }

    @Test func aStoreThatLiesIsFoundOut() async throws {
        let content = try folder.spoolFile("r1.webm", length: 100_000)
        let md5 = FileDigest(of: Array(content)).md5Text
        let other = FileDigest(of: []).md5Text
        for script in [
            [.reply(200), Self.has(content.count - 1)], [.reply(200), Self.has(content.count, tag: other)], [.reply(200), .reply(404)],
        ] {
            guard case .refused(_, .notWhole) = try await attempt(try server(script)) else {
                Issue.record("the lie was believed")
                return
            }
        }
        #expect(try await attempt(server([.reply(200), Self.has(content.count, tag: md5)])) == .stored)
        // A store that encrypts with keys of a key service has tags of its own.
        let encrypted = TestServer.Behaviour.raw(
            "HTTP/1.1 200 OK\r\ncontent-length: \(content.count)\r\netag: \"\(other)\"\r\nx-amz-server-side-encryption: aws:kms\r\nconnection: close\r\n\r\n"
        )
        #expect(try await attempt(server([.reply(200), encrypted])) == .stored)
    }

    @Test(arguments: [
        (403, "SignatureDoesNotMatch", ServiceRefusal.credentials, "access key"), (404, "NoSuchBucket", .missingContainer, "create it"),
        (403, "RequestTimeTooSkewed", .clockSkew, "NTP"), (503, "SlowDown", .slowDown, "slowly"),
        (301, "PermanentRedirect", .wrongRegion, "region"),
        (400, "XAmzContentSHA256Mismatch", .damaged, "network"), (500, "InternalError", .other("InternalError"), "InternalError"),
    ])
    func aRefusalSaysWhatToDo(status: Int, code: String, refusal: ServiceRefusal, word: String) async throws {
        for length in [1000, 9 * Self.mebibyte] {
            try folder.spoolFile("r1.webm", length: length)
            let outcome = try await attempt(server([Self.refusal(status, code)]))
            #expect(outcome == .refused(status: status, refusal))
            let sentence = try #require(outcome.sentence)
            #expect(sentence.contains(word) && !sentence.contains("secret"), "\(sentence)")
        }
    }

    @Test func anErrorAfterTheStatusOfSuccessIsAnError() async throws {
        try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        let server = try server([Self.created, Self.part, Self.part, Self.refusal(200, "InternalError")])
        #expect(try await attempt(server) == .refused(status: 200, .other("InternalError")))
    }

    @Test(arguments: ["", "<html>", "<InitiateMultipartUploadResult/>", String(repeating: "x", count: 3 << 20)])
    func anAnswerThatIsNoneIsNoSuccess(body: String) async throws {
        try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        #expect(try await attempt(server([.reply(200, body: body)])) == .failed(.invalidReply))
    }

    @Test func whatAnAbandonedUploadLeftIsRemoved() async throws {
        try folder.spoolFile("r1.webm", length: 9 * Self.mebibyte)
        let server = try server([Self.created, .reply(500), .reply(204)])
        #expect(try await attempt(server) == .refused(status: 500, .other("")))
        let upload = Rows.upload(to: try destination(server))
        await (try routes(folder)).uploads.abandon(upload, of: Rows.recording())
        #expect(server.received.last?.line == "DELETE /films/client-0/r1.webm?uploadId=up%2F1 HTTP/1.1")
        #expect(try await folder.ledger().begunUpload(of: "r1.webm") == nil)
    }

    /// The recording runs for a while: what is final of its file is there when it ends, and only the rest is sent then.
    @Test func aGrowingFileIsThereWhenItEnds() async throws {
        let content = try folder.spoolFile("r1.webm", length: 33 * Self.mebibyte)
        let full = (2...4).map { (number: $0, size: 8 * Self.mebibyte) }
        let server = try server([
            Self.created, Self.part, Self.part, Self.part, Self.list(full), Self.part, Self.part, Self.completed, Self.has(content.count),
        ])
        let destination = try destination(server)
        let recording = Rows.recording(destination: destination)
        let routes = try routes(folder)
        for size in [1, 15, 17, 25, 32, 32] {
            let file = GrowingFile(
                path: folder.spool + "/r1.webm", durableSize: Int64(size * Self.mebibyte), rewritable: 4096, isComplete: false)
            await routes.uploads.streaming.grown(file, name: "r1.webm", of: recording)
        }
        while try await folder.ledger().sentParts(of: "r1.webm").count < 3 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(await routes.uploads.attempt(Rows.upload(to: destination), of: recording) == .stored)
        let parts = server.received.filter { $0.line.hasPrefix("PUT") }
        #expect(parts.compactMap { $0.line.firstMatch(of: /partNumber=(\d)/)?.output.1 } == ["2", "3", "4", "5", "1"])
        #expect(parts[4].body + parts[0].body + parts[1].body + parts[2].body + parts[3].body == content)
    }

    /// The recorder dies, and the finisher makes the file anew: what was sent of the first one has the right sizes, and other bytes.
    @Test func partsOfAnotherFileAreSentAgain() async throws {
        let content = try folder.spoolFile("r1.webm", length: 33 * Self.mebibyte)
        try Data(repeating: 7, count: 33 * Self.mebibyte).write(to: URL(fileURLWithPath: folder.spool + "/part-1-1.webm"))
        let full = (2...4).map { (number: $0, size: 8 * Self.mebibyte) }
        let server = try server(
            [Self.created] + Array(repeating: Self.part, count: 3) + [Self.list(full)] + Array(repeating: Self.part, count: 5)
                + [Self.completed, Self.has(content.count)])
        let destination = try destination(server)
        let recording = Rows.recording(destination: destination)
        let routes = try routes(folder)
        let file = GrowingFile(
            path: folder.spool + "/part-1-1.webm", durableSize: Int64(32 * Self.mebibyte), rewritable: 4096, isComplete: false)
        await routes.uploads.streaming.grown(file, name: "r1.webm", of: recording)
        while try await folder.ledger().sentParts(of: "r1.webm").count < 3 { try await Task.sleep(for: .milliseconds(5)) }
        await routes.uploads.streaming.completed(folder.spool + "/joined-1.webm", name: "r1.webm")
        #expect(await routes.uploads.attempt(Rows.upload(to: destination), of: recording) == .stored)
        let parts = server.received.filter { $0.line.hasPrefix("PUT") }.dropFirst(3)
        #expect(parts.compactMap { $0.line.firstMatch(of: /partNumber=(\d)/)?.output.1 } == ["2", "3", "4", "5", "1"])
    }
}

@Suite(.timeLimit(.minutes(1))) struct BandwidthTests {
    @Test func allUploadsTogetherKeepTheRate() async throws {
        let folder = try TestFolder()
        try folder.spoolFile("r1.webm", length: 400_000)
        let server = try TestServer(.reply(200))
        var settings = UploadSettings()
        settings.bandwidth = 1_000_000
        let client = try EgressClient(rules: AddressRules(allowPrivate: true), resolver: FixedResolver([:]), connectTimeout: .seconds(5))
        let routes = UploadRoutes(
            spoolFolder: folder.spool, client: client, ledger: try folder.ledger(), settings: settings, clock: SystemOutboxClock())
        let start = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<2 {
                group.addTask {
                    let upload = Rows.upload("upl_\(number)", to: .put(url: Redacted(server.url("/"))))
                    #expect(await routes.attempt(upload, of: Rows.recording()) == .replied(status: 200, retryAfter: nil))
                }
            }
        }
        // 800,000 bytes, of which a quarter of a second's are free.
        #expect(ContinuousClock.now - start >= .milliseconds(500))
    }
}
