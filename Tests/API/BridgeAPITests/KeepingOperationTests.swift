import Bridge
import BridgeModel
import HTTPTypes
import Synchronization
import Testing

@Suite struct KeepingOperationTests {
    private let stage = Stage()
    private let recording = "/bridge/v1/recordings/r-1"

    private func send(_ method: HTTPRequest.Method, _ path: String, _ body: String = "") async throws -> Stage.Reply {
        try await stage.send(method, path, token: "T-admin", body: body)
    }

    @Test(arguments: [
        (HTTPRequest.Method.put, "/recordings/r-1/hold"), (.delete, "/recordings/r-1/hold"), (.delete, "/recordings/r-1"),
        (.post, "/recordings/r-1/redeliver"), (.get, "/audit"), (.get, "/streams/cam/retention"), (.put, "/streams/cam/retention"),
        (.delete, "/streams/cam/retention"),
    ])
    func everythingIsForTheOperator(method: HTTPRequest.Method, path: String) async throws {
        let body = path.hasSuffix("hold") ? #"{"reason":"x"}"# : "{}"
        #expect(try await stage.send(method, "/bridge/v1" + path, body: body).status == 401)
        #expect(try await stage.send(method, "/bridge/v1" + path, token: "T-watch", body: body).status == 403)
        let status = try await send(method, "/bridge/v1" + path, body).status
        #expect((200...204).contains(status))
    }

    @Test func aHoldIsPlacedShownAndReleased() async throws {
        let held = try await send(.put, recording + "/hold", #"{"reason":"case 4711, until released"}"#)
        #expect(held.status == 200 && held.json["hold"]?["reason"] == "case 4711, until released")
        #expect(held.json["hold"]?["actor"]?.string?.hasPrefix("operator:") == true)
        #expect(try await send(.delete, recording + "/hold").json["hold"]?.isNull == true)
        #expect(try await send(.put, "/bridge/v1/recordings/other/hold", #"{"reason":"x"}"#).status == 404)
    }

    @Test(arguments: ["{", "{}", #"{"reason":""}"#, #"{"reason":7}"#, #"{"reason":"two\nlines"}"#])
    func aHoldNeedsAReason(body: String) async throws {
        #expect(try await send(.put, recording + "/hold", body).status == 400)
        #expect(try await send(.put, recording + "/hold", #"{"reason":"\#(String(repeating: "x", count: 501))"}"#).status == 400)
    }

    @Test func aRemovalSaysHowFarItReaches() async throws {
        for (query, reaches) in [("", false), ("?destination=false", false), ("?destination=true", true)] {
            let reply = try await send(.delete, recording + query)
            #expect(reply.status == 202 && reply.json["deletion"]?["destination"] == .bool(reaches))
            #expect(reply.json["deletion"]?["step"] == "files")
        }
        #expect(stage.keeper.memory.withLock { $0.orders }.map(\.includesDestination) == [false, false, true])
        #expect(try await send(.delete, recording + "?destination=yes").code == "invalid_field")
    }

    @Test(arguments: [BridgeError.Code.recordingHeld, .recordingInUse, .recordingGone, .destinationKeeps])
    func aRefusalIsAConflictWithItsCode(code: BridgeError.Code) async throws {
        stage.keeper.memory.withLock { $0.failure = BridgeError(code, "Not now.") }
        for reply in [try await send(.delete, recording), try await send(.post, recording + "/redeliver")] {
            #expect(reply.status == 409 && reply.code == code.rawValue)
        }
    }

    @Test func aRecordingIsSentAgain() async throws {
        #expect(try await send(.post, recording + "/redeliver").status == 202)
        #expect(try await send(.post, recording + "/redeliver", #"{"destination":"nas"}"#).status == 202)
        #expect(stage.keeper.memory.withLock { $0.redelivered } == [nil, DestinationName("nas")])
        for body in [#"{"destination":"NAS"}"#, #"{"destination":7}"#, "[]", "{"] {
            #expect(try await send(.post, recording + "/redeliver", body).status == 400)
        }
    }

    @Test func theAuditLogComesInPages() async throws {
        let rows = ["r-1", "r-2", "r-1"].map { FakeBridge.row($0) }
        stage.keeper.memory.withLock { memory in
            memory.entries = rows.enumerated().map { index, row in
                AuditEntry(sequence: Int64(index + 1), AuditDraft(.hold, by: .quota, of: row, detail: "ü", at: WallTime(milliseconds: 0)))
            }
        }
        let first = try await send(.get, "/bridge/v1/audit?limit=2")
        #expect(first.json["entries"]?.list?.count == 2 && first.json["next"] == "2" && first.json["more"] == true)
        let rest = try await send(.get, "/bridge/v1/audit?after=2")
        #expect(rest.json["entries"]?.list?.compactMap { $0["sequence"]?.integer } == [3] && rest.json["more"] == false)
        #expect(rest.json["entries"]?.list?.first?["action"] == "hold")
        #expect(try await send(.get, "/bridge/v1/audit?after=3").json["next"] == "3")
        #expect(try await send(.get, "/bridge/v1/audit?recording=r-2").json["entries"]?.list?.count == 1)
        #expect(try await send(.get, "/bridge/v1/audit?after=x").code == "invalid_field")
    }

    @Test func aStreamsRuleIsSetAndTakenAway() async throws {
        let place = "/bridge/v1/streams/gate%203/retention"
        #expect(try await send(.get, place).json["source"] == "configuration")
        let rule = #"{"age_seconds":3600,"bytes":null,"recordings":5,"destination":true}"#
        let reply = try await send(.put, place, rule)
        #expect(reply.status == 200 && reply.json["source"] == "stream" && reply.json["age_seconds"] == 3600)
        #expect(reply.json["bytes"]?.isNull == true && reply.json["recordings"] == 5 && reply.json["undelivered"] == false)
        #expect(try await send(.delete, place).status == 204)
        #expect(try await send(.get, place).json["age_seconds"] == 86_400)
    }

    @Test(arguments: [
        "{", "[]", #"{"age":3600}"#, #"{"age_seconds":0}"#, #"{"age_seconds":-1}"#, #"{"age_seconds":"1d"}"#, #"{"age_seconds":1e300}"#,
        #"{"bytes":0}"#, #"{"bytes":1.5}"#, #"{"recordings":0}"#, #"{"recordings":1000001}"#, #"{"destination":"yes"}"#,
        #"{"undelivered":1}"#,
    ])
    func aRuleThatMakesNoSenseIsRefused(body: String) async throws {
        #expect(try await send(.put, "/bridge/v1/streams/cam/retention", body).status == 400)
        #expect(stage.keeper.memory.withLock { $0.rules }.isEmpty)
    }
}

extension JSONValue {
    fileprivate var list: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
}
