/// A value as a source writes it, before its key gives it a type.
enum SettingValue: Sendable, Equatable {
    /// Null or nothing, where YAML has a key without a value.
    case missing
    case text(String)
    case list([String])

    /// The text of a scalar; nil for a list or nothing.
    var scalar: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    /// The items of a list. Text counts as items with commas between, with or without brackets around, as environment variables and `--set`
    /// write it.
    var items: [String]? {
        switch self {
        case .missing: nil
        case .list(let items): items
        case .text(let text):
            Self.withoutBrackets(text).split(separator: ",").map(Self.trimmed)
        }
    }

    private static func withoutBrackets(_ text: String) -> String {
        let text = trimmed(Substring(text))
        return text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}

/// One value of one source for the key of this name.
struct Assignment: Equatable {
    var name: String
    var value: SettingValue
    var place: ConfigurationPlace
}
