/// Why the configuration stops the start: one sentence, with the place and what to write instead. Never holds a value, which may be a secret.
package enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file cannot be read.
    case unreadable(path: String, reason: String)
    /// The file is no YAML, or not a mapping of keys.
    case malformed(place: ConfigurationPlace, reason: String)
    /// No such key; `nearest` is the known one that looks most like it.
    case unknownKey(String, place: ConfigurationPlace, nearest: String)
    /// The value is not of the key's form.
    case invalidValue(key: String, place: ConfigurationPlace, expected: String)
    /// The key stands twice in one source.
    case duplicateKey(String, place: ConfigurationPlace)
    /// Values that are well-formed each but do not fit together.
    case contradiction(String)

    /// The sentence for the terminal.
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)."
        case .malformed(let place, let reason): "\(place): \(reason)."
        case .unknownKey(let key, let place, let nearest): "\(place): there is no setting '\(key)'; the nearest is '\(nearest)'."
        case .invalidValue(let key, let place, let expected): "\(place): '\(key)' expects \(expected)."
        case .duplicateKey(let key, let place): "\(place): '\(key)' is set a second time; keep one."
        case .contradiction(let text): text
        }
    }
}

/// Where a value was written.
package enum ConfigurationPlace: Sendable, Equatable, CustomStringConvertible {
    /// Line counts from 1; nil where the parser does not tell.
    case file(path: String, line: Int?)
    case environment(variable: String)
    case commandLine

    /// How the place begins a sentence.
    package var description: String {
        switch self {
        case .file(let path, let line): line.map { "\(path), line \($0)" } ?? path
        case .environment(let variable): "environment variable \(variable)"
        case .commandLine: "--set"
        }
    }
}
