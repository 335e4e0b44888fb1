package import BridgeModel
internal import Playback

// What callers write of clips.

extension ClipOrder {
    /// A clip is copied while its maker waits.
    private static let longest: Duration = .seconds(3600)
    private static let longestTitle = 200
    private static let mostTags = 32
    private static let longestTag = 64

    /// Reads an order: `stream`, `from` and `to` (dates, or milliseconds as numbers), `title` and `tags`.
    package init(reading value: JSONValue) throws(FieldFault) {
        let stream = try Self.stream(value)
        let (from, to) = (try Self.moment(value, "from"), try Self.moment(value, "to"))
        let range: PlaybackRange
        do throws(PlaybackError) {
            range = try PlaybackRange(from: from, to: to, standard: nil, longest: Self.longest)
        } catch {
            guard case .malformed(let field, let rule) = error else { throw FieldFault("from", PlaybackTime.rule) }
            throw FieldFault(field, rule)
        }
        self.init(stream: stream, range: range, title: try Self.title(value), tags: try Self.tags(value))
    }

    private static func stream(_ value: JSONValue) throws(FieldFault) -> StreamID {
        guard let member = value["stream"], !member.isNull else { throw .missing("stream") }
        guard let stream = member.string.flatMap({ StreamID(named: $0) }) else { throw FieldFault("stream", StreamID.rule) }
        return stream
    }

    private static func moment(_ value: JSONValue, _ name: String) throws(FieldFault) -> String {
        guard let member = value[name], !member.isNull else { throw .missing(name) }
        if let number = member.integer { return String(number) }
        guard let text = member.string else { throw FieldFault(name, PlaybackTime.rule) }
        return text
    }

    private static func title(_ value: JSONValue) throws(FieldFault) -> String {
        guard let member = value["title"], !member.isNull else { return "" }
        guard let title = member.string, title.utf8.count <= longestTitle, title.isOneLine else {
            throw FieldFault("title", "a string of at most \(longestTitle) bytes without control characters")
        }
        return title
    }

    private static func tags(_ value: JSONValue) throws(FieldFault) -> [String] {
        guard let member = value["tags"], !member.isNull else { return [] }
        guard case .array(let items) = member, items.count <= mostTags else {
            throw FieldFault("tags", "an array of at most \(mostTags) strings")
        }
        var tags: [String] = []
        for item in items {
            guard let tag = item.string, (1...longestTag).contains(tag.utf8.count), tag.isOneLine else {
                throw FieldFault("tags", "strings of 1 to \(longestTag) bytes without control characters")
            }
            tags.append(tag)
        }
        return tags
    }
}

extension ClipQuery {
    /// Reads the members of a query; those that are nil exclude nothing.
    package init(
        limit: Int, after: String?, stream: String?, tag: String?, within: (from: String?, to: String?)
    ) throws(FieldFault) {
        self.init(limit: limit)
        self.after = after.map { ClipID($0) }
        self.stream = stream.map { StreamID($0) }
        self.tag = tag
        from = try PlaybackTime.read(within.from, "from")
        to = try PlaybackTime.read(within.to, "to")
    }
}
