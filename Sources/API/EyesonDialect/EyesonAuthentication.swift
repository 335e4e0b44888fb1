import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// `POST /auth_v2/*`: a master key becomes a token (contract section 5.1).
struct EyesonAuthentication: Sendable {
    let authority: any TokenAuthority
    let limits: RateLimits
    let clock: BridgeClock

    /// The dialect's name in the key store.
    static let dialect = "eyeson"

    /// The checks stand in the order of contract section 4: size, rate of the address, JSON, presence of the key, key, account, rate of the key, fields.
    func mint(_ role: Grant.Role, _ request: APIRequest) async throws(EyesonError) -> APIResponse {
        let bytes = try await request.readBody()
        let wait = await limits.waitAfterWrongKeys(from: request.remoteAddress, at: clock.now())
        guard wait == .zero else { throw .rateLimited(wait: wait) }
        let fields = RequestFields(try Self.object(bytes))
        let account = try await account(fields, address: request.remoteAddress)
        let pause = await limits.takeAuthentication(of: account, at: clock.now())
        guard pause == .zero else { throw .rateLimited(wait: pause) }
        let order = GrantRequest(
            account: account, client: try Self.client(role, fields), role: role,
            monitoredClient: role == .supervisor ? try fields.client("client_to_monitor") : nil, lifetime: try fields.lifetime())
        let token = try await issue(order)
        let reply = APIResponse.json(.created, .object([.init("auth_token", .string(token.revealed))]))
        return reply.with(.cacheControl, "no-store")
    }

    /// The statistics reference lists `client_id` as required while its example leaves it out.
    private static func client(_ role: Grant.Role, _ fields: RequestFields) throws(EyesonError) -> ClientID {
        guard role != .stats || fields.has("client_id") else { return ClientID("stats") }
        return try fields.client("client_id")
    }

    private func account(_ fields: RequestFields, address: String) async throws(EyesonError) -> AccountID {
        let key = Redacted(try fields.text("master_key", bytes: 1...512))
        let account: AccountID?
        do throws(AccessError) {
            account = try await authority.account(masterKey: key, dialect: Self.dialect)
        } catch {
            throw Self.failure(error)
        }
        guard let account else {
            await limits.countWrongKey(from: address, at: clock.now())
            throw .invalidMasterKey
        }
        return account
    }

    private func issue(_ order: GrantRequest) async throws(EyesonError) -> Redacted<String> {
        do throws(AccessError) {
            return try await authority.issue(order)
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: AccessError) -> EyesonError {
        switch error {
        case .suspended: .accountSuspended
        case .unavailable: .unavailable
        case .missing, .invalid, .expired, .revoked: .internal
        }
    }

    static func object(_ bytes: [UInt8]) throws(EyesonError) -> JSONValue {
        do throws(JSONBodyError) {
            return try JSONBody.object(bytes)
        } catch {
            throw error == .malformed ? .malformedJSON : .notAnObject
        }
    }
}

extension APIRequest {
    /// Contract section 10: REST bodies of at most 64 KiB.
    private static let bodyLimit = 64 * 1024

    /// The whole body. A transfer that broke off looks like one that is no JSON; nobody reads the answer.
    func readBody() async throws(EyesonError) -> [UInt8] {
        do throws(APIBodyError) {
            return try await body(upTo: Self.bodyLimit)
        } catch {
            throw error == .tooLarge ? .bodyTooLarge(limit: Self.bodyLimit) : .malformedJSON
        }
    }
}
