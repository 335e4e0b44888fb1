import ArgumentParser
import BridgeConfiguration
import BridgeModel
import Foundation

/// Where settings come from: every command that needs the bridge's data takes these.
struct SettingOptions: ParsableArguments {
    @Option(help: "A YAML file with settings; see configs/viaduct.reference.yaml.")
    var config: String?

    @Option(name: .customLong("set"), help: ArgumentHelp("A setting, before all others.", valueName: "key=value"))
    var overrides: [String] = []

    /// Reads file, environment and options; `defaults` are weaker than the options, but stronger than the file.
    func load(defaults: [String] = []) throws -> Settings {
        do {
            var settings = try Configuration(
                file: config, environment: ProcessInfo.processInfo.environment, overrides: defaults.filter(isFree) + overrides
            ).load()
            settings.dataFolder = Self.absolute(settings.dataFolder)
            return settings
        } catch {
            throw OperatorError(error.description)
        }
    }

    private func isFree(_ assignment: String) -> Bool {
        let key = assignment.prefix { $0 != "=" } + "="
        return !overrides.contains { $0.hasPrefix(key) }
    }

    /// Relative paths start where the program was started.
    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : URL(fileURLWithPath: path).standardizedFileURL.path
    }
}
