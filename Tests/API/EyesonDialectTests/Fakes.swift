import Bridge
import BridgeModel
import EyesonDialect
import Foundation
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

/// Tokens by their text, keys by theirs; remembers what was asked.
final class FakeAuthority: TokenAuthority {
    struct Memory {
        var keys: [String: Result<AccountID, AccessError>] = ["key-A": .success(AccountID("acme")), "key-off": .failure(.suspended)]
        var tokens: [String: Result<Grant, AccessError>] = [:]
        var issued: [GrantRequest] = []
        var dialects: [String] = []
        var revoked: [String] = []
    }

    let memory = Mutex(Memory())

    func verify(_ token: Redacted<String>) async throws(AccessError) -> Grant {
        switch memory.withLock({ $0.tokens[token.revealed] }) {
        case .success(let grant): return grant
        case .failure(let error): throw error
        case nil: throw .invalid
        }
    }

    func issue(_ request: GrantRequest) async throws(AccessError) -> Redacted<String> {
        memory.withLock { $0.issued.append(request) }
        return Redacted("signed.token")
    }

    func account(masterKey: Redacted<String>, dialect: String) async throws(AccessError) -> AccountID? {
        let entry = memory.withLock { memory in
            memory.dialects.append(dialect)
            return memory.keys[masterKey.revealed]
        }
        switch entry {
        case .success(let account): return account
        case .failure(let error): throw error
        case nil: return nil
        }
    }

    func revoke(tokenID: String, until: WallTime) async throws(AccessError) {
        memory.withLock { $0.revoked.append(tokenID) }
    }
}

/// Creates sessions with one id, or fails as told.
final class FakeDirectory: SessionDirectory {
    let failure = Mutex<BridgeError?>(nil)
    let created = Mutex<[SessionContext]>([])

    func createSession(for grant: Grant, direction: SessionContext.Direction, stream: StreamID) async throws(BridgeError) -> SessionContext
    {
        if let failure = failure.withLock({ $0 }) { throw failure }
        let context = SessionContext(
            session: SessionID("98f06660-5434-4a9c-ae65-0291d5622624"), account: grant.account, client: grant.client, stream: stream,
            direction: direction)
        created.withLock { $0.append(context) }
        return context
    }

    func discardSession(_ id: SessionID) async {}

    func session(_ id: SessionID) async -> SessionContext? { created.withLock { $0.first { $0.session == id } } }
}

/// A dialect on fakes, with a clock that stands until it is moved.
final class Stage: Sendable {
    let authority = FakeAuthority()
    let directory = FakeDirectory()
    let dialect: EyesonDialect
    private let router: Router

    init(_ configure: (inout Settings) -> Void = { _ in }) {
        var settings = Settings()
        settings.turn.stunURLs = ["stun:turn.example.net:3478"]
        settings.turn.urls = ["turn:turn.example.net:3478"]
        settings.turn.secret = Redacted("turn-secret-A")
        configure(&settings)
        let time = Clock(monotonic: MonotonicTime(nanoseconds: 1_000_000_000))
        clock = time
        let wall = WallTime(milliseconds: 1_700_000_000_000)
        let ports = EyesonDialect.Ports(
            authority: authority, directory: directory, iceServers: IceServerList(settings.turn, hmacSHA1: HMACSHA1.code),
            clock: BridgeClock(now: { time.now }, wall: { wall }, sleep: { _ in }))
        dialect = EyesonDialect(ports, settings: settings)
        router = Router([dialect])
        for role in Grant.Role.allCases {
            let grant = Grant(
                account: AccountID("acme"), client: ClientID("client-0"), role: role, issuedAt: wall, expiresAt: wall,
                tokenID: role.rawValue)
            authority.memory.withLock { $0.tokens["T-\(role.rawValue)"] = .success(grant) }
        }
        authority.memory.withLock { memory in
            for (name, error) in [
                ("expired", AccessError.expired), ("revoked", .revoked), ("suspended", .suspended), ("down", .unavailable),
            ] {
                memory.tokens["T-\(name)"] = .failure(error)
            }
        }
    }

    /// Virtual monotonic time.
    final class Clock: Sendable {
        private let value: Mutex<MonotonicTime>
        init(monotonic: MonotonicTime) { value = Mutex(monotonic) }
        var now: MonotonicTime { value.withLock { $0 } }
        func advance(_ duration: Duration) { value.withLock { $0 = $0.advanced(by: duration) } }
    }

    let clock: Clock

    /// A reply, taken apart.
    struct Reply {
        let status: Int
        let fields: HTTPFields
        let text: String
        let json: JSONValue

        var error: String? { json["error"]?.string }
        var field: String? { json["field"]?.string }
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, token: String? = nil, body: String = "", secure: Bool = false,
        address: String = "192.0.2.1"
    ) async throws -> Reply {
        let response = try #require(
            await router.respond(to: Self.request(method, path, token: token, body: body, secure: secure, address: address)))
        return try Self.reply(response)
    }

    static func request(
        _ method: HTTPRequest.Method, _ path: String, token: String? = nil, body: String = "", secure: Bool = false,
        address: String = "192.0.2.1"
    ) -> APIRequest {
        var fields: HTTPFields = [:]
        if let token { fields[.authorization] = "Bearer \(token)" }
        let head = HTTPRequest(method: method, scheme: "http", authority: "bridge.example", path: path, headerFields: fields)
        let bytes = Array(body.utf8)
        return APIRequest(head: head, remoteAddress: address, isSecure: secure, requestID: "01J") { limit throws(APIBodyError) in
            guard bytes.count <= limit else { throw .tooLarge }
            return bytes
        }
    }

    static func reply(_ response: APIResponse) throws -> Reply {
        var text = ""
        if case .bytes(let bytes) = response.body { text = String(decoding: bytes, as: UTF8.self) }
        let json = text.isEmpty ? JSONValue.null : try JSONValue.read(text.utf8)
        return Reply(status: response.head.status.code, fields: response.head.headerFields, text: text, json: json)
    }
}

/// HMAC-SHA1 (RFC 2104, FIPS 180-4), written for these tests: the bridge's own comes through a port.
enum HMACSHA1 {
    static let code: @Sendable ([UInt8], [UInt8]) -> [UInt8] = { key, message in
        let short = key.count > 64 ? sha1(key) : key
        let block = short + [UInt8](repeating: 0, count: 64 - short.count)
        return sha1(block.map { $0 ^ 0x5C } + sha1(block.map { $0 ^ 0x36 } + message))
    }

    static func sha1(_ message: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
        var bytes = message + [0x80]
        while bytes.count % 64 != 56 { bytes.append(0) }
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: (message.count * 8) >> (56 - 8 * $0)) }
        for start in stride(from: 0, to: bytes.count, by: 64) { mix(Array(bytes[start..<start + 64]), into: &state) }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) } }
    }

    private static func mix(_ block: [UInt8], into state: inout [UInt32]) {
        var words = (0..<16).map { place in block[place * 4..<place * 4 + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
        for place in 16..<80 { words.append(rotate(words[place - 3] ^ words[place - 8] ^ words[place - 14] ^ words[place - 16], 1)) }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for (place, word) in words.enumerated() {
            let (mixed, constant): (UInt32, UInt32) =
                switch place / 20 {
                case 0: ((b & c) | (~b & d), 0x5A82_7999)
                case 1: (b ^ c ^ d, 0x6ED9_EBA1)
                case 2: ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = rotate(a, 5) &+ mixed &+ e &+ constant &+ word
            (e, d, c, b, a) = (d, c, rotate(b, 30), a, next)
        }
        state = zip(state, [a, b, c, d, e]).map { $0 &+ $1 }
    }

    private static func rotate(_ value: UInt32, _ bits: UInt32) -> UInt32 { value << bits | value >> (32 - bits) }
}
