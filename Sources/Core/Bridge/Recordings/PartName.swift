package import BridgeModel

/// Names one recorder's file within its recording: of which segment it is a part, and its number, which counts over the whole recording.
package struct PartName: Hashable, Sendable, Codable, Comparable {
    /// From 1.
    package var segment: Int
    /// From 1; a later part has a higher number.
    package var number: Int

    package init(segment: Int, number: Int) {
        self.segment = segment
        self.number = number
    }

    package static func < (one: PartName, other: PartName) -> Bool { (one.segment, one.number) < (other.segment, other.number) }

    /// The first part of the segment that follows.
    package var nextSegment: PartName { PartName(segment: segment + 1, number: number + 1) }

    /// `part-<segment>-<number>.<extension>`.
    package func fileName(_ container: Container) -> String { "part-\(segment)-\(number).\(container.fileExtension)" }

    /// The MP4 that the part's recorder writes beside it. It is no part.
    package var movieFileName: String { "\(Self.moviePrefix(ofSegment: segment))\(number).\(Container.mp4.fileExtension)" }

    /// Where that MP4 is: in the folder of the part's file.
    package func moviePath(beside path: String) -> String {
        (path.lastIndex(of: "/").map { path[...$0] } ?? "") + movieFileName
    }

    /// How the names of a segment's MP4s begin.
    package static func moviePrefix(ofSegment number: Int) -> String { "movie-\(number)-" }

    /// Whether it is the name of an MP4 beside a part.
    package static func isMovie(fileName: String) -> Bool { fileName.hasPrefix("movie-") && fileName.hasSuffix(".mp4") }

    /// Reads a file's name. Before there were segments it was `part-<number>.<extension>`; nil for any other name.
    package init?(fileName: String) {
        let pieces = fileName.split(separator: ".", omittingEmptySubsequences: false)
        guard pieces.count == 2, !pieces[1].isEmpty else { return nil }
        let words = pieces[0].split(separator: "-", omittingEmptySubsequences: false)
        guard words.first == "part", (2...3).contains(words.count) else { return nil }
        let numbers = words.dropFirst().compactMap(Self.count)
        guard numbers.count == words.count - 1, let last = numbers.last else { return nil }
        self.init(segment: numbers.count == 1 ? 1 : numbers[0], number: last)
    }

    /// A number from 1 to 999,999.
    private static func count(_ digits: Substring) -> Int? {
        guard (1...6).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(digits),
            count > 0
        else { return nil }
        return count
    }
}

/// How a recording is cut into segments. Without it a recording is one file, whatever happens while it runs.
package struct Segmentation: Sendable, Equatable, Codable {
    /// A segment ends with the first keyframe after this; nil: never for its length.
    package var duration: Duration?
    /// The same for its size in bytes.
    package var bytes: Int64?

    package init(duration: Duration? = nil, bytes: Int64? = nil) {
        self.duration = duration
        self.bytes = bytes
    }
}

extension RecordingSettings {
    /// How MP4s are written while they are recorded; nil: not at all.
    package var liveMovie: LiveMovie? { liveMP4From > 0 ? LiveMovie(threshold: Int64(liveMP4From)) : nil }

    /// How recordings are cut whose destination takes several files; nil: not at all.
    package var segmentation: Segmentation? {
        guard segmentDuration > .zero || segmentSize > 0 else { return nil }
        return Segmentation(duration: segmentDuration > .zero ? segmentDuration : nil, bytes: segmentSize > 0 ? Int64(segmentSize) : nil)
    }
}
