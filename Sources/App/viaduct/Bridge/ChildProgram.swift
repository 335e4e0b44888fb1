import BridgeModel
import Foundation

/// The program that children run, and what of the environment they see.
struct ChildProgram {
    /// Absolute path of `viaduct-pipeline`.
    let executable: String
    /// The children's whole environment.
    let environment: [String: String]

    /// Looks beside this program unless the configuration names another. Throws when it is not there.
    init(_ settings: PipelineSettings, dataFolder: String) throws {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        let beside = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("viaduct-pipeline").path
        executable = settings.executable.isEmpty ? beside : SettingOptions.absolute(settings.executable)
        guard FileManager.default.isExecutableFile(atPath: executable) else {
            throw OperatorError("\(executable) is not there: install viaduct-pipeline beside viaduct or set pipelines.executable.")
        }
        environment = Self.environment(from: ProcessInfo.processInfo.environment, dataFolder: dataFolder)
    }

    /// What a child may inherit: never a secret of the configuration.
    private static let inherited = ["PATH", "HOME", "XDG_CACHE_HOME", "LANG", "GST_PLUGIN_PATH", "GST_REGISTRY", "GST_DEBUG", "TMPDIR"]
    /// Where sound systems are found, and which of their devices is the default.
    private static let (soundHome, soundPrefixes) = ("XDG_RUNTIME_DIR", ["ALSA_", "PULSE_", "PIPEWIRE_"])

    private static func environment(from own: [String: String], dataFolder: String) -> [String: String] {
        var environment = own.filter { variable, _ in
            inherited.contains(variable) || variable == soundHome || soundPrefixes.contains { variable.hasPrefix($0) }
        }
        // GStreamer's index of its plugins: without a home it would be made anew by every child.
        if environment["HOME"] == nil, environment["XDG_CACHE_HOME"] == nil { environment["XDG_CACHE_HOME"] = dataFolder + "/cache" }
        return environment
    }
}
