import Bridge
import BridgeModel
import Signaling
import SignalingPlane
import SignalingTesting
import Testing
import WebServerKit

/// Sockets of rooms on a real room: who comes in, what is answered, what closes a socket, and that it costs that socket alone.
@Suite struct RoomSocketServiceTests {
    private static func join(_ ref: String? = nil, keepsPeers: Bool = false) -> JSONValue {
        ["type": "join", "ref": ref.map(JSONValue.string) ?? .null, "data": ["keeps_peers": .bool(keepsPeers)]]
    }

    /// A room with these people in it, each of whom has read all that was told of the others' coming.
    private static func room(_ links: [String: RoomRole], limits: SocketLimits = .ofRooms) async -> (RoomBench, [String: BenchClient]) {
        let bench = RoomBench(links, limits: limits)
        var clients: [String: BenchClient] = [:]
        for name in links.keys.sorted() {
            let client = await bench.connect(name)
            client.send(join())
            #expect(await client.frame()?["type"] == "welcome")
            for other in clients.values { #expect(await other.frame()?["type"] == "joined") }
            clients[name] = client
        }
        return (bench, clients)
    }

    @Test func twoMeetAndSeeEachOther() async throws {
        let (bench, clients) = await Self.room(["anna": .host, "ben": .worker])
        let (anna, ben) = (try #require(clients["anna"]), try #require(clients["ben"]))
        let offer: JSONValue = ["peer": "publish", "sdp": ["type": "offer", "sdp": "v=0"]]
        anna.send(["type": "sdp_update", "ref": "1", "data": offer])
        #expect(await anna.frame()?.text == #"{"data":{"peer":"publish","sdp":{"sdp":"answer 1","type":"answer"}},"type":"sdp_update"}"#)
        #expect(await anna.frame()?.text == #"{"data":{"in_reply_to":"sdp_update","ref":"1"},"type":"done"}"#)
        await bench.door.peer(.connected)
        #expect(await anna.frame()?.text == #"{"data":{"peer":"publish","state":"connected"},"type":"peer_state"}"#)
        anna.send(["type": "publish", "data": ["kind": "camera", "mid": "0"]])
        #expect(await anna.frame()?["type"] == "published")
        #expect(await ben.frame()?["data"]?["track"]?["participant"] == "anna")
        await bench.advance(by: .milliseconds(50))
        let told = await ben.frame()?["data"]
        #expect(told?["sdp"]?["type"] == "offer" && told?["peer"] == "subscribe" && told?["tracks"]?["0"] == "t1")
        ben.send(["type": "sdp_update", "ref": "2", "data": ["peer": "subscribe", "sdp": ["type": "answer", "sdp": "v=0"]]])
        #expect(await ben.frame()?["type"] == "done")
        ben.send(["type": "sdp_update", "data": ["peer": "subscribe", "sdp": ["type": "answer", "sdp": "v=0"]]])
        #expect(await ben.frame()?["data"]?["code"] == "not_found")
    }

    @Test func aRefusalNamesWhatWasRefused() async throws {
        let (_, clients) = await Self.room(["vera": .viewer])
        let vera = try #require(clients["vera"])
        vera.send(["type": "publish", "ref": "p", "data": ["kind": "camera", "mid": "0"]])
        let refusal = await vera.frame()?["data"]
        #expect(refusal?["code"] == "forbidden" && refusal?["in_reply_to"] == "publish" && refusal?["ref"] == "p")
        vera.send(["type": "sdp_update", "ref": "o", "data": ["peer": "publish", "sdp": ["type": "offer", "sdp": "unacceptable"]]])
        #expect(await vera.frame()?["data"]?["code"] == "unacceptable_offer")
        vera.send(["type": "chat", "ref": "c", "data": ["text": 5]])
        let form = await vera.frame()?["data"]
        #expect(form?["code"] == "invalid_field" && form?["field"] == "data.text" && form?["ref"] == "c")
        vera.send(["type": "hand", "ref": "h", "data": ["raised": true]])
        #expect(await vera.frame()?["type"] == "changed")
        #expect(await vera.frame()?["data"] == ["in_reply_to": "hand", "ref": "h"])
    }

    @Test(
        arguments: [
            ("nobody's", RoomBench.room, "forbidden", 4403), ("anna", RoomID("other"), "not_found", 4404),
        ] as [(String, RoomID, String, UInt16)])
    func aLinkThatOpensNothingIsToldSoByTheSocket(_ token: String, _ room: RoomID, _ code: String, _ close: UInt16) async {
        let bench = RoomBench(["anna": .host])
        let client = await bench.connect(token, room: room)
        let refusal = await client.frame()?["data"]
        #expect(refusal?["code"] == .string(code) && refusal?["in_reply_to"] == .null)
        #expect(await client.closeCode() == close)
        await client.serving.value
        #expect(bench.service.socketCount == 0)
        #expect(await bench.door.lost.isEmpty)
    }

    @Test func whoDoesNotJoinIsClosedAfterTenSeconds() async {
        let bench = RoomBench(["anna": .host, "ben": .worker])
        let (anna, ben) = (await bench.connect("anna"), await bench.connect("ben"))
        anna.send(Self.join())
        #expect(await anna.frame()?["type"] == "welcome")
        await bench.advance(by: .seconds(10))
        #expect(await ben.closeCode() == 4408)
        await ben.serving.value
        #expect(anna.transport.closeCode == nil)
        #expect(await bench.door.lost == [RoomSocketID(2)])
    }

    @Test func whoDropsAndReturnsIsSeenToBeAwayAndBack() async throws {
        let (bench, clients) = await Self.room(["anna": .host, "ben": .worker])
        let (anna, ben) = (try #require(clients["anna"]), try #require(clients["ben"]))
        await ben.close(1006)
        #expect(await anna.frame()?["data"]?["participant"]?["presence"] == "away")
        await bench.advance(by: .seconds(19))
        let again = await bench.connect("ben")
        again.send(Self.join(keepsPeers: true))
        #expect(await again.frame()?["type"] == "welcome")
        #expect(await anna.frame()?["data"]?["participant"]?["presence"] == "here")
        await again.close(1000)
        #expect(await anna.frame()?["data"]?["participant"]?["presence"] == "away")
        await bench.advance(by: .seconds(20))
        #expect(await anna.frame()?.text == #"{"data":{"cause":"connection_lost","participant":"ben"},"type":"left"}"#)
    }

    @Test func aNewerSocketTakesThePlace() async throws {
        let (bench, clients) = await Self.room(["anna": .host])
        let old = try #require(clients["anna"])
        let new = await bench.connect("anna")
        new.send(Self.join())
        #expect(await new.frame()?["type"] == "welcome")
        #expect(await old.closeCode() == 4409)
        await old.serving.value
        #expect(await bench.door.lost.isEmpty)
        #expect(new.transport.closeCode == nil)
    }

    @Test func whoIsRemovedIsToldByTheClose() async throws {
        let (bench, clients) = await Self.room(["anna": .host, "ben": .worker])
        let (anna, ben) = (try #require(clients["anna"]), try #require(clients["ben"]))
        anna.send(["type": "remove", "data": ["participant": "ben"]])
        #expect(await ben.closeCode() == 4411)
        let again = await bench.connect("ben")
        again.send(Self.join("j"))
        let refusal = await again.frame()?["data"]
        #expect(refusal?["code"] == "removed" && refusal?["ref"] == "j")
        #expect(await again.closeCode() == 4403)
    }

    @Test func whoLeavesIsClosedNormally() async throws {
        let (_, clients) = await Self.room(["anna": .host])
        let anna = try #require(clients["anna"])
        anna.send(["type": "leave", "ref": "bye"])
        #expect(await anna.closeCode() == 1000)
    }

    @Test func aFloodCostsItsSocketAlone() async throws {
        let (bench, clients) = await Self.room(["anna": .host, "ben": .worker])
        let (anna, ben) = (try #require(clients["anna"]), try #require(clients["ben"]))
        for _ in 0..<1200 { ben.send(["type": "pin", "data": ["tracks": []]]) }
        #expect(await eventually { ben.transport.isClosed })
        await ben.serving.value
        var last: JSONValue?
        while let text = ben.transport.takeFrame() { last = try JSONValue.read(text.utf8) }
        #expect(last?["data"]?["code"] == "rate_limited")
        #expect(ben.transport.closeCode == 4429)
        let count = await bench.door.received.count
        #expect(count < 210, "\(count) frames of a flood came to the room")
        #expect(await anna.frame()?["data"]?["participant"]?["presence"] == "away")
        anna.send(["type": "chat", "data": ["text": "still here"]])
        #expect(await anna.frame()?["type"] == "chat")
    }

    @Test func aSlowReaderIsClosedAndKeepsItsPlace() async throws {
        let (_, clients) = await Self.room(["anna": .host, "ben": .worker])
        let (anna, ben) = (try #require(clients["anna"]), try #require(clients["ben"]))
        ben.transport.limitRoom(to: 1)
        for _ in 0..<2 {
            anna.send(["type": "chat", "data": ["text": "hello"]])
            #expect(await anna.frame()?["type"] == "chat")
        }
        #expect(await ben.frame()?["type"] == "chat")
        #expect(await ben.closeCode() == 1013)
        #expect(await anna.frame()?["data"]?["participant"]?["presence"] == "away")
    }

    @Test func theTenthMalformedFrameClosesTheSocket() async throws {
        let (bench, clients) = await Self.room(["anna": .host])
        let anna = try #require(clients["anna"])
        for _ in 0..<10 { anna.send("hello") }
        for _ in 0..<10 { #expect(await anna.frame()?["data"]?["code"] == "malformed_json") }
        #expect(await anna.closeCode() == 4400)
        await anna.serving.value
        #expect(await bench.door.received.count == 1)
    }

    @Test func aBinaryFrameClosesTheSocket() async throws {
        let (_, clients) = await Self.room(["anna": .host])
        let anna = try #require(clients["anna"])
        anna.transport.receive(.binary([0, 1]))
        #expect(await anna.closeCode() == 1003)
    }

    @Test func nothingIsReadWhileTheRoomHasAFrameInHand() async throws {
        let (bench, clients) = await Self.room(["anna": .host])
        let anna = try #require(clients["anna"])
        await bench.door.hold()
        anna.send(["type": "chat", "data": ["text": "first"]])
        anna.send(["type": "chat", "data": ["text": "second"]])
        #expect(await eventually { await bench.door.received.count == 2 })
        for _ in 0..<50 { await Task.yield() }
        #expect(await bench.door.received.last == .request(.command(.chat("first"))))
        await bench.door.letGo()
        #expect(await anna.frame()?["data"]?["message"]?["text"] == "first")
        #expect(await anna.frame()?["data"]?["message"]?["text"] == "second")
    }

    @Test func theShutdownClosesEverySocket() async throws {
        let (bench, clients) = await Self.room(["anna": .host, "ben": .worker])
        bench.service.shutdown()
        for client in clients.values {
            await client.serving.value
            while client.transport.takeFrame() != nil {}
            #expect(client.transport.closeCode == 1001)
        }
        let late = await bench.connect("anna")
        #expect(await late.closeCode() == 1001)
        #expect(bench.service.socketCount == 0)
    }
}
