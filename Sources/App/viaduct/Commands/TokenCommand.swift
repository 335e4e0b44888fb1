import AccessPlane
import ArgumentParser
import Bridge
import BridgeConfiguration
import BridgeModel

/// `viaduct token`: a bearer token for the native API, made on the bridge's own machine.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Prints a token that lets its bearer watch or publish one stream, or operate the bridge.")

    @Option(help: "The stream; an admin token needs none.")
    var stream: String?

    @Option(help: "What the bearer may do.")
    var allow: Right

    @Option(help: "How long the token is valid, for instance 10m, 1h or 7d.")
    var ttl = "1h"

    @Option(help: "What the bearer is called in logs.")
    var client: String?

    @OptionGroup var options: SettingOptions

    func validate() throws {
        guard stream != nil || allow == .admin else { throw ValidationError("--stream is missing: which stream is the token for?") }
        guard lifetime != nil else { throw ValidationError("--ttl must be from 1s to 365d, written like 10m, 1h or 7d.") }
    }

    private var lifetime: Duration? {
        DurationText.parse(ttl).flatMap { (.seconds(1) ... .seconds(365 * 86_400)).contains($0) ? $0 : nil }
    }

    func run() async throws {
        guard let lifetime else { return }
        let minter = TokenMinter(store: try KeysCommand.store(try options.load()))
        do {
            let token = try await minter.mint(
                allow.role, stream: stream.map { StreamID($0) }, client: ClientID(client ?? allow.rawValue), lifetime: lifetime)
            print(token.revealed)
        } catch let error as BridgeError {
            throw OperatorError(error.message)
        } catch {
            throw OperatorError("The token could not be signed (\(error)); look at the data folder.")
        }
    }

    enum Right: String, ExpressibleByArgument, CaseIterable {
        case watch, publish, admin

        fileprivate var role: Grant.Role {
            switch self {
            case .watch: .watch
            case .publish: .publish
            case .admin: .admin
            }
        }
    }
}

/// Signs tokens of the native API for the bridge's own account.
struct TokenMinter {
    let store: any KeyStore

    func mint(_ role: Grant.Role, stream: StreamID?, client: ClientID, lifetime: Duration) async throws -> Redacted<String> {
        try await AccountKeys(store: store, now: { SystemTime.wall }).ensureAccount(.bridge)
        let authority = JWTAuthority(store: store, now: { SystemTime.wall })
        return try await authority.issue(
            GrantRequest(account: .bridge, client: client, role: role, stream: stream, lifetime: lifetime))
    }
}

extension AccountID {
    /// Who holds tokens that the operator makes on the bridge's machine.
    static let bridge = AccountID("bridge")
    /// Who anonymous viewers of public streams are.
    static let anonymous = AccountID("public")
}
