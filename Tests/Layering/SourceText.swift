/// Swift source with comments blanked out and the contents of strings replaced, line for line: what is left can be searched for code.
struct SourceText {
    /// The masked text's lines, from the first.
    let lines: [Substring]

    /// The text between the lines that are joined again.
    let text: String

    init(_ source: String) {
        var mask = Mask(Array(source.utf8))
        mask.run()
        text = String(decoding: mask.output, as: UTF8.self)
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Lines that hold code: neither blank nor comment only.
    var codeLineCount: Int { lines.count { !$0.allSatisfy(\.isWhitespace) } }

    /// All lines; a line end at the end does not begin another one.
    var lineCount: Int { lines.last?.isEmpty == true ? lines.count - 1 : lines.count }
}

/// Walks over the bytes once and copies them, with comments as spaces and string contents as underscores.
private struct Mask {
    private static let newline = UInt8(ascii: "\n")
    private static let space = UInt8(ascii: " ")
    private static let underscore = UInt8(ascii: "_")

    private let input: [UInt8]
    private var position = 0
    private(set) var output: [UInt8] = []

    init(_ input: [UInt8]) {
        self.input = input
        output.reserveCapacity(input.count)
    }

    mutating func run() {
        while let byte = byte() {
            // Only these can begin a comment or a string.
            guard byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "#") else {
                copy()
                continue
            }
            if starts(with: "//") {
                lineComment()
            } else if starts(with: "/*") {
                blockComment()
            } else if let hashes = stringStart() {
                string(hashes: hashes)
            } else {
                copy()
            }
        }
    }

    private func byte(at offset: Int = 0) -> UInt8? {
        position + offset < input.count ? input[position + offset] : nil
    }

    private func starts(with text: String, at offset: Int = 0) -> Bool {
        var offset = offset
        for byte in text.utf8 {
            guard self.byte(at: offset) == byte else { return false }
            offset += 1
        }
        return true
    }

    private mutating func copy() {
        output.append(input[position])
        position += 1
    }

    /// Passes over `count` bytes, which leave `filler` or their line ends.
    private mutating func skip(_ count: Int, leaving filler: UInt8) {
        for _ in 0..<min(count, input.count - position) {
            output.append(input[position] == Self.newline ? Self.newline : filler)
            position += 1
        }
    }

    private mutating func lineComment() {
        while position < input.count, input[position] != Self.newline { skip(1, leaving: Self.space) }
    }

    /// Block comments nest.
    private mutating func blockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                skip(2, leaving: Self.space)
            } else if starts(with: "*/") {
                depth -= 1
                skip(2, leaving: Self.space)
            } else {
                skip(1, leaving: Self.space)
            }
        } while depth > 0 && position < input.count
    }

    /// The number of `#` before a quote that begins a string here; nil when none begins.
    private func stringStart() -> Int? {
        var hashes = 0
        while starts(with: "#", at: hashes) { hashes += 1 }
        return starts(with: "\"", at: hashes) ? hashes : nil
    }

    private mutating func string(hashes: Int) {
        let pounds = String(repeating: "#", count: hashes)
        let quotes = starts(with: "\"\"\"", at: hashes) ? "\"\"\"" : "\""
        skip(hashes + quotes.count, leaving: Self.underscore)
        while position < input.count, !starts(with: quotes + pounds) {
            if starts(with: "\\\(pounds)(") {
                skip(2 + hashes, leaving: Self.underscore)
                interpolation()
            } else {
                skip(starts(with: "\\\(pounds)") ? 2 + hashes : 1, leaving: Self.underscore)
            }
        }
        skip(quotes.count + hashes, leaving: Self.underscore)
    }

    /// Up to and with the parenthesis that closes it; strings inside may hold parentheses of their own.
    private mutating func interpolation() {
        var depth = 1
        while depth > 0, position < input.count {
            if let hashes = stringStart() {
                string(hashes: hashes)
                continue
            }
            if input[position] == UInt8(ascii: "(") { depth += 1 }
            if input[position] == UInt8(ascii: ")") { depth -= 1 }
            skip(1, leaving: Self.underscore)
        }
    }
}
