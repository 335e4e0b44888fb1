import Bridge
import BridgeModel
import HTTPTypes
import Testing

@Suite struct PushOperationTests {
    private let stage = Stage()
    private let path = "/bridge/v1/pushes"
    private let order = #"{"stream":"gate","url":"rtmp://live.example/app/hush-key"}"#

    @Test func aPushIsMadeShownListedAndEndedAndItsKeyIsNeverShown() async throws {
        let made = try await stage.send(.post, path, token: "T-admin", body: order)
        #expect(made.status == 201 && made.json["origin"] == "rtmp://live.example:1935" && made.json["stream"] == "gate", "\(made.text)")
        #expect(!made.text.contains("hush"))
        let place = try #require(made.fields[.location])
        #expect(try await stage.send(.get, place, token: "T-admin").json == made.json)
        #expect(try await stage.send(.get, path, token: "T-admin").json["pushes"] == [made.json])
        // It is no conference.
        let id = try #require(made.json["id"]?.string)
        #expect(try await stage.send(.get, "/bridge/v1/conferences/\(id)", token: "T-admin").status == 404)
        #expect(try await stage.send(.get, "/bridge/v1/streams/gate/conferences", token: "T-admin").json["conferences"] == [])
        #expect(try await stage.send(.delete, place, token: "T-admin").status == 204)
        #expect(try await stage.send(.delete, place, token: "T-admin").status == 404)
    }

    @Test(
        arguments: [
            ("{}", "missing_field", "stream"), (#"{"stream":"gate"}"#, "missing_field", "url"),
            (#"{"stream":"","url":"rtmp://a.example/b/c"}"#, "invalid_field", "stream"),
            (#"{"stream":"gate","url":"https://a.example/b/c"}"#, "invalid_field", "url"),
            (#"{"stream":"gate","url":7}"#, "invalid_field", "url"),
        ])
    func ordersThatMakeNoSenseAreRefused(body: String, code: String, field: String) async throws {
        let reply = try await stage.send(.post, path, token: "T-admin", body: body)
        #expect(reply.status == 400 && reply.code == code && reply.json["field"]?.string == field, "\(body): \(reply.text)")
    }

    @Test func othersThanTheOperatorAreKeptOut() async throws {
        for token in [nil, "T-watch"] as [String?] {
            for (method, path) in [(HTTPRequest.Method.get, path), (.post, path), (.get, "\(path)/k0"), (.delete, "\(path)/k0")] {
                #expect([401, 403].contains(try await stage.send(method, path, token: token, body: order).status))
            }
        }
    }
}
