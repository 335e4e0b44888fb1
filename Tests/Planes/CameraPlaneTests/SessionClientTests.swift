import Bridge
import BridgeModel
import BridgeTesting
import Testing

@testable import CameraPlane

/// Against a small server on the loopback interface.
@Suite struct SessionClientTests {
    private func open(_ origin: String) async -> Result<SessionClient.Opened, BridgeError> {
        do throws(BridgeError) {
            return .success(try await SessionClient(base: origin, masterKey: Redacted("key"), client: ClientID("camera")).open())
        } catch {
            return .failure(error)
        }
    }

    private func code(_ result: Result<SessionClient.Opened, BridgeError>) -> BridgeError.Code? {
        guard case .failure(let error) = result else { return nil }
        return error.code
    }

    @Test func aSessionIsOpenedWithATokenOfTheKey() async throws {
        try await TestBridge.run { bridge, origin in
            let opened = try await open(origin).get()
            #expect(opened.session == SessionID("S"))
            #expect(opened.webSocketURL.revealed == "ws" + origin.dropFirst(4) + "/api/v2/io?auth_token=T")
            #expect(
                opened.iceServers == [
                    IceServer(urls: ["stun:t.example:3478"]),
                    IceServer(urls: ["turn:t.example:3478"], username: "u", credential: Redacted("p")),
                ])
            #expect(
                bridge.calls.all == [
                    .init(
                        path: "/auth_v2/client", body: ["master_key": "key", "client_id": "camera", "token_ttl_s": 3600], bearer: nil),
                    .init(path: "/api/v2/session", body: ["client_id": "camera"], bearer: "T"),
                ])
        }
    }

    @Test(arguments: [(401, BridgeError.Code.forbidden), (403, .forbidden), (429, .unavailable), (503, .unavailable), (302, .unavailable)])
    func aRefusalIsToldByItsKind(_ status: Int, _ expected: BridgeError.Code) async throws {
        try await TestBridge.run { bridge, origin in
            bridge.reply("/auth_v2/client", status, #"{"error":"invalid_master_key"}"#)
            #expect(code(await open(origin)) == expected)
            #expect(bridge.calls.all.count == 1)
        }
    }

    @Test(arguments: ["", "[]", "{", "{}", #"{"auth_token":5}"#, #"{"session_id":"S"}"#, #"{"session_id":"S","ws_endpoint":null}"#])
    func aReplyWithoutItsMembersIsNoSession(_ body: String) async throws {
        try await TestBridge.run { bridge, origin in
            bridge.reply("/api/v2/session", 201, body)
            #expect(code(await open(origin)) == .unavailable)
            bridge.reply("/auth_v2/client", 201, body)
            #expect(code(await open(origin)) == .unavailable)
        }
    }

    @Test(arguments: ["null", "{}", #"{"iceServers":{}}"#, #"{"iceServers":[5,{"urls":"turn:t"},{}]}"#])
    func aListOfServersThatIsNoneIsEmpty(_ list: String) async throws {
        try await TestBridge.run { bridge, origin in
            bridge.reply("/api/v2/session", 201, #"{"session_id":"S","ws_endpoint":"ws://127.0.0.1:1/io","ice_credentials":\#(list)}"#)
            let opened = try await open(origin).get()
            #expect(opened.iceServers.isEmpty)
        }
    }

    @Test func aReplyThatIsTooLongIsRefused() async throws {
        try await TestBridge.run { bridge, origin in
            bridge.reply("/auth_v2/client", 201, #"{"auth_token":"T","pad":"\#(String(repeating: "x", count: 70_000))"}"#)
            #expect(code(await open(origin)) == .unavailable)
        }
    }

    @Test func anOriginThatIsNoURLIsUnavailable() async {
        #expect(code(await open("no url")) == .unavailable)
    }
}
