/// Attributes by name: made in one pass, so that a hostile description costs no more than its length however often it is asked.
struct AttributeIndex: Sendable {
    private var values: [String: [String]] = [:]

    init(_ attributes: [SDPAttribute]) {
        for attribute in attributes { values[attribute.name, default: []].append(attribute.value ?? "") }
    }

    /// The values under this name in their order; empty texts for property attributes.
    func all(_ name: String) -> [String] { values[name] ?? [] }

    /// The first value that is not empty.
    func first(_ name: String) -> String? { values[name]?.first { !$0.isEmpty } }

    /// The name stands here, with or without a value.
    func has(_ name: String) -> Bool { values[name] != nil }

    /// The direction that is told here; the first in the order of RFC 8866 section 6.7 where a liar tells several.
    var direction: MediaDirection? { MediaDirection.allCases.first { has($0.rawValue) } }
}
