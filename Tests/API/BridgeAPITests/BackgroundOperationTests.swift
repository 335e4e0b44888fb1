import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

/// Backgrounds in memory; `failure` is what each call ends with.
final class FakeBackgrounds: BackgroundCommands {
    let failure = Mutex<BridgeError?>(nil)
    private let all = Mutex<[BackgroundName: [UInt8]]>([:])

    private func background(_ name: BackgroundName, _ bytes: [UInt8]) throws(BridgeError) -> Background {
        if let failure = failure.withLock({ $0 }) { throw failure }
        do throws(PictureHeader.Fault) {
            let header = try PictureHeader(reading: bytes)
            return Background(name: name, header: header, bytes: bytes.count, updatedAt: WallTime(milliseconds: 0), path: "/x")
        } catch {
            throw BridgeError(.invalidField, error.text)
        }
    }

    func save(_ picture: [UInt8], as name: BackgroundName) async throws(BridgeError) -> (background: Background, isNew: Bool) {
        let background = try background(name, picture)
        return (background, all.withLock { $0.updateValue(picture, forKey: name) } == nil)
    }

    func backgrounds() async -> [Background] {
        all.withLock { $0 }.sorted { $0.key.rawValue < $1.key.rawValue }.compactMap { try? background($0.key, $0.value) }
    }

    func picture(_ name: BackgroundName) async throws(BridgeError) -> (background: Background, bytes: [UInt8]) {
        guard let bytes = all.withLock({ $0[name] }) else { throw BridgeError(.notFound, "none") }
        return (try background(name, bytes), bytes)
    }

    func remove(_ name: BackgroundName) async throws(BridgeError) {
        if let failure = failure.withLock({ $0 }) { throw failure }
        guard all.withLock({ $0.removeValue(forKey: name) }) != nil else { throw BridgeError(.notFound, "none") }
    }
}

@Suite struct BackgroundOperationTests {
    private let stage = Stage()
    private let path = "/bridge/v1/backgrounds"
    /// Of 640x360, with nothing to be seen in it.
    private static let jpeg: [UInt8] =
        [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 1, 0x68, 2, 0x80, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x55, 0xFF, 0xD9]

    @Test func aPictureIsPutShownListedAndRemoved() async throws {
        let made = try await stage.send(.put, path + "/office", token: "T-admin", bytes: Self.jpeg)
        #expect(made.status == 201 && made.json["media_type"] == "image/jpeg", "\(made.text)")
        #expect(made.json["width"] == 640 && made.json["height"] == 360 && made.json["bytes"] == 28)
        #expect(try await stage.send(.put, path + "/office", token: "T-admin", bytes: Self.jpeg).status == 200)
        let shown = try await stage.send(.get, path + "/office", token: "T-admin")
        #expect(shown.status == 200 && shown.fields[.contentType] == "image/jpeg" && shown.body == .bytes(Self.jpeg))
        #expect(shown.fields[.xContentTypeOptions] == "nosniff")
        #expect(try await stage.send(.get, path, token: "T-admin").json["backgrounds"] == [made.json])
        stage.backgrounds.failure.withLock { $0 = BridgeError(.backgroundInUse, "wall shows it") }
        let used = try await stage.send(.delete, path + "/office", token: "T-admin")
        #expect(used.status == 409 && used.json["code"] == "background_in_use")
        stage.backgrounds.failure.withLock { $0 = nil }
        #expect(try await stage.send(.delete, path + "/office", token: "T-admin").status == 204)
        #expect(try await stage.send(.delete, path + "/office", token: "T-admin").status == 404)
        #expect(try await stage.send(.get, path + "/office", token: "T-admin").status == 404)
    }

    @Test func whatIsNoPictureOrTooMuchIsRefused() async throws {
        for bytes in [[], Array("<svg/>".utf8), Array(Self.jpeg.dropLast(2))] {
            let reply = try await stage.send(.put, path + "/office", token: "T-admin", bytes: bytes)
            #expect(reply.status == 400 && reply.json["field"] == "body", "\(reply.text)")
        }
        let long = Self.jpeg + [UInt8](repeating: 0, count: PictureHeader.largestFile)
        #expect(try await stage.send(.put, path + "/office", token: "T-admin", bytes: long).status == 413)
        for name in ["Office", "a.b", String(repeating: "a", count: 65)] {
            let reply = try await stage.send(.put, path + "/" + name, token: "T-admin", bytes: Self.jpeg)
            #expect(reply.status == 400 && reply.json["field"] == "name")
        }
    }

    @Test func itIsTheOperators() async throws {
        for (method, path) in [
            (HTTPRequest.Method.get, path), (.get, path + "/office"), (.put, path + "/office"), (.delete, path + "/office"),
        ] {
            #expect(try await stage.send(method, path).status == 401)
            #expect(try await stage.send(method, path, token: "T-watch").status == 403)
        }
    }
}
