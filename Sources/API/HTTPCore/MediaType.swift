/// A media type without its parameters (RFC 9110 section 8.3.1).
package struct MediaType: Sendable, Hashable {
    /// `type/subtype` in lower case.
    package let name: String

    /// A type by its spelling here.
    package init(_ name: String) { self.name = name.lowercased() }

    /// What a `Content-Type` field says; nil when there is none, or nothing that is one type.
    package init?(field: String?) {
        guard let text = field?.prefix(while: { $0 != ";" }), !text.contains(",") else { return nil }
        let name = text.trimmed.lowercased()
        guard name.split(separator: "/", omittingEmptySubsequences: false).filter({ !$0.isEmpty && !$0.contains(" ") }).count == 2 else {
            return nil
        }
        self.name = name
    }

    /// Whether an `Accept` field lets a reply be of this type (RFC 9110 section 12.5.1): the most exact range that fits decides, and without
    /// the field everything is welcome.
    package func isAccepted(by field: String?) -> Bool {
        guard let field, !field.trimmed.isEmpty else { return true }
        var best: (exactness: Int, isWelcome: Bool)?
        for range in field.split(separator: ",") {
            let parts = range.split(separator: ";").map(\.trimmed)
            guard let pattern = parts.first?.lowercased(), let exactness = exactness(of: pattern) else { continue }
            let isWelcome = !parts.dropFirst().contains(where: Self.isZeroWeight)
            if exactness > best?.exactness ?? -1 { best = (exactness, isWelcome) }
        }
        return best?.isWelcome ?? false
    }

    private func exactness(of pattern: String) -> Int? {
        if pattern == name { return 2 }
        if pattern == "*/*" { return 0 }
        return pattern.hasSuffix("/*") && name.hasPrefix(pattern.dropLast()) ? 1 : nil
    }

    /// `q=0`, `q=0.0` and so on.
    private static func isZeroWeight(_ parameter: Substring) -> Bool {
        let text = parameter.lowercased()
        return text.hasPrefix("q=") && text.dropFirst(2).allSatisfy { $0 == "0" || $0 == "." } && text.count > 2
    }
}

extension StringProtocol {
    /// Without spaces and tabs at both ends.
    var trimmed: SubSequence {
        var rest = self[...]
        while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return rest
    }
}
