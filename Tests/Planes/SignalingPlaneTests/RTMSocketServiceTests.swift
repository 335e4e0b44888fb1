import Bridge
import BridgeModel
import Signaling
import SignalingPlane
import SignalingTesting
import Testing
import WebServerKit

/// Sockets, sessions and the bridge together: take-over, reconnect, slow readers, the shutdown.
@Suite struct RTMSocketServiceTests {
    private static let session = SessionID("s-1")

    private static func start(_ offer: String = "offer A") -> JSONValue {
        ["type": "session_start", "client_id": "client-0", "session_id": "s-1", "data": ["sdp": ["type": "offer", "sdp": .string(offer)]]]
    }

    private static func started(_ settings: RTMSettings = RTMSettings()) async -> (PlaneBench, BenchClient) {
        let bench = PlaneBench(sessions: [PlaneBench.session("s-1")], settings: settings)
        let client = await bench.connect()
        client.send(start())
        #expect(await client.frame()?["type"] == "sdp_update")
        await bench.connectMedia(of: "s-1")
        return (bench, client)
    }

    @Test func callsComeInTheDocumentedOrder() async {
        let (bench, client) = await Self.started()
        client.send(["type": "session_stop"])
        #expect(await client.frame()?["data"]?["termination_cause"] == "CLIENT_STOP")
        #expect(await client.closeCode() == 1000)
        #expect(await eventually { await bench.service.sessionCount == 0 })
        #expect(bench.bridge.calls == ["openPeer", "sessionStarted", "sessionEnded CLIENT_STOP", "closePeer peer-1"])
    }

    @Test func aNewSocketTakesTheSessionOver() async {
        let (bench, first) = await Self.started()
        let second = await bench.connect()
        second.send(["type": "recording_stop", "session_id": "s-1"])
        #expect(await second.frame()?["data"]?["code"] == "no_recording")
        #expect(await first.closeCode() == 4409)
        await first.serving.value
        #expect(bench.bridge.ends.isEmpty)
        await second.close(1000)
    }

    @Test func whatTheOldSocketStillSendsIsNotActedOn() async {
        let (bench, first) = await Self.started()
        let second = await bench.connect()
        second.send(["type": "recording_stop", "session_id": "s-1"])
        #expect(await first.closeCode() == 4409)
        first.send(["type": "session_stop"])
        await first.serving.value
        second.send(["type": "recording_stop"])
        #expect(await second.frame()?["data"]?["code"] == "no_recording")
        #expect(await second.frame()?["data"]?["code"] == "no_recording")
        #expect(bench.bridge.ends.isEmpty)
    }

    @Test func aClientMayComeBackWithinThirtySeconds() async {
        let (bench, first) = await Self.started()
        await first.close(1006)
        bench.time.advance(by: .seconds(29))
        let second = await bench.connect()
        second.send(["type": "recording_stop", "session_id": "s-1"])
        #expect(await second.frame()?["data"]?["code"] == "no_recording")
        bench.time.advance(by: .seconds(120))
        second.send(["type": "recording_stop"])
        #expect(await second.frame()?["data"]?["code"] == "no_recording")
        #expect(bench.bridge.ends.isEmpty)
    }

    @Test func aClientThatDoesNotComeBackLosesItsSession() async {
        let (bench, first) = await Self.started()
        await first.close(1006)
        bench.time.advance(by: .seconds(30))
        #expect(await eventually { bench.bridge.ends[Self.session] } == .connectionError)
        #expect(await eventually { await bench.service.sessionCount == 0 })
        let late = await bench.connect()
        late.send(Self.start())
        #expect(await late.frame()?["data"]?["code"] == "session_ended")
        #expect(await late.closeCode() == 4410)
    }

    @Test func aSocketWithoutASessionIsClosedAfterThirtySeconds() async {
        let bench = PlaneBench(sessions: [PlaneBench.session("s-1")])
        let client = await bench.connect()
        client.send("hello")
        #expect(await client.frame()?["data"]?["code"] == "malformed_json")
        bench.time.advance(by: .seconds(30))
        #expect(await client.closeCode() == 4408)
        await client.serving.value
    }

    @Test func aSlowReaderIsClosedAndItsSessionWaits() async {
        let (bench, client) = await Self.started()
        client.transport.limitRoom(to: 0)
        client.send(["type": "recording_stop"])
        #expect(await client.closeCode() == 1013)
        await client.serving.value
        #expect(bench.bridge.ends.isEmpty)
        #expect(await bench.service.sessionCount == 1)
    }

    @Test func aSlowBridgeHoldsNoSocketUp() async {
        let bench = PlaneBench(sessions: [PlaneBench.session("s-1"), PlaneBench.session("s-2")])
        bench.bridge.holdEnds()
        let first = await bench.connect()
        first.send(Self.start())
        #expect(await first.frame()?["type"] == "sdp_update")
        first.send(["type": "session_stop"])
        first.send(["type": "recording_start"])
        #expect(await first.frame()?["data"]?["code"] == "session_ended")
        let other = await bench.connect()
        other.send(["type": "session_start", "session_id": "s-2", "data": ["sdp": ["type": "offer", "sdp": "o"]]])
        #expect(await other.frame()?["type"] == "sdp_update")
        bench.bridge.finishEnds()
        #expect(await first.frame()?["type"] == "session_terminated")
        await other.close(1000)
    }

    @Test func anotherMayEndASession() async {
        let (bench, client) = await Self.started()
        await bench.bridge.end(Self.session, .replaced)
        #expect(bench.bridge.ends[Self.session] == .replaced)
        #expect(await client.frame()?["data"]?["termination_cause"] == "REPLACED")
        #expect(await client.closeCode() == 4409)
        await bench.bridge.end(Self.session, .policy)
        #expect(bench.bridge.ends[Self.session] == .replaced)
    }

    @Test func theShutdownEndsEverythingDurably() async {
        let (bench, client) = await Self.started()
        let idle = await bench.connect()
        idle.send("hello")
        #expect(await idle.frame()?["type"] == "error")
        await bench.service.shutdown()
        #expect(bench.bridge.ends[Self.session] == .serverShutdown)
        #expect(bench.bridge.calls.last == "closePeer peer-1")
        #expect(await client.frame()?["data"]?["termination_cause"] == "SERVER_SHUTDOWN")
        #expect(await client.closeCode() == 1001)
        #expect(await idle.closeCode() == 1001)
        let late = await bench.connect()
        #expect(await late.closeCode() == 1001)
    }

    @Test func moreSessionsThanAllowedAreTurnedAway() async {
        var settings = RTMSettings()
        settings.maximumSessions = 0
        let bench = PlaneBench(sessions: [PlaneBench.session("s-1")], settings: settings)
        let client = await bench.connect()
        client.send(Self.start())
        #expect(await client.frame()?["data"]?["code"] == "internal")
        #expect(await client.closeCode() == 1013)
    }

    @Test func aSupervisorJoinsByItsOwnMessage() async {
        let bench = PlaneBench(sessions: [PlaneBench.session("w-1", client: "boss", direction: .watch)])
        let client = await bench.connect(client: "boss", path: .supervisor(monitored: SessionID("s-1")))
        client.send([
            "type": "supervisor_join_session", "session_id": "w-1",
            "data": ["session_id_to_monitor": "s-1", "sdp": ["type": "offer", "sdp": "o"]],
        ])
        #expect(await client.frame()?["type"] == "sdp_update")
        await client.close(1000)
        #expect(await eventually { bench.bridge.ends[SessionID("w-1")] } == .clientStop)
    }

    @Test func nothingOfManySessionsStays() async {
        let sessions = (0..<200).map { PlaneBench.session("s-\($0)") }
        let bench = PlaneBench(sessions: sessions)
        await withTaskGroup(of: Void.self) { group in
            for session in sessions {
                group.addTask {
                    let client = await bench.connect()
                    let offer: JSONValue = ["sdp": ["type": "offer", "sdp": "offer"]]
                    client.send(["type": "session_start", "session_id": .string(session.session.rawValue), "data": offer])
                    #expect(await client.frame()?["type"] == "sdp_update")
                    await client.close(1000)
                }
            }
        }
        #expect(await eventually { await bench.service.sessionCount == 0 })
        #expect(bench.bridge.ends.count == 200)
        #expect(bench.bridge.calls.filter { $0.hasPrefix("closePeer") }.count == 200)
    }
}
