import Bridge
import BridgeModel
import Testing

/// What a Janus server says, well formed or not.
@Suite struct JanusMessageTests {
    private func read(_ text: String) throws(JanusError) -> [JanusMessage] { try JanusMessage.read(Array(text.utf8)) }

    @Test(
        arguments: [
            (#"{"janus":"success","transaction":"create","data":{"id":9007199254740992}}"#, .success(id: 9_007_199_254_740_992)),
            (#"{"janus":"success"}"#, .success(id: nil)), (#"{"janus":"ack","session_id":1}"#, .acknowledged),
            (#"{"janus":"error","error":{"code":458,"reason":"No such session 12"}}"#, .failure(code: 458)),
            (
                #"{"janus":"trickle","candidate":{"candidate":"candidate:1 1 udp 1 10.0.0.1 9 typ host","sdpMid":"0"}}"#,
                .candidate("candidate:1 1 udp 1 10.0.0.1 9 typ host")
            ),
            (#"{"janus":"trickle","candidate":{"completed":true}}"#, .candidate(nil)),
            (#"{"janus":"hangup","reason":"ICE failed"}"#, .hangup),
            (#"{"janus":"detached"}"#, .detached), (#"{"janus":"timeout","session_id":1}"#, .timeout),
            (#"{"janus":"keepalive"}"#, .notice), (#"{"janus":"webrtcup"}"#, .notice), (#"{"janus":"media","type":"video"}"#, .notice),
            (#"{"janus":"slowlink","uplink":true}"#, .notice), (#"{"janus":"of a later version"}"#, .notice),
        ] as [(String, JanusMessage.Content)])
    func everyKindIsRead(text: String, content: JanusMessage.Content) throws {
        #expect(try read(text).map(\.content) == [content])
    }

    @Test func aPollBringsSeveralAndSaysWhomTheyAreAbout() throws {
        let messages = try read(
            #"[{"janus":"keepalive"},{"janus":"event","sender":7,"transaction":"message","plugindata":{"data":{"error_code":426}}}]"#)
        #expect(messages.map(\.sender) == [nil, 7] && messages.map(\.transaction) == [nil, "message"])
        guard case .event(let event) = messages[1].content else { throw TestFailure("\(messages)") }
        #expect(event.errorCode == 426 && event.answer == nil && !event.isKicked && !event.isRoomClosed)
        #expect(try read("[]").isEmpty)
    }

    @Test func eventsBringAnswersAndEnds() throws {
        let table: [(String, (JanusEvent) -> Bool)] = [
            (#"{"videoroom":"joined"},"#, { $0.answer == nil }), (#"{"videoroom":"destroyed","room":7},"#, { $0.isRoomClosed }),
            (#"{"videoroom":"event","leaving":"ok","reason":"kicked"},"#, { $0.isKicked }),
            (#"{"videoroom":"event","leaving":12,"reason":"kicked"},"#, { !$0.isKicked }),
        ]
        for (data, holds) in table {
            let text = #"{"janus":"event","plugindata":{"data":"# + data.dropLast() + "}}"
            guard case .event(let event)? = try read(text).first?.content else { throw TestFailure(text) }
            #expect(holds(event), "\(text)")
        }
        let jsep = #"{"janus":"event","plugindata":{"data":{}},"jsep":{"type":"answer","sdp":"v=0"}}"#
        guard case .event(let event)? = try read(jsep).first?.content else { throw TestFailure(jsep) }
        #expect(event.answer == "v=0")
    }

    @Test(
        arguments: [
            ("", .notJSON), ("<html>", .notJSON), ("{", .notJSON), (#"{"janus":"ack""#, .notJSON), ("\u{0}", .notJSON),
            (String(repeating: "[", count: 1000), .notJSON), ("5", .notMessages), ("null", .notMessages), (#""ack""#, .notMessages),
            ("[[]]", .notMessages), ("[5]", .notMessages), ("[" + String(repeating: "{},", count: 40) + "{}]", .notMessages),
            ("{}", .nameless),
            (#"{"janus":5}"#, .nameless), (#"{"Janus":"ack"}"#, .nameless), (#"[{"janus":"ack"},{}]"#, .nameless),
            (#"{"janus":"success","data":{}}"#, .missing(kind: "success", member: "data.id")),
            (#"{"janus":"success","data":5}"#, .missing(kind: "success", member: "data.id")),
            (#"{"janus":"success","data":{"id":-1}}"#, .missing(kind: "success", member: "data.id")),
            (#"{"janus":"success","data":{"id":1.5}}"#, .missing(kind: "success", member: "data.id")),
            (#"{"janus":"success","data":{"id":1e300}}"#, .missing(kind: "success", member: "data.id")),
            (#"{"janus":"success","data":{"id":"7"}}"#, .missing(kind: "success", member: "data.id")),
            (#"{"janus":"error"}"#, .missing(kind: "error", member: "error.code")),
            (#"{"janus":"error","error":{"code":"458"}}"#, .missing(kind: "error", member: "error.code")),
            (#"{"janus":"event"}"#, .missing(kind: "event", member: "plugindata.data")),
            (#"{"janus":"event","plugindata":{"data":[]}}"#, .missing(kind: "event", member: "plugindata.data")),
            (#"{"janus":"event","plugindata":{"data":{"publishers":[{}]}}}"#, .missing(kind: "event", member: "publishers.id")),
            (#"{"janus":"event","plugindata":{"data":{"publishers":[{"id":-1}]}}}"#, .missing(kind: "event", member: "publishers.id")),
            (#"{"janus":"event","plugindata":{"data":{}},"jsep":{"type":"answer"}}"#, .missing(kind: "event", member: "jsep.sdp")),
            (#"{"janus":"trickle"}"#, .missing(kind: "trickle", member: "candidate")),
            (#"{"janus":"trickle","candidate":{"candidate":"nonsense"}}"#, .missing(kind: "trickle", member: "candidate")),
            (#"{"janus":"trickle","candidate":{"candidate":"candidate:1\r\nm=audio"}}"#, .missing(kind: "trickle", member: "candidate")),
        ] as [(String, JanusError)])
    func whatIsNoMessageHasItsError(text: String, error: JanusError) {
        #expect(throws: error) { try read(text) }
    }
}
