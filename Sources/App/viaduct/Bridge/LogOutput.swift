import BridgeModel
import HTTPCore
import LinuxIO
import Logging

/// Writes log lines to standard error: one line an event, as text for people or as JSON for collectors.
struct LogOutput: LogHandler {
    private let label: String
    private let format: LogSettings.Format
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    /// Makes every logger of the process write here. Call once.
    static func install(_ settings: LogSettings) {
        let level = Logger.Level(rawValue: settings.level) ?? .info
        LoggingSystem.bootstrap { LogOutput(label: $0, format: settings.format, logLevel: level) }
    }

    init(label: String, format: LogSettings.Format, logLevel: Logger.Level) {
        self.label = label
        self.format = format
        self.logLevel = logLevel
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let line = LogLine(
            time: SystemTime.wall, level: event.level, label: label, message: event.message.description,
            members: all.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) })
        HostFacts.logLine(format == .json ? line.json : line.text)
    }
}

/// One event, before it is a line.
struct LogLine {
    let time: WallTime
    let level: Logger.Level
    let label: String
    let message: String
    let members: [(String, String)]

    /// `2026-01-31T12:00:00.000Z NOTICE bridge: serving url=http://127.0.0.1:8080`.
    var text: String {
        let head = "\(time.iso8601) \(level.rawValue.uppercased()) \(label): \(Self.oneLine(message))"
        return members.reduce(head) { line, member in
            line + " \(member.0)=" + Self.quoted(Self.oneLine(member.1))
        }
    }

    /// One object; the members of the event stand beside its own.
    var json: String {
        let own = [("time", time.iso8601), ("level", level.rawValue), ("label", label), ("message", message)]
        return JSONText.object((own + members).map { JSONText.Member($0.0, .string($0.1)) }).text
    }

    /// Quoted where it would not be read as one value; no value ends its quotes itself and adds members of its own. Scalar by scalar, because
    /// a quotation mark with a combining one behind it is another Character, but the same mark to whoever reads the line.
    private static func quoted(_ value: String) -> String {
        guard value.isEmpty || value.unicodeScalars.contains(where: { " =\"\\".unicodeScalars.contains($0) }) else { return value }
        var quoted = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in value.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted.append("\\") }
            quoted.append(scalar)
        }
        quoted.append("\"")
        return String(quoted)
    }

    /// What peers sent never begins a new line and never steers a terminal.
    private static func oneLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isBreaking($0) ? " " : $0 }))
    }

    private static func isBreaking(_ scalar: Unicode.Scalar) -> Bool {
        [.control, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
    }
}
