import BridgeAPI
import BridgeModel
import HTTPCore
import HTTPTypes
import Testing

/// What nobody may do, asked of every route that there is: one that is added is asked, too.
@Suite struct HostileRequestTests {
    /// What is for everybody, or for whoever has the link.
    private static let open: Set<String> = [
        "/healthz", "/readyz", "/metrics", "/bridge/v1/io", "/bridge/v1/rooms/{room}/io", "/bridge/v1/cameras/{camera}/io",
    ]
    private static let shared = "/bridge/v1/shared/{id}"
    /// Shows the streams that the token opens, which may be none.
    private static let ownList = "/bridge/v1/streams"

    /// The path of a route for the stream `other`, with all that the queries of some routes need.
    private static func path(_ route: Route) -> String {
        let name = route.path.contains("/hls/") ? "r1.0-init.mp4" : route.path.contains("/thumbnails/") ? "r1.poster.jpg" : "nas"
        let values = ["{id}": "other", "{stream}": "other", "{account}": "acme", "{name}": name]
        let segments = route.path.split(separator: "/").map { values[String($0)] ?? String($0) }
        return "/" + segments.joined(separator: "/") + "?from=1&to=2&at=5"
    }

    private static func guarded(_ stage: Stage) -> [Route] { stage.api.routes.filter { !open.contains($0.path) } }

    private static let body = #"{"stream":"other","from":1,"to":2,"reason":"x","type":"motion","trigger":"always","role":"watch"}"#

    @Test func aTokenOfAnotherStreamOpensNothing() async throws {
        let stage = Stage(viewersLookBack: true)
        for route in Self.guarded(stage) where route.path != Self.ownList {
            let reply = try await stage.send(route.method, Self.path(route), token: "T-watch", body: Self.body)
            #expect([403, 404].contains(reply.status), "\(route.method) \(route.path): \(reply.text)")
        }
        let list = try await stage.send(.get, Self.ownList, token: "T-watch")
        #expect(list.status == 200 && !list.text.contains("other"))
    }

    @Test func withoutATokenNothingOpens() async throws {
        let stage = Stage(viewersLookBack: true)
        for route in Self.guarded(stage) {
            let reply = try await stage.send(route.method, Self.path(route), body: Self.body)
            #expect(reply.status == (route.path == Self.shared ? 403 : 401), "\(route.method) \(route.path): \(reply.text)")
        }
    }

    private static let lists = [
        "recordings", "clips", "audit", "events", "deliveries", "recording-policies", "streams/cam/events", "streams/cam/timeline",
    ]

    @Test(arguments: lists)
    func limitsThatAreNoneAreRefused(list: String) async throws {
        for limit in ["", "0", "-1", "+1", "1001", "1e2", "1.0", "NaN", "inf", "%20", "1%00", "99999999999999999999", "%D9%A3"] {
            let reply = try await Stage().send(.get, "/bridge/v1/\(list)?limit=\(limit)", token: "T-admin")
            #expect(reply.status == 400 && reply.json["field"] == "limit", "\(limit)")
        }
    }

    @Test(arguments: ["audit", "events"])
    func placesThatAreNoneAreRefused(list: String) async throws {
        for place in ["-1", "1.5", "NaN", "0x1", "9223372036854775808", "1%00", "../1", "%D9%A3"] {
            let reply = try await Stage().send(.get, "/bridge/v1/\(list)?after=\(place)", token: "T-admin")
            #expect(reply.status == 400 && reply.json["field"] == "after", "\(place)")
        }
    }

    @Test(arguments: ["clips?from=", "clips?to=", "streams/cam/events?from=", "streams/cam/events?to=", "streams/cam/snapshot.jpg?at="])
    func momentsThatAreNoneAreRefused(query: String) async throws {
        for moment in ["", "-1", "NaN", "1e9", "99999999999999", "2200-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1%00", "now"] {
            let reply = try await Stage().send(.get, "/bridge/v1/\(query)\(moment)", token: "T-admin")
            #expect(reply.status == 400 && reply.code == "invalid_field", "\(moment)")
        }
    }

    /// Operations that read no body.
    private static let bodiless: Set<String> = [
        "/bridge/v1/recordings/{id}/stop", "/bridge/v1/deliveries/redeliver", "/bridge/v1/deliveries/{id}/redeliver",
        "/bridge/v1/destinations/{name}/test",
    ]

    @Test(arguments: [
        "[]", "null", "7", "\"x\"", "{", "{}}", "{\"a\":1e999}", "{\"a\":NaN}", "{\"reason\":\"\\ud800\"}", "\u{0}",
        String(repeating: "[", count: 60_000), "{\"a\":" + String(repeating: "{\"a\":", count: 9000),
        "{\"reason\":\"" + String(repeating: "x", count: 70_000) + "\"}",
    ])
    func bodiesThatAreNoneAreRefused(body: String) async throws {
        let stage = Stage()
        for route in Self.guarded(stage) where [.put, .post].contains(route.method) && !Self.bodiless.contains(route.path) {
            let reply = try await stage.send(route.method, Self.path(route), token: "T-admin", body: body)
            #expect([400, 404, 413].contains(reply.status), "\(route.method) \(route.path): \(reply.text)")
        }
    }
}
