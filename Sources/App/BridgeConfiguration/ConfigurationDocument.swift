package import BridgeModel

/// Settings as a YAML document with every key, its reason and its form: the reference of the configuration, and the print of one in use.
package enum ConfigurationDocument {
    /// The document for these values; secrets appear as `***`. With `Settings()` it is `configs/viaduct.reference.yaml`.
    package static func yaml(for settings: Settings) -> String {
        var lines = preamble
        var section: [Substring] = []
        for key in SettingTable.keys {
            let words = key.name.split(separator: ".")
            lines += headings(from: section, to: words.dropLast())
            section = Array(words.dropLast())
            let indent = String(repeating: "  ", count: section.count)
            lines += comment(key).map { "\(indent)# \($0)" }
            lines.append("\(indent)\(words.last ?? ""): \(text(of: key, in: settings))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let preamble = [
        "# Every setting of Viaduct with its default, what it expects, its environment variable, and its reason.",
        "# Later wins: the default, this file (--config), the environment, --set key=value. An unknown key stops the start.",
        "# A secret can be kept in a file of its own: 'secret-file: PATH' here, or VIADUCT_..._SECRET_FILE=PATH in the environment.",
    ]

    private static func headings(from old: [Substring], to new: ArraySlice<Substring>) -> [String] {
        let shared = zip(old, new).prefix { $0 == $1 }.count
        var lines = shared == 0 ? [""] : []
        if old == Array(new) { lines = [] }
        for (depth, word) in new.enumerated().dropFirst(shared) {
            lines.append(String(repeating: "  ", count: depth) + "\(word):")
        }
        return lines
    }

    private static func comment(_ key: SettingKey) -> [String] {
        [key.reason, "Expects \(key.expected). \(key.environmentVariable)\(key.isSecret ? " or \(key.environmentVariable)_FILE" : "")"]
    }

    private static func text(of key: SettingKey, in settings: Settings) -> String {
        switch key.value(settings) {
        case .missing: "null"
        case .text(let text): key.isSecret && !text.isEmpty ? quoted("***") : scalar(text)
        case .list(let items): "[" + items.map(scalar).joined(separator: ", ") + "]"
        }
    }

    /// Plain where YAML reads it back as the same text whatever its schema, in double quotes otherwise.
    private static func scalar(_ text: String) -> String {
        let isPlain = text.first.map { $0.isLetter || $0.isNumber || $0 == "." || $0 == "/" } ?? false
        let isSafe = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._/-".contains($0)) }
        return isPlain && isSafe && !["null", "yes", "no", "on", "off"].contains(text.lowercased()) ? text : quoted(text)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20: result += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
