import Bridge
import BridgeAPI
import BridgeModel
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

@Suite struct RecordingOperationTests {
    private let start = "/bridge/v1/streams/cam/recordings"

    @Test(arguments: [
        ("", RecordingOrder()), ("{}", RecordingOrder()), (#"{"destination":null,"container":"webm"}"#, RecordingOrder(container: .webm)),
        (
            #"{"destination":{"url":"https://bucket.example/k?sig=1"},"webhook_url":"https://h.example/x"}"#,
            RecordingOrder(
                destination: .to(.put(url: Redacted("https://bucket.example/k?sig=1"))), webhookURL: Redacted("https://h.example/x"))
        ),
        (#"{"destination":{"folder":"/srv/videos"}}"#, RecordingOrder(destination: .to(.folder(path: "/srv/videos")))),
        (#"{"destination":{"name":"nas"}}"#, RecordingOrder(destination: DestinationName("nas").map { .named($0) })),
    ]) func recordingsAreStartedAsOrdered(_ body: String, _ order: RecordingOrder) async throws {
        let stage = Stage()
        let reply = try await stage.send(.post, start, token: "T-admin", body: body)
        #expect(reply.status == 201 && reply.json["id"] == "r-1" && reply.json["state"] == "recording")
        #expect(reply.fields[.location] == "/bridge/v1/recordings/r-1")
        #expect(stage.bridge.memory.withLock { $0.orders } == [order])
    }

    @Test(
        arguments: [
            (nil, "{}", 401, "token_missing"), ("T-publish", "{}", 403, "wrong_role"), ("T-admin", "{", 400, "malformed_json"),
            ("T-admin", #"{"container":"avi"}"#, 400, "invalid_field"), ("T-admin", #"{"container":1}"#, 400, "invalid_field"),
            ("T-admin", #"{"destination":"x"}"#, 400, "invalid_field"), ("T-admin", #"{"destination":{}}"#, 400, "invalid_field"),
            ("T-admin", #"{"destination":{"url":"https://a.example/","folder":"/x"}}"#, 400, "invalid_field"),
            ("T-admin", #"{"destination":{"folder":"relative"}}"#, 400, "invalid_field"),
            ("T-admin", #"{"destination":{"folder":"/a/../etc"}}"#, 400, "invalid_field"),
            ("T-admin", #"{"destination":{"folder":"/a\u0000"}}"#, 400, "invalid_field"),
            ("T-admin", #"{"destination":{"folder":"/a","key":"../{id}"}}"#, 400, "invalid_field"),
            ("T-admin", #"{"destination":{"name":"a/b"}}"#, 400, "invalid_field"),
            ("T-admin", #"{"destination":{"name":7}}"#, 400, "invalid_field"),
            ("T-admin", #"{"destination":{"url":"ftp://a.example/"}}"#, 400, "invalid_url"),
            ("T-admin", #"{"destination":{"url":"http://a.example/"}}"#, 400, "invalid_url"),
            ("T-admin", #"{"webhook_url":"https://user:pw@a.example/"}"#, 400, "invalid_url"),
        ] as [(String?, String, Int, String)])
    func otherOrdersAreRefused(_ token: String?, _ body: String, _ status: Int, _ code: String) async throws {
        let stage = Stage()
        let reply = try await stage.send(.post, start, token: token, body: body)
        #expect(reply.status == status && reply.code == code)
        #expect(stage.bridge.memory.withLock { $0.orders.isEmpty })
    }

    @Test(arguments: [(BridgeError.Code.notFound, 404), (.limitReached, 429), (.storageFull, 507), (.unavailable, 503)])
    func failuresOfTheBridgeAreTold(_ code: BridgeError.Code, _ status: Int) async throws {
        let stage = Stage()
        stage.bridge.memory.withLock { $0.failure = BridgeError(code, "What happened.") }
        let reply = try await stage.send(.post, start, token: "T-admin")
        #expect(reply.status == status && reply.code == code.rawValue)
    }

    @Test func secretsOfADestinationAreNotShown() async throws {
        let stage = Stage()
        stage.bridge.memory.withLock {
            $0.rows = [FakeBridge.row("r-1", destination: .put(url: Redacted("https://bucket.example/key?signature=secret")))]
        }
        let reply = try await stage.send(.get, "/bridge/v1/recordings/r-1", token: "T-admin")
        #expect(reply.json["destination"] == ["origin": "https://bucket.example"])
        #expect(!reply.text.contains("secret"))
        #expect(
            reply.json["segments"] == [
                [
                    "number": 1, "state": "delivered", "container": "mp4", "started_at": "2023-11-14T22:13:20.000Z", "duration_ms": 2500,
                    "size_bytes": 0, "sha256": "00ff", "gaps": [["offset_ms": 1000, "length_ms": 500, "cause": "recorder"]], "failure": nil,
                    "thumbnails": nil,
                    "sidecars": [["kind": "poster", "key": "a/r-1.poster.jpg", "state": "failed", "detail": "it is full"]],
                ]
            ])
    }

    @Test func listsGoPageByPage() async throws {
        let stage = Stage()
        stage.bridge.memory.withLock { $0.rows = (1...5).map { FakeBridge.row("r-\($0)") } }
        var seen: [String] = []
        var next: String? = ""
        while let after = next {
            let reply = try await stage.send(.get, "/bridge/v1/recordings?limit=2&after=\(after)", token: "T-admin")
            guard case .array(let items)? = reply.json["recordings"] else {
                Issue.record("no list: \(reply.text)")
                return
            }
            seen += items.compactMap { $0["id"]?.string }
            next = reply.json["next"]?.string
        }
        #expect(seen == ["r-1", "r-2", "r-3", "r-4", "r-5"])
        #expect(try await stage.send(.get, "/bridge/v1/recordings?limit=0", token: "T-admin").code == "invalid_field")
        #expect(try await stage.send(.get, "/bridge/v1/recordings").status == 401)
    }

    @Test func filesAreSentUnderTheirOwnNames() async throws {
        let stage = Stage()
        stage.bridge.memory.withLock { $0.rows = [FakeBridge.row("r-1"), FakeBridge.row("r-9")] }
        let reply = try await stage.send(.get, "/bridge/v1/recordings/r-1/file", token: "T-admin")
        #expect(reply.body == .file(path: "/spool/r-1-1.mp4"))
        let second = try await stage.send(.get, "/bridge/v1/recordings/r-1/file?segment=2", token: "T-admin")
        #expect(second.body == .file(path: "/spool/r-1-2.mp4"))
        #expect(second.fields[.contentDisposition] == "attachment; filename=\"r-1-2.mp4\"")
        #expect(try await stage.send(.get, "/bridge/v1/recordings/r-1/file?segment=3", token: "T-admin").status == 404)
        for text in ["0", "-1", "x", "", "1000000", "1.5", "+1"] {
            let refusal = try await stage.send(.get, "/bridge/v1/recordings/r-1/file?segment=\(text)", token: "T-admin")
            #expect(refusal.code == "invalid_field", "\(text)")
        }
        #expect(reply.fields[.contentType] == "video/mp4")
        #expect(reply.fields[.contentDisposition] == "attachment; filename=\"r-1.mp4\"")
        for (path, token, status) in [
            ("r-9/file", "T-admin", 404), ("none/file", "T-admin", 404), ("none", "T-admin", 404), ("r-1/file", "T-watch", 403),
        ] {
            #expect(try await stage.send(.get, "/bridge/v1/recordings/\(path)", token: token).status == status)
        }
    }

    @Test func recordingsAreStopped() async throws {
        let stage = Stage()
        stage.bridge.memory.withLock { $0.rows = [FakeBridge.row("r-1")] }
        #expect(try await stage.send(.post, "/bridge/v1/recordings/r-1/stop", token: "T-admin").status == 202)
        #expect(try await stage.send(.post, "/bridge/v1/recordings/none/stop", token: "T-admin").status == 404)
        #expect(try await stage.send(.get, "/bridge/v1/recordings/r-1/stop", token: "T-admin").fields[.allow] == "POST")
    }
}
