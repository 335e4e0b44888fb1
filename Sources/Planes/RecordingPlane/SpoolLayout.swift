package import Bridge
package import BridgeModel

/// Where the files of recordings lie. Every name is made of our own ids and numbers, never of a user's text.
///
/// ```
/// spool/<recording>/part-1.webm      what a recorder writes; one recorder, one part
/// spool/<recording>/joined.webm      what the finisher makes of the parts
/// spool/<recording>.webm             the finished file, `RecordingRow.file`
/// spool/orphans/                     files that no row knows
/// ```
package struct SpoolLayout: Sendable, Equatable {
    /// Absolute path of the spool.
    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// The folder of a recording's parts: all that its recorders and its finisher may write to.
    package func workFolder(_ recording: RecordingID) -> String { "\(folder)/\(recording)" }

    /// A part's file. Parts of an MP4 are Matroska, which survives a crash.
    package func part(_ number: Int, of recording: RecordingID, container: Container) -> String {
        "\(workFolder(recording))/part-\(number).\(Self.recorded(container).fileExtension)"
    }

    /// The finisher's result.
    package func joined(_ recording: RecordingID, container: Container) -> String {
        "\(workFolder(recording))/joined.\(container.fileExtension)"
    }

    /// The finished file.
    package func finished(_ row: RecordingRow) -> String { "\(folder)/\(row.file)" }

    /// Files that no row knows.
    package var orphans: String { "\(folder)/\(Self.orphansName)" }

    static let orphansName = "orphans"

    /// What a recorder writes for this container.
    package static func recorded(_ container: Container) -> Container { container == .mp4 ? .matroska : container }

    /// The number in `part-<number>.<extension>`; nil for any other name.
    static func partNumber(_ name: String) -> Int? {
        guard name.hasPrefix("part-"), let dot = name.lastIndex(of: ".") else { return nil }
        let digits = name[name.index(name.startIndex, offsetBy: 5)..<dot]
        guard (1...6).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(digits)
    }

    /// The recording that a name in the spool belongs to: the name without its ending.
    static func recording(_ name: String) -> RecordingID {
        RecordingID(String(name.prefix { $0 != "." }))
    }
}
