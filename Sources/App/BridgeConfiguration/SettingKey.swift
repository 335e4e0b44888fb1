import BridgeModel

/// One setting: its name, its reason, and how it is written to and read from `Settings`.
struct SettingKey: Sendable {
    /// Dotted kebab-case path, for instance `http.port`.
    let name: String
    /// Why somebody would change it, for the reference.
    let reason: String
    /// Completes the sentence "expects …".
    let expected: String
    /// Its value never appears in print, and can come from a file.
    let isSecret: Bool
    /// False when the value is not of the expected form; the settings are unchanged then.
    let assign: @Sendable (SettingValue, inout Settings) -> Bool
    let value: @Sendable (Settings) -> SettingValue

    init<Value>(
        _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, _ format: ValueFormat<Value>, isSecret: Bool = false,
        _ reason: String
    ) {
        self.name = name
        self.reason = reason
        self.isSecret = isSecret
        expected = format.expected
        assign = { text, settings in
            guard let value = format.parse(text) else { return false }
            settings[keyPath: path] = value
            return true
        }
        value = { format.print($0[keyPath: path]) }
    }

    /// A secret's key.
    static func secret(
        _ name: String, _ path: any WritableKeyPath<Settings, Redacted<String>> & Sendable, _ format: ValueFormat<String>, _ reason: String
    ) -> SettingKey {
        SettingKey(name, path, format.redacted, isSecret: true, reason)
    }

    /// `VIADUCT_HTTP_PORT` for `http.port`.
    var environmentVariable: String { Self.environmentVariable(of: name) }

    /// The name under which a file with the secret is given, for instance `turn.secret-file`.
    var fileName: String { name + "-file" }

    /// The environment variable of a setting's name.
    static func environmentVariable(of name: String) -> String {
        environmentPrefix + String(name.uppercased().map { $0 == "." || $0 == "-" ? "_" : $0 })
    }

    static let environmentPrefix = "VIADUCT_"
}
