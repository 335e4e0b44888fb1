import BridgeModel

/// How values of one type are written: what is expected, in words, and both directions. `parse(print(value))` gives the value back.
struct ValueFormat<Value: Sendable>: Sendable {
    /// Completes the sentence "expects …".
    let expected: String
    let parse: @Sendable (SettingValue) -> Value?
    let print: @Sendable (Value) -> SettingValue
}

extension ValueFormat {
    /// A format over scalar text.
    static func scalar(
        _ expected: String, parse: @escaping @Sendable (String) -> Value?, print: @escaping @Sendable (Value) -> String
    ) -> ValueFormat {
        ValueFormat(expected: expected, parse: { $0.scalar.flatMap(parse) }, print: { .text(print($0)) })
    }

    /// The same as a secret.
    var redacted: ValueFormat<Redacted<Value>> {
        let (parse, print) = (parse, print)
        return ValueFormat<Redacted<Value>>(expected: expected, parse: { parse($0).map(Redacted.init) }, print: { print($0.revealed) })
    }

    /// Any number of them.
    func list(_ expected: String, count: ClosedRange<Int> = 0...64) -> ValueFormat<[Value]> {
        let (parse, print) = (parse, print)
        return ValueFormat<[Value]>(
            expected: expected,
            parse: { value in
                guard let items = value.items, count.contains(items.count) else { return nil }
                let values = items.compactMap { parse(.text($0)) }
                return values.count == items.count ? values : nil
            },
            print: { .list($0.compactMap { print($0).scalar }) })
    }
}

extension ValueFormat<String> {
    /// Text that `accept` takes.
    static func text(_ expected: String, _ accept: @escaping @Sendable (String) -> Bool = { _ in true }) -> Self {
        .scalar(expected, parse: { accept($0) ? $0 : nil }, print: { $0 })
    }

    /// Empty, or an origin such as `https://bridge.example:8443`, which has no path.
    static let origin = text("an origin such as https://bridge.example, without a path, or nothing") { text in
        guard !text.isEmpty else { return true }
        guard let host = text.afterPrefix(of: ["https://", "http://"]) else { return false }
        return !host.isEmpty && host.allSatisfy { !"/?#@ ".contains($0) }
    }

    /// A URL of one of these schemes with something after it.
    static func url(_ expected: String, schemes: [String]) -> Self {
        text(expected) { $0.afterPrefix(of: schemes).map { !$0.isEmpty && !$0.contains(where: \.isWhitespace) } ?? false }
    }

    /// Empty, or what `other` takes.
    static func optional(_ other: Self) -> Self {
        .scalar(other.expected + ", or nothing", parse: { $0.isEmpty ? $0 : other.parse(.text($0)) }, print: { $0 })
    }
}

extension ValueFormat<Bool> {
    static let boolean = scalar("true or false", parse: Bool.init(_:), print: { String($0) })
}

extension ValueFormat<Int> {
    static func integer(_ range: ClosedRange<Int>) -> Self {
        scalar(
            "a whole number from \(range.lowerBound) to \(range.upperBound)",
            parse: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }, print: { String($0) })
    }

    static func bytes(_ range: ClosedRange<Int>) -> Self {
        scalar(
            "a size such as 16KiB, from \(ByteCountText.print(range.lowerBound)) to \(ByteCountText.print(range.upperBound))",
            parse: { text in ByteCountText.parse(text).flatMap { range.contains($0) ? $0 : nil } }, print: ByteCountText.print)
    }
}

extension ValueFormat<Duration> {
    static func duration(_ range: ClosedRange<Duration>) -> Self {
        scalar(
            "a duration such as 500ms, 10s or 12h, from \(DurationText.print(range.lowerBound)) to \(DurationText.print(range.upperBound))",
            parse: { text in DurationText.parse(text).flatMap { range.contains($0) ? $0 : nil } }, print: DurationText.print)
    }
}

extension ValueFormat<ClosedRange<UInt16>?> {
    /// `first-last`, or empty for none.
    static let portRange = scalar(
        "a range of ports such as 50000-50999, or nothing",
        parse: { text -> ClosedRange<UInt16>?? in
            guard !text.isEmpty else { return .some(nil) }
            let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
            guard ends.count == 2, let first = ends[0], let last = ends[1], first > 0, first <= last else { return nil }
            return .some(first...last)
        },
        print: { $0.map { "\($0.lowerBound)-\($0.upperBound)" } ?? "" })
}

extension ValueFormat where Value: RawRepresentable<String> & CaseIterable {
    /// One of the cases, by its raw value.
    static var oneOf: Self {
        scalar("one of " + Value.allCases.map(\.rawValue).joined(separator: ", "), parse: Value.init(rawValue:), print: \.rawValue)
    }
}

extension String {
    fileprivate func afterPrefix(of prefixes: [String]) -> Substring? {
        prefixes.first(where: hasPrefix).map { dropFirst($0.count) }
    }
}
