import Bridge
import BridgeModel
import Foundation
import Testing

@testable import DeliveryPlane

/// One request to somebody else's server and its whole reply, over real sockets.
@Suite struct OutgoingCallTests {
    private let local = AddressRules(allowPrivate: true)

    private func send(
        to server: TestServer, rules: AddressRules, limit: Duration = .seconds(20), method: String = "POST", body: String? = "v=0"
    ) async throws -> Result<OutgoingReply, AttemptFault> {
        let client = try EgressClient(rules: rules, resolver: FixedResolver([:]), connectTimeout: .seconds(5))
        let url = try DeliveryURL(parsing: Redacted(server.url("/whip?x=1")), rules: local)
        let call = OutgoingCall(
            method: method, url: url, token: Redacted("hush"), contentType: body.map { _ in "application/sdp" },
            body: Array((body ?? "").utf8), replyBytes: 1000)
        return await client.call(call, within: limit)
    }

    @Test func aRequestGoesOutWholeAndItsReplyComesBack() async throws {
        let fields = [
            "Location: /s/1", "Link: <stun:a>; rel=\"ice-server\"", "Link: <stun:b>; rel=\"ice-server\"",
            "Content-Type: application/sdp",
        ]
        let server = try TestServer(.reply(201, headers: fields, body: "v=0\r\n"))
        let reply = try await send(to: server, rules: local).get()
        #expect(reply.status == 201 && reply.location?.revealed == "/s/1" && reply.contentType == "application/sdp")
        #expect(reply.links.map(\.revealed) == ["<stun:a>; rel=\"ice-server\"", "<stun:b>; rel=\"ice-server\""])
        #expect(reply.body == Array("v=0\r\n".utf8))
        let request = try #require(server.received.first)
        #expect(request.line.hasPrefix("POST /whip?x=1 ") && request.body == Data("v=0".utf8))
        #expect(request.header("authorization") == "Bearer hush" && request.header("content-type") == "application/sdp")
    }

    @Test func redirectsAreRepliesAndADeleteHasNoBody() async throws {
        let server = try TestServer(.reply(307, headers: ["Location: http://127.0.0.1:1/"]))
        let reply = try await send(to: server, rules: local, method: "DELETE", body: nil).get()
        #expect(reply.status == 307 && reply.location != nil && server.received.count == 1)
        #expect(server.received.first?.header("content-type") == nil)
    }

    @Test func badServersAreTold() async throws {
        let long = String(repeating: "x", count: 10_000_000)
        let table: [(TestServer.Behaviour, AttemptFault)] = [
            (.reply(201, body: long), .invalidReply), (.raw("nonsense\r\n\r\n"), .invalidReply), (.lie(201), .connectionLost),
        ]
        for (behaviour, fault) in table {
            let server = try TestServer(behaviour)
            #expect(await (try send(to: server, rules: local)) == .failure(fault))
        }
        let silent = try TestServer(.hang)
        #expect(await (try send(to: silent, rules: local, limit: .milliseconds(200))) == .failure(.timedOut))
    }

    @Test func whatTheRulesForbidIsNotConnectedTo() async throws {
        let server = try TestServer(.reply(201))
        #expect(await (try send(to: server, rules: AddressRules())) == .failure(.blockedAddress(.loopback)))
        #expect(server.connectionCount == 0)
    }
}
