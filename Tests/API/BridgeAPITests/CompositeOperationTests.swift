import Bridge
import BridgeAPI
import BridgeModel
import HTTPTypes
import Synchronization
import Testing

/// Composites in memory.
final class FakeComposites: CompositeCommands {
    let failure = Mutex<BridgeError?>(nil)
    let all = Mutex<[CompositeStatus]>([])

    func make(_ order: CompositeOrder) async throws(BridgeError) -> CompositeStatus {
        if let failure = failure.withLock({ $0 }) { throw failure }
        return all.withLock { all in
            let status = CompositeStatus(
                id: CompositeID("k\(all.count)"), order: order, stream: order.stream ?? StreamID("composite-k\(all.count)"),
                createdAt: WallTime(milliseconds: 1_700_000_000_000), phase: .live, guests: Self.guests(order.content))
            all.append(status)
            return status
        }
    }

    private static func guests(_ content: CompositeContent) -> [CompositeGuest] {
        CompositeCast(content, live: [StreamID("gate"): []]).guests
    }

    func composites() async -> [CompositeStatus] { all.withLock { $0 } }

    func composite(_ id: CompositeID) async -> CompositeStatus? { all.withLock { $0.first { $0.id == id } } }

    func change(_ id: CompositeID, to content: CompositeContent) async throws(BridgeError) -> CompositeStatus {
        all.withLock { all in
            for index in all.indices where all[index].id == id {
                (all[index].order.content, all[index].guests) = (content, Self.guests(content))
            }
        }
        guard let status = await composite(id) else { throw BridgeError(.notFound, "none") }
        return status
    }

    func end(_ id: CompositeID) async throws(BridgeError) {
        guard await composite(id) != nil else { throw BridgeError(.notFound, "none") }
        all.withLock { $0.removeAll { $0.id == id } }
    }
}

@Suite struct CompositeOperationTests {
    private let stage = Stage()
    private let path = "/bridge/v1/composites"
    private let order = #"{"name":"wall","inputs":[{"stream":"gate","name":"Gate"},{"stream":"yard"}],"layout":"speaker","focus":"yard"}"#

    @Test func aCompositeIsMadeShownChangedListedAndEnded() async throws {
        let made = try await stage.send(.post, path, token: "T-admin", body: order)
        #expect(made.status == 201 && made.fields[.location] == "/bridge/v1/composites/k0", "\(made.text)")
        #expect(made.json["stream"] == "wall" && made.json["state"] == "live" && made.json["focus"] == "yard")
        #expect(made.json["layout"]?["kind"] == "speaker" && made.json["width"] == 1280 && made.json["fps"] == 25)
        #expect(
            made.json["inputs"] == [
                ["stream": "gate", "name": "Gate", "present": true], ["stream": "yard", "name": "yard", "present": false],
            ])
        #expect(try await stage.send(.get, "\(path)/k0", token: "T-admin").json == made.json)
        #expect(try await stage.send(.get, path, token: "T-admin").json["composites"] == [made.json])
        let change = #"{"inputs":[{"stream":"yard"}],"layout":{"kind":"grid","clock":true}}"#
        let changed = try await stage.send(.patch, "\(path)/k0", token: "T-admin", body: change)
        #expect(changed.status == 200 && changed.json["layout"]?["clock"] == true && changed.json["focus"] == "yard", "\(changed.text)")
        #expect(changed.json["inputs"] == [["stream": "yard", "name": "yard", "present": false]])
        #expect(try await stage.send(.delete, "\(path)/k0", token: "T-admin").status == 204)
        for method in [HTTPRequest.Method.get, .delete, .patch] {
            #expect(try await stage.send(method, "\(path)/k0", token: "T-admin", body: "{}").status == 404)
        }
    }

    @Test(
        arguments: [
            ("{}", "missing_field", "inputs"), (#"{"inputs":7}"#, "invalid_field", "inputs"),
            (#"{"inputs":["gate"]}"#, "invalid_field", "inputs[0]"), (#"{"inputs":[{}]}"#, "missing_field", "inputs[0].stream"),
            (#"{"inputs":[{"stream":""}]}"#, "invalid_field", "inputs[0].stream"),
            (#"{"inputs":[{"stream":"a"},{"stream":"a"}]}"#, "invalid_field", "inputs[1].stream"),
            (#"{"inputs":[{"stream":"a","name":"x\ny"}]}"#, "invalid_field", "inputs[0].name"),
            (#"{"inputs":[{"stream":"a","mute":true}]}"#, "invalid_field", "inputs[0].mute"),
            (#"{"inputs":[],"layout":"mosaic"}"#, "invalid_field", "layout"), (#"{"inputs":[],"focus":"a"}"#, "invalid_field", "focus"),
            (#"{"inputs":[],"width":641}"#, "invalid_field", "width"), (#"{"inputs":[],"height":89}"#, "invalid_field", "height"),
            (#"{"inputs":[],"fps":61}"#, "invalid_field", "fps"), (#"{"inputs":[],"fps":"25"}"#, "invalid_field", "fps"),
            (#"{"inputs":[],"video":"h264"}"#, "invalid_field", "video"),
            (#"{"inputs":[],"video":{"codec":"av1"}}"#, "invalid_field", "video.codec"),
            (#"{"inputs":[],"video":{"bitrate":1}}"#, "invalid_field", "video.bitrate"),
            (#"{"inputs":[],"audio":1}"#, "invalid_field", "audio"),
            (#"{"inputs":[],"size":"1280x720"}"#, "invalid_field", "size"), (#"{"inputs":[],"name":5}"#, "invalid_field", "name"),
            (#"{"name":"a","inputs":[{"stream":"a"}]}"#, "invalid_field", "inputs"),
            (#"{"room":"a b"}"#, "invalid_field", "room"), (#"{"room":"a","inputs":[]}"#, "invalid_field", "inputs"),
            (#"{"room":"a","focus":"b"}"#, "invalid_field", "focus"), (#"{"inputs":[],"without":["b"]}"#, "invalid_field", "without"),
            (#"{"room":"a","without":"b"}"#, "invalid_field", "without"),
            (#"{"room":"a","without":["b",""]}"#, "invalid_field", "without[1]"),
            (#"{"inputs":[],"video":null,"audio":false}"#, "invalid_field", "audio"),
            (#"{"inputs":[],"start":"later"}"#, "invalid_field", "start"),
        ])
    func ordersThatMakeNoSenseAreRefused(body: String, code: String, field: String) async throws {
        let reply = try await stage.send(.post, path, token: "T-admin", body: body)
        #expect(reply.status == 400 && reply.code == code && reply.json["field"]?.string == field, "\(body): \(reply.text)")
    }

    @Test func aCompositeOfARoomIsOrderedAndChanged() async throws {
        let order = #"{"room":"standup","without":["ben","anna"],"video":null,"start":"on_demand"}"#
        let made = try await stage.send(.post, path, token: "T-admin", body: order)
        #expect(made.status == 201 && made.json["room"] == "standup" && made.json["without"] == ["anna", "ben"], "\(made.text)")
        #expect(made.json["start"] == "on_demand" && made.json["video"] == .null && made.json["audio"] == true && made.json["inputs"] == [])
        let changed = try await stage.send(.patch, "\(path)/k0", token: "T-admin", body: #"{"without":[],"layout":"speaker"}"#)
        #expect(changed.status == 200 && changed.json["without"] == [] && changed.json["layout"]?["kind"] == "speaker", "\(changed.text)")
        let refused = try await stage.send(.patch, "\(path)/k0", token: "T-admin", body: #"{"inputs":[]}"#)
        #expect(refused.status == 400 && refused.json["field"] == "inputs", "\(refused.text)")
        stage.composites.failure.withLock { $0 = BridgeError(.notFound, "There is no room standup.") }
        #expect(try await stage.send(.post, path, token: "T-admin", body: order).status == 404)
    }

    @Test func refusalsOfTheBridgeAreToldAndOthersAreKeptOut() async throws {
        for (code, status) in [(BridgeError.Code.invalidField, 400), (.limitReached, 429), (.pipelineUnavailable, 503)] {
            stage.composites.failure.withLock { $0 = BridgeError(code, "why") }
            #expect(try await stage.send(.post, path, token: "T-admin", body: order).status == status)
        }
        for token in [nil, "T-watch"] as [String?] {
            for (method, path) in [(HTTPRequest.Method.get, path), (.post, path), (.get, "\(path)/k0"), (.patch, "\(path)/k0")] {
                let reply = try await stage.send(method, path, token: token, body: order)
                #expect([401, 403].contains(reply.status), "\(method) \(path): \(reply.text)")
            }
        }
    }
}
