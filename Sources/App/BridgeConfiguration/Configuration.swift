package import BridgeModel
internal import Foundation

/// Makes `Settings` from what the operator has written. Later sources win: defaults, the YAML file, `VIADUCT_…` environment variables,
/// `--set key=value`.
///
/// Every mistake stops the start: an unknown key, a value of the wrong form, a key twice in one source, values that contradict each other.
package struct Configuration: Sendable {
    /// Path of the YAML file; nil: none.
    package var file: String?
    /// The process's environment; only names that begin with `VIADUCT_` are looked at.
    package var environment: [String: String]
    /// Each `key=value`.
    package var overrides: [String]

    private let readFile: @Sendable (String) throws -> String

    /// - Parameter readFile: reads a file as UTF-8 text; tests put theirs in.
    package init(
        file: String? = nil, environment: [String: String] = [:], overrides: [String] = [],
        readFile: @escaping @Sendable (String) throws -> String = { try String(contentsOfFile: $0, encoding: .utf8) }
    ) {
        self.file = file
        self.environment = environment
        self.overrides = overrides
        self.readFile = readFile
    }

    /// Reads all sources. Blocks for the files; call it before the start.
    package func load() throws(ConfigurationError) -> Settings {
        var settings = Settings()
        for source in [try fileAssignments(), try environmentAssignments(), try overrideAssignments()] {
            try apply(source, to: &settings)
        }
        try SettingRules.check(settings)
        return settings
    }

    private func fileAssignments() throws(ConfigurationError) -> [Assignment] {
        guard let file else { return [] }
        return try YAMLSource.assignments(in: try read(file), path: file)
    }

    private func environmentAssignments() throws(ConfigurationError) -> [Assignment] {
        var assignments: [Assignment] = []
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) where variable.hasPrefix(SettingKey.environmentPrefix) {
            guard !Self.isOrchestrators(variable) else { continue }
            let place = ConfigurationPlace.environment(variable: variable)
            guard let name = Self.names.first(where: { SettingKey.environmentVariable(of: $0) == variable }) else {
                let known = SettingTable.keys.map(\.environmentVariable)
                throw .unknownKey(variable, place: place, nearest: NearestName.of(variable, among: known))
            }
            assignments.append(Assignment(name: name, value: .text(value), place: place))
        }
        return assignments
    }

    private func overrideAssignments() throws(ConfigurationError) -> [Assignment] {
        var assignments: [Assignment] = []
        for override in overrides {
            guard let equals = override.firstIndex(of: "=") else {
                throw .malformed(place: .commandLine, reason: "write key=value, for instance http.port=8080")
            }
            let value = SettingValue.text(String(override[override.index(after: equals)...]))
            assignments.append(Assignment(name: String(override[..<equals]), value: value, place: .commandLine))
        }
        return assignments
    }

    private func apply(_ assignments: [Assignment], to settings: inout Settings) throws(ConfigurationError) {
        var seen: Set<String> = []
        for assignment in assignments where !(assignment.value == .missing && Self.isSection(assignment.name)) {
            let key = try Self.key(of: assignment)
            // The command line may say a key twice, so that a script's options can be overridden; the last counts.
            guard seen.insert(key.name).inserted || assignment.place == .commandLine else {
                throw .duplicateKey(key.name, place: assignment.place)
            }
            let value = try assignment.name == key.fileName ? secret(inFileOf: assignment) : assignment.value
            guard key.assign(value, &settings) else {
                throw .invalidValue(key: key.name, place: assignment.place, expected: key.expected)
            }
        }
    }

    /// The file's text without the line end that editors add.
    private func secret(inFileOf assignment: Assignment) throws(ConfigurationError) -> SettingValue {
        guard let path = assignment.value.scalar, !path.isEmpty else {
            throw .invalidValue(key: assignment.name, place: assignment.place, expected: "the path of a file")
        }
        let text = try read(path)
        return .text(String(text.reversed().drop(while: \.isNewline).reversed()))
    }

    private func read(_ path: String) throws(ConfigurationError) -> String {
        do {
            return try readFile(path)
        } catch {
            throw .unreadable(path: path, reason: Self.reason(of: error))
        }
    }

    /// Foundation's own descriptions do not say what to do.
    private static func reason(of error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileReadNoSuchFile: "there is no such file"
        case .fileReadNoPermission: "this user may not read it"
        case .fileReadCorruptFile, .fileReadInapplicableStringEncoding: "it is no text in UTF-8"
        default: "it is no file with text"
        }
    }

    private static func key(of assignment: Assignment) throws(ConfigurationError) -> SettingKey {
        let name = assignment.name
        if let key = SettingTable.keys.first(where: { $0.name == name || $0.isSecret && $0.fileName == name }) { return key }
        if isSection(name) {
            let first = names.first { $0.hasPrefix(name + ".") } ?? name
            throw .invalidValue(key: name, place: assignment.place, expected: "settings below it, such as '\(first)'")
        }
        throw .unknownKey(name, place: assignment.place, nearest: NearestName.of(name, among: names))
    }

    private static func isSection(_ name: String) -> Bool { names.contains { $0.hasPrefix(name + ".") } }

    /// Every name that may be written, files of secrets included.
    private static let names = SettingTable.keys.flatMap { $0.isSecret ? [$0.name, $0.fileName] : [$0.name] }

    /// Variables that Kubernetes sets for a service named `viaduct`, and that nobody meant as settings.
    private static func isOrchestrators(_ variable: String) -> Bool {
        variable == "VIADUCT_PORT" || variable.hasPrefix("VIADUCT_PORT_") || variable.hasPrefix("VIADUCT_SERVICE_")
    }
}
