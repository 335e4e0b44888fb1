import Bridge
import BridgeModel
import BridgeTesting
import HTTPTypes
import Testing

@Suite struct DestinationOperationTests {
    private let stage = Stage()
    private let path = "/bridge/v1/destinations/nas"
    private let store =
        #"{"s3":{"endpoint":"https://s3.example","bucket":"films","access_key":"AK","secret_key":"hush"},"fallback":{"folder":"/spare"}}"#

    private func send(_ method: HTTPRequest.Method, _ path: String, _ body: String = "") async throws -> Stage.Reply {
        try await stage.send(method, path, token: "T-admin", body: body)
    }

    @Test func aDestinationIsMadeChangedShownAndRemoved() async throws {
        #expect(try await send(.get, path).status == 404)
        let made = try await send(.put, path, store)
        #expect(made.status == 201 && made.json["name"] == "nas" && made.json["destination"]?["s3"]?["bucket"] == "films")
        #expect(try await send(.put, path, #"{"folder":"/srv"}"#).status == 200)
        #expect(try await send(.put, path, store).status == 200)
        for reply in [made, try await send(.get, path), try await send(.get, "/bridge/v1/destinations")] {
            #expect(!reply.text.contains("hush"), "\(reply.text)")
        }
        #expect(try await send(.get, path).json["destination"]?["s3"]?["secret_key"] == "***")
        #expect(try await send(.delete, path).status == 204)
        #expect(try await send(.delete, path).status == 404)
    }

    @Test(arguments: [
        ("nas", "{", 400, "malformed_json"), ("nas", "{}", 400, "invalid_field"), ("nas", #"{"folder":"x"}"#, 400, "invalid_field"),
        ("NAS", #"{"folder":"/x"}"#, 400, "invalid_field"), ("a%2Fb", #"{"folder":"/x"}"#, 400, "invalid_field"),
        ("nas", #"{"url":"http://10.0.0.1/"}"#, 400, "invalid_url"),
    ])
    func whatIsWrongIsRefused(name: String, body: String, status: Int, code: String) async throws {
        let reply = try await send(.put, "/bridge/v1/destinations/\(name)", body)
        #expect(reply.status == status && reply.code == code, "\(reply.text)")
        #expect(try await stage.destinations.destinations().isEmpty)
    }

    @Test func aTrialTellsAboutBothPlaces() async throws {
        _ = try await send(.put, path, store)
        let reply = try await send(.post, path + "/test")
        #expect(reply.status == 200)
        #expect(reply.json["destination"] == ["works": true, "detail": nil])
        #expect(reply.json["fallback"] == ["works": false, "detail": "the folder cannot be written"])
    }

    @Test(arguments: ["accounts/acme", "streams/gate%203"])
    func streamsAndAccountsAreAssignedADestination(subject: String) async throws {
        let place = "/bridge/v1/\(subject)/destination"
        #expect(try await send(.get, place).json["destination"] == .null)
        #expect(try await send(.put, place, #"{"destination":"nas"}"#).status == 404)
        _ = try await send(.put, path, store)
        #expect(try await send(.put, place, #"{"destination":"nas"}"#).status == 200)
        #expect(try await send(.get, place).json["destination"] == "nas")
        #expect(try await send(.delete, path).status == 409)
        #expect(try await send(.put, place, #"{"destination":null}"#).status == 200)
        #expect(try await send(.delete, path).status == 204)
        for body in ["{}", #"{"destination":1}"#, #"{"destination":"A B"}"#] { #expect(try await send(.put, place, body).status == 400) }
    }

    @Test(arguments: ["T-publish", nil])
    func onlyTheOperatorMayLookOrTouch(token: String?) async throws {
        let calls: [(HTTPRequest.Method, String)] = [
            (.get, "/bridge/v1/destinations"), (.get, path), (.put, path), (.delete, path), (.post, path + "/test"),
            (.get, "/bridge/v1/accounts/a/destination"), (.put, "/bridge/v1/streams/s/destination"),
        ]
        for (method, path) in calls {
            let reply = try await stage.send(method, path, token: token, body: #"{"folder":"/x"}"#)
            #expect(reply.status == (token == nil ? 401 : 403), "\(method) \(path)")
        }
    }
}
