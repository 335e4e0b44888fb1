package import Bridge
package import BridgeModel

/// Where the files of recordings lie. Every name is made of our own ids and numbers, never of a user's text.
///
/// ```
/// spool/<recording>/part-1-1.webm    what a recorder writes: the first part of the first segment
/// spool/<recording>/movie-1-1.mp4    the MP4 that the recorder of that part writes beside it
/// spool/<recording>/joined-1.webm    what the finisher makes of a segment's parts
/// spool/<recording>.webm             the first segment's finished file
/// spool/<recording>-2.webm           the second one's
/// spool/<recording>.poster.jpg      its thumbnails (`ThumbnailNames`): also .sprite-1.jpg and .thumbnails.vtt
/// spool/orphans/                     files that no row knows
/// ```
package struct SpoolLayout: Sendable, Equatable {
    /// Absolute path of the spool.
    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// The folder of a recording's parts: all that its recorders and its finisher may write to.
    package func workFolder(_ recording: RecordingID) -> String { "\(folder)/\(recording)" }

    /// A part's file. Parts of an MP4 are Matroska, which survives a crash.
    package func part(_ name: PartName, of recording: RecordingID, container: Container) -> String {
        "\(workFolder(recording))/\(name.fileName(Self.recorded(container)))"
    }

    /// The MP4 beside a part.
    package func movie(_ name: PartName, of recording: RecordingID) -> String { "\(workFolder(recording))/\(name.movieFileName)" }

    /// The finisher's result.
    package func joined(_ segment: SegmentRow) -> String {
        "\(workFolder(segment.recording))/joined-\(segment.number).\(segment.container.fileExtension)"
    }

    /// The finished file.
    package func finished(_ segment: SegmentRow) -> String { "\(folder)/\(segment.file)" }

    /// Files that no row knows.
    package var orphans: String { "\(folder)/\(Self.orphansName)" }

    static let orphansName = "orphans"

    /// What a recorder writes for this container.
    package static func recorded(_ container: Container) -> Container { container == .mp4 ? .matroska : container }

    /// The recording, and the number of its segment, that a name in the spool belongs to: `<recording>.webm`, `<recording>-2.webm`, or the work
    /// folder `<recording>`, which counts as the first segment's.
    static func segment(_ name: String) -> (recording: RecordingID, number: Int) {
        let stem = name.prefix { $0 != "." }
        guard stem.count < name.count, let dash = stem.lastIndex(of: "-"), let number = Int(stem[stem.index(after: dash)...]),
            (2...999_999).contains(number), "\(number)" == stem[stem.index(after: dash)...]
        else { return (RecordingID(String(stem)), 1) }
        return (RecordingID(String(stem[..<dash])), number)
    }
}
