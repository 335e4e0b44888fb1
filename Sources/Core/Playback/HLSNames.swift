package import BridgeModel

/// The files that playlists name. Times are in a recording's own time, so that a name means the same media after the recording's files have been joined.
package enum HLSResource: Sendable, Equatable {
    /// The initialization section of one of a recording's files.
    case initialization(RecordingID, file: Int)
    /// Everything from `start` up to `end`.
    case segment(RecordingID, start: Duration, end: Duration)
    /// A partial segment of the segment that begins at `start`.
    case part(RecordingID, start: Duration, index: Int)

    /// Longest name, bytes.
    private static let longest = 128
    private static let initEnding = "-init.mp4"
    private static let mediaEnding = ".m4s"

    /// The last component of its URI, times in milliseconds.
    package var name: String {
        switch self {
        case .initialization(let recording, let file): "\(recording).\(file)\(Self.initEnding)"
        case .segment(let recording, let start, let end):
            "\(recording).\(start.wholeMilliseconds).\(end.wholeMilliseconds)\(Self.mediaEnding)"
        case .part(let recording, let start, let index): "\(recording).\(start.wholeMilliseconds).p\(index)\(Self.mediaEnding)"
        }
    }

    /// Reads a name; nil for anything else.
    package init?(name: String) {
        guard name.utf8.count <= Self.longest else { return nil }
        if name.hasSuffix(Self.initEnding) {
            let parts = name.dropLast(Self.initEnding.count).split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, let recording = Self.recording(parts[0]), let file = Self.number(parts[1], digits: 6) else {
                return nil
            }
            self = .initialization(recording, file: Int(file))
            return
        }
        guard name.hasSuffix(Self.mediaEnding) else { return nil }
        let parts = name.dropLast(Self.mediaEnding.count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let recording = Self.recording(parts[0]), let start = Self.number(parts[1], digits: 13) else { return nil }
        if parts[2].hasPrefix("p") {
            guard let index = Self.number(parts[2].dropFirst(), digits: 6) else { return nil }
            self = .part(recording, start: .milliseconds(start), index: Int(index))
        } else {
            guard let end = Self.number(parts[2], digits: 13), start < end else { return nil }
            self = .segment(recording, start: .milliseconds(start), end: .milliseconds(end))
        }
    }

    /// Letters, digits and hyphens: what ids of ours are made of.
    private static func recording(_ text: Substring) -> RecordingID? {
        let isID =
            (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "-") }
        return isID ? RecordingID(String(text)) : nil
    }

    private static func number(_ text: Substring, digits: Int) -> Int64? {
        guard (1...digits).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }
}
