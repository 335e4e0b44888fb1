import AccessPlane
import ArgumentParser
import Bridge
import BridgeModel
import Foundation
import HTTPCore
import StoragePlane

/// `viaduct keys`: the long-lived keys of accounts.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Makes, lists and revokes the keys of accounts.",
        subcommands: [Create.self, List.self, Revoke.self])

    /// Opens the store beside a bridge that may be running: the database is made for that.
    static func store(_ settings: Settings) throws -> SQLiteKeyStore {
        do throws(BridgeError) {
            return SQLiteKeyStore(try StorageDatabase(dataFolder: settings.dataFolder))
        } catch {
            throw OperatorError(error.message)
        }
    }
}

extension KeysCommand {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a key and shows it: this once only.")

        @Option(help: "The API that the key is for.")
        var dialect = Dialect.eyeson

        @Option(help: "What you call it; the account is named after it unless --account is given.")
        var name: String

        @Option(help: "The account that it is for; made when there is none.")
        var account: String?

        @Flag(help: "Prints one JSON object: key, id, account.")
        var json = false

        @OptionGroup var options: SettingOptions

        func run() async throws {
            let keys = AccountKeys(store: try KeysCommand.store(try options.load()), now: { SystemTime.wall })
            let made: NewMasterKey
            do throws(BridgeError) {
                made = try await keys.createMasterKey(name: name, dialect: dialect.rawValue, account: account.map { AccountID($0) })
            } catch {
                throw OperatorError(error.message)
            }
            guard json else {
                print("key      \(made.key.revealed)\nid       \(made.id)\naccount  \(made.account)\nKeep the key now: it is not stored.")
                return
            }
            let document = JSONText.object([
                .init("key", .string(made.key.revealed)), .init("id", .string(made.id)), .init("account", .string(made.account.rawValue)),
            ])
            print(document.text)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists all keys, without the keys themselves.")

        @OptionGroup var options: SettingOptions

        func run() async throws {
            let store = try KeysCommand.store(try options.load())
            do throws(BridgeError) {
                for row in try await store.masterKeys(of: nil) {
                    let state = row.revokedAt.map { "revoked \($0.iso8601)" } ?? "live"
                    print("\(row.id)  \(row.dialect)  \(row.account)  \(row.createdAt.iso8601)  \(state)  \(row.name)")
                }
            } catch {
                throw OperatorError(error.message)
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a key useless at once.")

        @Argument(help: "The key's id, as `viaduct keys list` shows it.")
        var id: String

        @OptionGroup var options: SettingOptions

        func run() async throws {
            let keys = AccountKeys(store: try KeysCommand.store(try options.load()), now: { SystemTime.wall })
            do throws(BridgeError) {
                try await keys.revokeMasterKey(id)
            } catch {
                throw OperatorError(error.message)
            }
        }
    }

    enum Dialect: String, ExpressibleByArgument, CaseIterable {
        case eyeson
    }
}
