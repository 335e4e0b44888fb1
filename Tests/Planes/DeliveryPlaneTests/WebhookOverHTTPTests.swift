import Bridge
import BridgeModel
import DeliveryPlane
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1))) struct WebhookOverHTTPTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test func theRequestIsExactlyTheContracts() async throws {
        let server = try TestServer(.reply(204))
        let body = #"{"status":"upload_ready","msg":"ü"}"#
        let target = "/hook?sig=a%2Fb+c&x=%7e"
        let before = SystemOutboxClock().now.seconds
        let outcome = try await routes(folder).attempt(Rows.webhook("msg_0001", url: server.url(target), body: body))
        #expect(outcome == .replied(status: 204, retryAfter: nil))
        let request = try #require(server.received.first)
        #expect(request.line == "POST \(target) HTTP/1.1")
        #expect(request.body == Data(body.utf8))
        #expect(request.header("content-type") == "application/json")
        #expect(request.header("user-agent") == "Viaduct-Webhook/1")
        #expect(request.header("webhook-id") == "msg_0001")
        #expect(request.header("host") == "127.0.0.1:\(server.port)")
        let timestamp = try #require(request.header("webhook-timestamp").flatMap { Int64($0) })
        #expect((before...SystemOutboxClock().now.seconds).contains(timestamp))
        let signer = try WebhookSigner([try WebhookSecret(parsing: Redacted(Rows.secretText))])
        #expect(request.header("webhook-signature") == signer.signature(id: DeliveryID("msg_0001"), timestamp: timestamp, body: body))
    }

    @Test(arguments: [200, 201, 204, 299, 301, 302, 307, 308, 400, 404, 410, 429, 500, 503])
    func statusesComeBackAndNoRedirectIsFollowed(status: Int) async throws {
        let trap = try TestServer(.reply(200))
        let server = try TestServer(.reply(status, headers: ["location: \(trap.url("/"))"], body: status == 204 ? "" : "hello"))
        let outcome = try await routes(folder).attempt(Rows.webhook(url: server.url("/")))
        #expect(outcome == .replied(status: status, retryAfter: nil))
        #expect(trap.connectionCount == 0)
    }

    @Test(arguments: [("60", Duration.seconds(60)), ("0", .zero)])
    func retryAfterIsRead(text: String, expected: Duration) async throws {
        let server = try TestServer(.reply(503, headers: ["Retry-After: \(text)"]))
        #expect(try await routes(folder).attempt(Rows.webhook(url: server.url("/"))) == .replied(status: 503, retryAfter: expected))
    }

    @Test(arguments: [
        (TestServer.Behaviour.hang, AttemptFault.timedOut), (.stopReading, .timedOut), (.reset(afterBody: 0), .connectionLost),
        (.raw(""), .connectionLost), (.raw("HTTP/1.1 20"), .invalidReply), (.raw("220 mail.example ESMTP\r\n\r\n"), .invalidReply),
        (.raw("HTTP/1.1 abc OK\r\n\r\n"), .invalidReply), (.raw(String(repeating: "x", count: 200_000)), .invalidReply),
    ])
    func faultsAreNamed(behaviour: TestServer.Behaviour, fault: AttemptFault) async throws {
        let server = try TestServer(behaviour)
        let limit: Duration = fault == .timedOut ? .milliseconds(700) : .seconds(20)
        #expect(try await routes(folder, limit: limit).attempt(Rows.webhook(url: server.url("/"))) == .failed(fault))
    }

    @Test func aStatusIsEnoughWhateverTheBodyDoes() async throws {
        for behaviour in [TestServer.Behaviour.dripBody, .lie(200), .replyEarly(200)] {
            let server = try TestServer(behaviour)
            let outcome = try await routes(folder, limit: .seconds(5)).attempt(Rows.webhook(url: server.url("/")))
            #expect(outcome == .replied(status: 200, retryAfter: nil), "\(behaviour)")
        }
    }

    @Test func nobodyListening() async throws {
        let closed = try ClosedPort()
        #expect(try await routes(folder).attempt(Rows.webhook(url: "http://127.0.0.1:\(closed.port)/")) == .failed(.unreachable))
        withExtendedLifetime(closed) {}
    }

    @Test func aNameWithoutAddress() async throws {
        #expect(try await routes(folder).attempt(Rows.webhook(url: "http://nowhere.example/")) == .failed(.unresolvable))
    }

    @Test func theNextAddressIsTriedWhenNothingWasSent() async throws {
        let server = try TestServer(.reply(200))
        // Nothing listens on 127.0.0.77.
        let resolver = FixedResolver(["hooks.example": [.v4(0x7F00_004D), Addresses.loopback]])
        let outcome = try await routes(folder, resolver: resolver).attempt(Rows.webhook(url: server.url("/", host: "hooks.example")))
        #expect(outcome == .replied(status: 200, retryAfter: nil))
        #expect(server.received.first?.header("host") == "hooks.example:\(server.port)")
        #expect(resolver.lookUps == 1)
    }
}

@Suite(.timeLimit(.minutes(1))) struct EgressGuardTests {
    private let folder: TestFolder
    private let server: TestServer

    init() throws {
        folder = try TestFolder()
        server = try TestServer(.reply(200))
    }

    @Test(arguments: [
        "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fd00:ec2::254]/", "https://0.0.0.0/",
    ])
    func refusedLiteralsAreNotConnected(url: String) async throws {
        let outcome = try await routes(folder, rules: AddressRules()).attempt(Rows.webhook(url: url))
        guard case .failed(.blockedAddress) = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test func oneRefusedAddressAmongGoodOnesRefusesTheName() async throws {
        let resolver = FixedResolver(["rebind.example": [Addresses.loopback, Addresses.metadata]])
        let outcome = try await routes(folder, resolver: resolver).attempt(Rows.webhook(url: server.url("/", host: "rebind.example")))
        #expect(outcome == .failed(.blockedAddress(.linkLocal)))
        #expect(server.connectionCount == 0)
    }

    @Test func theAddressIsLookedUpOncePerAttemptAndCheckedEachTime() async throws {
        let resolver = FixedResolver(["hooks.example": [Addresses.loopback]])
        let open = try routes(folder, resolver: resolver)
        for attempts in 1...2 {
            #expect(
                await open.attempt(Rows.webhook(url: server.url("/", host: "hooks.example"))) == .replied(status: 200, retryAfter: nil))
            #expect(resolver.lookUps == attempts)
        }
        let strict = try routes(folder, rules: AddressRules(allow: ["other.example"]), resolver: resolver)
        #expect(await strict.attempt(Rows.webhook(url: "https://hooks.example:\(server.port)/")) == .failed(.blockedAddress(.loopback)))
        #expect(server.connectionCount == 2)
    }

    @Test func theSystemsNamesAreCheckedToo() async throws {
        let strict = try routes(folder, rules: AddressRules(), resolver: SystemNameResolver())
        #expect(await strict.attempt(Rows.webhook(url: "https://localhost/")) == .failed(.blockedAddress(.loopback)))
    }

    @Test(arguments: ["http://a.example/", "ftp://a.example/", "https://0x7f000001/", "https://u@a.example/", "https://a.example:22/", ""])
    func urlsOfAnotherShapeAreNotRequested(url: String) async throws {
        #expect(try await routes(folder, rules: AddressRules()).attempt(Rows.webhook(url: url)) == .failed(.refusedURL))
    }

    @Test func theSystemResolverFindsLoopbackAndNothing() async throws {
        let resolver = SystemNameResolver()
        #expect(try await resolver.addresses(of: "localhost").contains(Addresses.loopback))
        await #expect(throws: AttemptFault.unresolvable) { try await resolver.addresses(of: "no-such-name.invalid") }
        await #expect(throws: AttemptFault.unresolvable) { try await resolver.addresses(of: String(repeating: "a", count: 10_000)) }
    }
}
