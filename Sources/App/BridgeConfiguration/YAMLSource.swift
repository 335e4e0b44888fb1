internal import Yams

/// Reads a YAML file's mapping into assignments; sections become dotted names.
enum YAMLSource {
    /// Deeper nesting than any setting has; a hostile file must not exhaust the stack.
    private static let deepest = 8

    static func assignments(in text: String, path: String) throws(ConfigurationError) -> [Assignment] {
        let root: Node?
        do {
            root = try compose(yaml: text)
        } catch {
            throw malformed(error, path: path)
        }
        guard let root, !isNull(root) else { return [] }
        guard root.mapping != nil else {
            throw .malformed(place: place(of: root, path), reason: "the file must be a mapping of settings, such as 'http: {port: 8080}'")
        }
        return try flatten(root, name: "", path: path, depth: 0)
    }

    private static func flatten(_ node: Node, name: String, path: String, depth: Int) throws(ConfigurationError) -> [Assignment] {
        let place = place(of: node, path)
        guard depth <= deepest else { throw .malformed(place: place, reason: "'\(name)' is nested too deeply") }
        switch node {
        case .scalar(let scalar):
            return [Assignment(name: name, value: isNull(node) ? .missing : .text(scalar.string), place: place)]
        case .sequence(let sequence):
            let items = sequence.compactMap(\.scalar?.string)
            guard items.count == sequence.count else { throw .malformed(place: place, reason: "'\(name)' may list plain values only") }
            return [Assignment(name: name, value: .list(items), place: place)]
        case .mapping(let mapping):
            var assignments: [Assignment] = []
            for (key, value) in mapping {
                guard let word = key.scalar?.string else {
                    throw .malformed(place: self.place(of: key, path), reason: "a key must be a word")
                }
                assignments += try flatten(value, name: name.isEmpty ? word : "\(name).\(word)", path: path, depth: depth + 1)
            }
            return assignments
        case .alias:
            throw .malformed(place: place, reason: "'\(name)' is an alias, which this file may not hold")
        }
    }

    /// True for `~`, `null` and nothing at all, when not in quotes (YAML 1.2 section 10.3.2).
    private static func isNull(_ node: Node) -> Bool {
        guard let scalar = node.scalar, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null"].contains(scalar.string)
    }

    private static func place(of node: Node, _ path: String) -> ConfigurationPlace { .file(path: path, line: node.mark?.line) }

    /// Says what and where, without the text of the line, which may hold a secret.
    private static func malformed(_ error: any Error, path: String) -> ConfigurationError {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            .malformed(place: .file(path: path, line: mark.line), reason: "this is no YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            .duplicateKey(duplicates.joined(separator: "', '"), place: .file(path: path, line: context.mark.line))
        default:
            .malformed(place: .file(path: path, line: nil), reason: "this is no YAML in UTF-8")
        }
    }
}
