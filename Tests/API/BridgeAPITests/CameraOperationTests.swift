import Bridge
import BridgeAPI
import BridgeModel
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

/// Cameras in memory: one that is there, and one that is not.
final class FakeCameras: DirectedCameras {
    let orders = Mutex<[String]>([])
    private static let since = WallTime(milliseconds: 1_700_000_000_000)

    func cameras(of account: AccountID) async -> [DirectedCamera] {
        guard account == AccountID("acme") else { return [] }
        let abilities = CameraAbilities(publishes: true, torch: true, greatestZoom: 4, mutes: [.audio])
        var health = CameraHealth()
        (health.link, health.processor, health.frames) = ("live", 0.25, 7)
        return [
            DirectedCamera(
                id: ClientID("gate"), abilities: abilities, isOnline: true, since: Self.since, report: CameraReport(health, at: Self.since)),
            DirectedCamera(id: ClientID("yard"), abilities: CameraAbilities(), isOnline: false, since: Self.since),
        ]
    }

    func camera(_ id: ClientID, of account: AccountID) async -> DirectedCamera? { await cameras(of: account).first { $0.id == id } }

    func perform(_ order: CameraOrder, on camera: ClientID, of account: AccountID) async throws(BridgeError) {
        guard let known = await self.camera(camera, of: account) else { throw BridgeError(.notFound, "No such camera.") }
        guard known.isOnline else { throw BridgeError(.unavailable, "It is not connected.") }
        guard known.abilities.allow(order) else { throw BridgeError(.invalidField, "It cannot do that.") }
        orders.withLock { $0.append("\(camera) \(order)") }
    }

    /// The camera of `T-publish` hears the voices of its room.
    func spoken(to camera: ClientID, of account: AccountID) async -> StreamID? { camera == ClientID("cam") ? StreamID("voices") : nil }
}

@Suite struct CameraOperationTests {
    private let stage = Stage()
    private let path = "/bridge/v1/cameras"

    @Test func camerasAreListedByPages() async throws {
        let all = try await stage.send(.get, path, token: "T-admin")
        var cameras: [JSONValue] = []
        if case .array(let items)? = all.json["cameras"] { cameras = items }
        try #require(cameras.count == 2)
        #expect(cameras[0]["online"] == true && cameras[0]["abilities"]?["zoom"] == 4)
        #expect(cameras[0]["abilities"]?["mute"] == ["audio"] && cameras[0]["publish"] == true && cameras[1]["online"] == false)
        #expect(cameras[0]["health"] == ["at": "2023-11-14T22:13:20.000Z", "link": "live", "cpu": .number(0.25), "frames": 7])
        #expect(cameras[1]["health"] == .null)
        let page = try await stage.send(.get, "\(path)?limit=1", token: "T-admin")
        #expect(page.json["next"] == "gate")
        #expect(try await stage.send(.get, "\(path)/yard", token: "T-admin").json["id"] == "yard")
        #expect(try await stage.send(.get, "\(path)/none", token: "T-admin").status == 404)
        for (token, status) in [("T-publish", 403), (nil, 401)] {
            #expect(try await stage.send(.get, path, token: token).status == status)
        }
    }

    @Test(
        arguments: [
            (#"{"type":"torch","on":true}"#, "gate", 204, nil), (#"{"type":"zoom","factor":2.5}"#, "gate", 204, nil),
            (#"{"type":"zoom","factor":5}"#, "gate", 400, "invalid_field"),
            (#"{"type":"zoom","factor":0.5}"#, "gate", 400, "invalid_field"),
            (#"{"type":"zoom"}"#, "gate", 400, "missing_field"), (#"{"type":"dance"}"#, "gate", 400, "invalid_field"),
            (#"{}"#, "gate", 400, "missing_field"), (#"[]"#, "gate", 400, "not_an_object"), (#"{"#, "gate", 400, "malformed_json"),
            (#"{"type":"idle"}"#, "yard", 503, "unavailable"), (#"{"type":"idle"}"#, "none", 404, "not_found"),
        ] as [(String, String, Int, String?)])
    func ordersAreGivenOrRefused(body: String, camera: String, status: Int, code: String?) async throws {
        let reply = try await stage.send(.post, "\(path)/\(camera)/orders", token: "T-admin", body: body)
        #expect(reply.status == status)
        if let code {
            #expect(reply.json["code"] == .string(code) && stage.cameras.orders.withLock { $0.isEmpty })
        } else {
            #expect(stage.cameras.orders.withLock { $0.count } == 1)
        }
    }

    @Test func aSocketIsOfATokenThatMayPublishTheStream() async throws {
        func admission(_ camera: String, _ token: String?, _ last: String = "io") async -> Int {
            switch await stage.api.admitCameraSocket(Stage.request(.get, "\(path)/\(camera)/\(last)", token: token)) {
            case .admit(let id, let account): id == ClientID(camera) && account == AccountID("acme") ? 101 : 0
            case .refuse(let response): response.head.status.code
            case nil: -1
            }
        }
        #expect(await admission("cam", "T-publish") == 101)
        #expect(await admission("other", "T-admin") == 101)
        #expect(await admission("other", "T-publish") == 403)
        #expect(await admission("cam", "T-watch") == 403)
        #expect(await admission("cam", nil) == 401)
        #expect(await admission("cam", "T-admin", "orders") == -1)
    }
}
