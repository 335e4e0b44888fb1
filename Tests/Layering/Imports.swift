/// One import of a file.
struct Import: Equatable {
    /// The top module: `Glibc` for `import Glibc.stdio`.
    var module: String
    /// `internal` where nothing is written (InternalImportsByDefault).
    var access: String
    var line: Int

    static func all(in source: SourceText) -> [Import] {
        source.lines.enumerated().compactMap { number, line in
            var words = line.split(whereSeparator: \.isWhitespace).map(String.init).drop { $0.hasPrefix("@") || $0.hasPrefix("#") }[...]
            var access = "internal"
            if let first = words.first, accessLevels.contains(first) {
                access = first
                words = words.dropFirst()
            }
            guard words.first == "import", var module = words.dropFirst().first else { return nil }
            if importKinds.contains(module), let next = words.dropFirst(2).first { module = next }
            return Import(module: String(module.prefix { $0 != "." && $0 != ";" }), access: access, line: number + 1)
        }
    }

    private static let accessLevels: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
    private static let importKinds: Set<String> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var", "actor"]
}
