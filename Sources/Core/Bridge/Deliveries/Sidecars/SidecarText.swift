internal import BridgeModel
internal import Playback

/// Sidecars that name other files: in the spool by the names there, at a destination by those that they have got there, which lie beside them.
package enum SidecarText {
    /// The bytes of a sidecar for its destination; nil where they are the same. `facts`: of the sidecar.
    package static func rewritten(_ bytes: [UInt8], _ facts: KeyFacts, for destination: Destination) -> [UInt8]? {
        guard let sidecar = facts.sidecar, sidecar.part == .track || sidecar.part == .manifest else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var own = facts
        own.sidecar = nil
        guard let key = destination.key(of: own) else { return nil }
        let file = String(key[(key.lastIndex(of: "/").map { key.index(after: $0) } ?? key.startIndex)...])
        let stem = file.dropLast(facts.container.fileExtension.count + 1)
        let result =
            sidecar.part == .track
            ? track(text, from: sidecar.stem, to: PercentEncoding.encode(String(stem))) : manifest(text, own.fileName, file)
        return Array(result.utf8)
    }

    /// Cue payloads begin with a sheet's name. They are relative references (RFC 3986), so that the names are percent-encoded.
    private static func track(_ text: String, from stem: String, to other: String) -> String {
        let start = stem + ".sprite-"
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix(start) ? other + line.dropFirst(stem.count) : String(line)
        }.joined(separator: "\n")
    }

    /// The member comes before any text of a user's, and no text can hold its unescaped quotes.
    private static func manifest(_ text: String, _ file: String, _ other: String) -> String {
        let member = { (name: String) in #""file":"# + JSONText.string(name).text }
        guard let range = text.firstRange(of: member(file)) else { return text }
        return text.replacingCharacters(in: range, with: member(other))
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}
