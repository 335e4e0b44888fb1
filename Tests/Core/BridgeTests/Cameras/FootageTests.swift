import Bridge
import BridgeModel
import Testing

/// What a camera recorded by itself, on its way to a bridge.
@Suite struct FootageTests {
    private static let hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

    private func piece(_ stream: String, _ hash: String = FootageTests.hash) -> FootagePiece {
        let context = SessionContext(
            session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID(stream), direction: .publish)
        return FootagePiece(context: context, sha256: hash, size: 9, offset: 0, bytes: [])
    }

    @Test func aFileOfAStreamIsAlwaysTheSameRecording() {
        let id = piece("gate").recording.rawValue
        #expect(id == piece("gate").recording.rawValue && id != piece("yard").recording.rawValue)
        #expect(id != piece("gate", String(FootageTests.hash.reversed())).recording.rawValue)
        #expect(id.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12] && id.allSatisfy { $0.isHexDigit || $0 == "-" })
        for hash in ["", "x", "0123"] { #expect(!piece("gate", hash).recording.rawValue.contains("/")) }
    }

    private func exchange() throws -> FootageExchange {
        guard case .rtm(let origin) = try CameraTarget(parsing: "ws://bridge:8080") else { throw BridgeError(.internal, "") }
        return FootageExchange(origin: origin, stream: StreamID("a gate"), token: Redacted("t"), sha256: Self.hash, size: 9)
    }

    @Test func aPieceNamesTheFileAndItsPlace() throws {
        let call = try exchange().request(offset: 4, bytes: [1, 2])
        #expect(call.method == "POST" && call.body == [1, 2] && call.token?.revealed == "t")
        #expect(
            call.url.text.revealed
                == "http://bridge:8080/bridge/v1/streams/a%20gate/footage?sha256=\(Self.hash)&size=9&offset=4")
    }

    @Test(arguments: [
        (201, #"{"received":9,"recording":"r"}"#, FootageExchange.Word.taken(recording: "r")),
        (200, #"{"received":9,"recording":"r"}"#, .taken(recording: "r")), (202, #"{"received":4,"recording":null}"#, .wants(from: 4)),
        (400, #"{"detail":"no Matroska"}"#, .refused("The bridge answered 400: no Matroska")),
        (413, "", .refused("The bridge answered 413.")), (403, "{}", .later(after: .seconds(60), "The bridge answered 403.")),
        (404, "<html>", .later(after: .seconds(60), "The bridge answered 404.")), (507, "", .later(after: nil, "The bridge answered 507.")),
        (429, "", .later(after: nil, "The bridge answered 429.")), (302, "", .later(after: nil, "The bridge answered 302.")),
    ])
    func aReplyIsUnderstood(status: Int, body: String, word: FootageExchange.Word) throws {
        let reply = OutgoingReply(status: status, body: Array(body.utf8))
        #expect(try exchange().word(of: reply, now: WallTime(milliseconds: 0)) == word)
    }

    @Test(arguments: [
        (200, "{}"), (201, #"{"recording":null}"#), (201, "["), (202, "{}"), (202, #"{"received":-1}"#), (202, #"{"received":10}"#),
        (202, #"{"received":1.5}"#), (202, #"{"received":"4"}"#), (202, #"{"received":1e300}"#),
    ])
    func whatIsNoAnswerIsAskedAgain(status: Int, body: String) throws {
        let reply = OutgoingReply(status: status, body: Array(body.utf8))
        guard case .later = try exchange().word(of: reply, now: WallTime(milliseconds: 0)) else {
            Issue.record("\(status) \(body) was believed")
            return
        }
    }

    @Test func theContainerFollowsTheCodecs() {
        let facts = { (codecs: [Codec]) in FootageFacts(startedAt: WallTime(milliseconds: 0), duration: .zero, codecs: codecs).container }
        #expect(facts([.vp8, .opus]) == .webm && facts([.h264, .opus]) == .matroska && facts([.opus, .aac]) == .matroska)
    }
}
