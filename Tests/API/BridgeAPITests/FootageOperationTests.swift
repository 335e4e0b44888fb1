import Bridge
import BridgeModel
import HTTPTypes
import Synchronization
import Testing

/// Footage in memory: what it says is the test's.
final class FakeFootage: FootageCommands {
    let answer = Mutex<Result<FootageReceipt, BridgeError>>(.success(.wants(from: 0)))
    let pieces = Mutex<[FootagePiece]>([])

    func take(_ piece: FootagePiece) async throws(BridgeError) -> FootageReceipt {
        pieces.withLock { $0.append(piece) }
        return try answer.withLock { $0 }.get()
    }
}

@Suite struct FootageOperationTests {
    private let stage = Stage()
    private static let hash = String(repeating: "0a", count: 32)

    private func path(sha256: String = hash, size: String = "9", offset: String = "4") -> String {
        "/bridge/v1/streams/cam/footage?sha256=\(sha256)&size=\(size)&offset=\(offset)"
    }

    @Test func aPieceIsTakenForItsStream() async throws {
        stage.footage.answer.withLock { $0 = .success(.wants(from: 6)) }
        let reply = try await stage.send(.post, path(), token: "T-admin", body: "ab")
        #expect(reply.status == 202 && reply.json == ["received": 6, "recording": nil])
        let piece = try #require(stage.footage.pieces.withLock { $0.first })
        #expect(piece.context.stream == StreamID("cam") && piece.context.direction == .publish && piece.bytes == Array("ab".utf8))
        #expect(piece.sha256 == Self.hash && piece.size == 9 && piece.offset == 4)
    }

    @Test(arguments: [(true, 201), (false, 200)])
    func aWholeFileIsARecording(isNew: Bool, status: Int) async throws {
        stage.footage.answer.withLock { $0 = .success(.recorded(RecordingID("r"), isNew: isNew)) }
        let reply = try await stage.send(.post, path(), token: "T-admin")
        #expect(reply.status == status && reply.json == ["received": 9, "recording": "r"])
    }

    @Test func whatIsWrongIsSaid() async throws {
        for wrong in [
            path(sha256: ""), path(sha256: Self.hash.uppercased()), path(sha256: Self.hash + "0"),
            path(sha256: "../" + Self.hash.dropFirst(3)),
        ] {
            let reply = try await stage.send(.post, wrong, token: "T-admin")
            #expect(reply.status == 400 && reply.json["field"] == "sha256")
        }
        for wrong in [path(size: "0"), path(size: "-1"), path(size: "x"), path(size: "2147483649"), path(size: "99999999999999999999")] {
            #expect(try await stage.send(.post, wrong, token: "T-admin").json["field"] == "size")
        }
        for wrong in [path(offset: "10"), path(offset: ""), path(offset: "1.5")] {
            #expect(try await stage.send(.post, wrong, token: "T-admin").json["field"] == "offset")
        }
        #expect(try await stage.send(.post, path(), token: nil).status == 401)
        #expect(try await stage.send(.post, path(), token: "T-watch").json["code"] == "wrong_role")
        #expect(stage.footage.pieces.withLock { $0.isEmpty })
        stage.footage.answer.withLock { $0 = .failure(BridgeError(.storageFull, "full")) }
        #expect(try await stage.send(.post, path(), token: "T-admin").status == 507)
    }
}
