import BridgeModel
import Foundation

/// A file of `signaling/transcripts`: one JSON object a line, the first the header. README.md says what the steps mean.
struct Transcript: Sendable, CustomStringConvertible {
    let name: String
    let header: JSONValue
    let steps: [Step]

    var description: String { name }

    /// One line after the header, and its number in the file.
    struct Step: Sendable {
        let line: Int
        let value: JSONValue
    }

    /// Who may play it: `machine`, `plane`, `live`.
    func isFor(_ player: String) -> Bool {
        guard case .array(let players) = header["players"] else { return false }
        return players.contains(.string(player))
    }

    /// The folder of the wire contract.
    static let contract = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "signaling")

    /// Every transcript, in the order of their names. One that cannot be read is a transcript without steps, which no test accepts.
    static let all: [Transcript] = {
        let folder = contract.appending(path: "transcripts")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { $0.pathExtension == "jsonl" }.sorted { $0.lastPathComponent < $1.lastPathComponent }.map(read)
    }()

    private static func read(_ file: URL) -> Transcript {
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line -> Step? in
            guard !line.isEmpty, let value = try? JSONValue.read(line.utf8) else { return nil }
            return Step(line: index + 1, value: value)
        }
        let isWhole = lines.count == text.split(separator: "\n").count
        return Transcript(
            name: file.deletingPathExtension().lastPathComponent, header: lines.first?.value ?? .null,
            steps: isWhole ? Array(lines.dropFirst()) : [])
    }
}

/// The named values of a transcript: given ones, and those that an expectation has bound.
struct Variables: Sendable {
    private var values: [String: JSONValue]

    init(_ values: [String: JSONValue]) { self.values = values }

    /// Replaces each text `${name}` by its value; a text that only holds a name among others is completed.
    func filled(_ template: JSONValue) -> JSONValue {
        switch template {
        case .string(let text): .string(filled(text))
        case .array(let items): .array(items.map(filled))
        case .object(let members): .object(members.mapValues(filled))
        case .null, .bool, .number: template
        }
    }

    /// Text with every `${name}` replaced; an unknown name stays, and then nothing matches.
    func filled(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.range(of: "${"), let end = rest[start.upperBound...].range(of: "}") {
            let name = String(rest[start.upperBound..<end.lowerBound])
            result += rest[..<start.lowerBound] + (values[name]?.string ?? "${\(name)}")
            rest = rest[end.upperBound...]
        }
        return result + rest
    }

    /// True when `value` is what `pattern` says: equal in all members, with `${*}` for anything and `${=name}` for anything, kept.
    mutating func match(_ value: JSONValue, _ pattern: JSONValue) -> Bool {
        switch (pattern, value) {
        case (.string("${*}"), _): return true
        case (.string(let text), _) where text.hasPrefix("${=") && text.hasSuffix("}"):
            values[String(text.dropFirst(3).dropLast())] = value
            return true
        case (.object(let expected), .object(let found)):
            guard Set(expected.keys) == Set(found.keys) else { return false }
            return expected.allSatisfy { key, pattern in found[key].map { match($0, pattern) } ?? false }
        case (.array(let expected), .array(let found)):
            return expected.count == found.count && zip(found, expected).allSatisfy { match($0, $1) }
        default: return filled(pattern) == value
        }
    }
}
