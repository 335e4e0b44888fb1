import Bridge
import BridgeModel
import Signaling
import SignalingPlane
import SignalingTesting
import Testing
import WebServerKit

/// The socket rows of the contract's section 13: the exact reply, and that the session stays.
@Suite struct MalformedInputTests {
    private static let start: JSONValue = [
        "type": "session_start", "client_id": "client-0", "session_id": "s-1", "data": ["sdp": ["type": "offer", "sdp": "offer A"]],
    ]

    private func bench() async -> (PlaneBench, BenchClient) {
        let bench = PlaneBench(sessions: [PlaneBench.session("s-1")])
        return (bench, await bench.connect())
    }

    private func error(_ code: String, _ field: JSONValue, _ inReplyTo: JSONValue, _ frame: JSONValue?) -> Bool {
        frame?["type"] == "error" && frame?["data"]?["code"] == .string(code) && frame?["data"]?["field"] == field
            && frame?["data"]?["in_reply_to"] == inReplyTo && frame?["client_id"] == "client-0"
    }

    @Test(
        arguments: [
            ("hello", "malformed_json", nil, nil), ("{\"type\":\"session_start\",", "malformed_json", nil, nil),
            ("[1]", "malformed_json", nil, nil), ("{\"type\":\"session_stop\",}", "malformed_json", nil, nil),
            ("", "malformed_json", nil, nil), ("null", "malformed_json", nil, nil), ("{\"type\":5}", "invalid_field", "type", nil),
            ("{}", "missing_field", "type", nil), ("{\"type\":\"x\"}", "unknown_type", "type", "x"),
            ("{\"type\":\"session_start\"}", "missing_field", "session_id", "session_start"),
            ("{\"type\":\"session_start\",\"session_id\":\"s-1\"}", "missing_field", "data.sdp", "session_start"),
            (
                "{\"type\":\"session_start\",\"session_id\":\"s-1\",\"data\":{\"sdp\":{\"type\":\"answer\",\"sdp\":\"x\"}}}",
                "invalid_field",
                "data.sdp.type", "session_start"
            ),
            (
                "{\"type\":\"session_start\",\"session_id\":\"s-1\",\"data\":{\"sdp\":{\"type\":\"offer\",\"sdp\":\"unacceptable\"}}}",
                "unacceptable_offer", "data.sdp", "session_start"
            ),
            (
                "{\"type\":\"session_start\",\"session_id\":\"s-1\",\"data\":{\"sdp\":{\"type\":\"offer\",\"sdp\":\"v\"},\"webhook_url\":\"ftp://x\"}}",
                "invalid_url", "data.webhook_url", "session_start"
            ),
            (
                "{\"type\":\"candidate\",\"session_id\":\"s-1\",\"data\":{\"candidate\":{\"candidate\":\"garbage\"}}}", "invalid_field",
                "data.candidate", "candidate"
            ),
        ] as [(String, String, JSONValue, JSONValue)])
    func aMalformedFrameIsAnsweredAndIgnored(text: String, code: String, field: JSONValue, inReplyTo: JSONValue) async {
        let (bench, client) = await bench()
        client.send(text)
        #expect(error(code, field, inReplyTo, await client.frame()))
        client.send(Self.start)
        #expect(await client.frame()?["type"] == "sdp_update")
        #expect(bench.bridge.ends.isEmpty)
        await client.close(1000)
    }

    @Test func deepNestingIsNoJSON() async {
        let (_, client) = await bench()
        client.send(String(repeating: "[", count: 100_000))
        #expect(error("malformed_json", nil, nil, await client.frame()))
        await client.close(1000)
    }

    @Test func aByteOrderMarkIsSkipped() async {
        let (_, client) = await bench()
        client.send("\u{FEFF}{\"type\":\"session_stop\",\"session_id\":\"s-1\"}")
        #expect(await client.frame()?["type"] == "session_terminated")
    }

    @Test func theLastOfEqualMembersWins() async {
        let (_, client) = await bench()
        client.send("{\"type\":\"candidate\",\"type\":\"session_stop\",\"session_id\":\"s-1\"}")
        #expect(await client.frame()?["type"] == "session_terminated")
    }

    @Test(
        arguments: [
            (["type": "session_stop", "client_id": "other", "session_id": "s-1"] as JSONValue, "client_mismatch", 4403),
            (["type": "session_stop", "session_id": "unknown"], "session_not_found", 4404),
            (["type": "session_stop", "session_id": "foreign"], "session_not_found", 4404),
            (["type": "session_stop", "session_id": "watching"], "session_not_found", 4404),
        ] as [(JSONValue, String, UInt16)])
    func whatIsNotTheTokensClosesTheSocket(message: JSONValue, code: String, close: UInt16) async {
        let bench = PlaneBench(sessions: [
            PlaneBench.session("s-1"), PlaneBench.session("foreign", client: "client-1"), PlaneBench.session("watching", direction: .watch),
        ])
        let owner = await bench.connect()
        owner.send(Self.start)
        #expect(await owner.frame()?["type"] == "sdp_update")
        let client = await bench.connect()
        client.send(message)
        #expect(await client.frame()?["data"]?["code"] == .string(code))
        #expect(await client.closeCode() == close)
        #expect(bench.bridge.ends.isEmpty)
        #expect(owner.transport.closeCode == nil)
        await owner.close(1000)
    }

    @Test func aBoundSocketNamesNoOtherSession() async {
        let bench = PlaneBench(sessions: [PlaneBench.session("s-1"), PlaneBench.session("s-2")])
        let client = await bench.connect()
        client.send(Self.start)
        #expect(await client.frame()?["type"] == "sdp_update")
        client.send(["type": "session_stop", "session_id": "s-2"])
        #expect(await client.frame()?["data"]?["code"] == "session_mismatch")
        #expect(await client.closeCode() == 4403)
    }

    @Test func theTenthBadMessageClosesTheSocketAndTheSessionWaits() async {
        let (bench, client) = await bench()
        client.send(Self.start)
        #expect(await client.frame()?["type"] == "sdp_update")
        for _ in 0..<10 { client.send("hello") }
        for _ in 0..<10 { #expect(error("malformed_json", nil, nil, await client.frame())) }
        #expect(await client.closeCode() == 4400)
        await client.serving.value
        let second = await bench.connect()
        second.send(["type": "session_start", "session_id": "s-1", "data": ["sdp": ["type": "offer", "sdp": "offer A"]]])
        #expect(await second.frame()?["data"]?["sdp"]?["sdp"] == "answer 1")
        await second.close(1000)
    }

    @Test func aBinaryFrameClosesTheSocketAndTheSessionWaits() async {
        let (bench, client) = await bench()
        client.send(Self.start)
        #expect(await client.frame()?["type"] == "sdp_update")
        await bench.connectMedia(of: "s-1")
        client.transport.receive(.binary([0, 255]))
        #expect(await client.closeCode() == 1003)
        await client.serving.value
        #expect(bench.bridge.ends.isEmpty)
        bench.time.advance(by: .seconds(30))
        #expect(await eventually { bench.bridge.ends[SessionID("s-1")] } == .connectionError)
    }

    @Test func aFloodIsRefusedAndThenClosed() async {
        let (_, client) = await bench()
        client.send(Self.start)
        #expect(await client.frame()?["type"] == "sdp_update")
        for _ in 0..<600 { client.send(["type": "sdp_update", "data": ["sdp": ["type": "answer", "sdp": "x"]]]) }
        var codes: [JSONValue?] = []
        while codes.count < 600, let frame = await client.frame() {
            codes.append(frame["data"]?["code"])
            if client.transport.closeCode != nil { break }
        }
        #expect(codes.prefix(99).allSatisfy { $0 == "unexpected_answer" })
        #expect(codes.dropFirst(99).allSatisfy { $0 == "rate_limited" })
        #expect(await client.closeCode() == 4429)
    }
}
