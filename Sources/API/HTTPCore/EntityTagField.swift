package import Bridge
package import HTTPTypes

extension EntityTag {
    /// As `ETag` carries it.
    package var field: String { "\"\(opaque)\"" }
}

extension EntityTagCondition {
    /// Reads the `If-Match` fields of a request (RFC 9110 section 13.1.1); nil when they are malformed.
    package init?(_ fields: HTTPFields) {
        let values = fields[values: .ifMatch]
        guard !values.isEmpty else {
            self = .absent
            return
        }
        let text = values.joined(separator: ",")
        guard text.trimmed != "*" else {
            self = .any
            return
        }
        guard let tags = Self.tags(text[...]) else { return nil }
        self = .oneOf(tags)
    }

    /// `1#entity-tag`; quoted strings may hold commas, so they are read one after another.
    private static func tags(_ text: Substring) -> [EntityTag]? {
        var rest = text
        var tags: [EntityTag] = []
        var count = 0
        while true {
            rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," }
            if rest.isEmpty { return count == 0 ? nil : tags }
            let isWeak = rest.hasPrefix("W/")
            if isWeak { rest = rest.dropFirst(2) }
            guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return nil }
            let opaque = rest[rest.index(after: rest.startIndex)..<end]
            guard opaque.utf8.allSatisfy({ $0 == 0x21 || (0x23...0x7E).contains($0) || $0 >= 0x80 }) else { return nil }
            count += 1
            // Strong comparison: a weak tag matches nothing.
            if !isWeak { tags.append(EntityTag(String(opaque))) }
            rest = rest[rest.index(after: end)...].trimmed
            guard rest.isEmpty || rest.first == "," else { return nil }
        }
    }
}
