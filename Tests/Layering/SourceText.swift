/// Swift source with comments blanked out and the contents of strings replaced, line for line: what is left can be searched for code.
struct SourceText {
    /// The masked text's lines, from the first.
    let lines: [Substring]

    /// The text between the lines that are joined again.
    let text: String

    init(_ source: String) {
        var mask = Mask(Array(source.unicodeScalars))
        mask.run()
        var masked = String.UnicodeScalarView()
        masked.append(contentsOf: mask.output)
        text = String(masked)
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Lines that hold code: neither blank nor comment only.
    var codeLineCount: Int { lines.count { !$0.allSatisfy(\.isWhitespace) } }

    /// All lines; a line end at the end does not begin another one.
    var lineCount: Int { lines.last?.isEmpty == true ? lines.count - 1 : lines.count }
}

/// Walks over the scalars once and copies them, with comments as spaces and string contents as underscores.
private struct Mask {
    private let input: [Unicode.Scalar]
    private var position = 0
    private(set) var output: [Unicode.Scalar] = []

    init(_ input: [Unicode.Scalar]) {
        self.input = input
        output.reserveCapacity(input.count)
    }

    mutating func run() {
        while position < input.count {
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

    private func starts(with text: String, at offset: Int = 0) -> Bool {
        let scalars = Array(text.unicodeScalars)
        let start = position + offset
        return start + scalars.count <= input.count && input[start..<(start + scalars.count)].elementsEqual(scalars)
    }

    private mutating func copy() {
        output.append(input[position])
        position += 1
    }

    /// Passes over `count` scalars, which leave `filler` or their line ends.
    private mutating func skip(_ count: Int, leaving filler: Unicode.Scalar) {
        for _ in 0..<min(count, input.count - position) {
            output.append(input[position] == "\n" ? "\n" : filler)
            position += 1
        }
    }

    private mutating func lineComment() {
        while position < input.count, input[position] != "\n" { skip(1, leaving: " ") }
    }

    /// Block comments nest.
    private mutating func blockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                skip(2, leaving: " ")
            } else if starts(with: "*/") {
                depth -= 1
                skip(2, leaving: " ")
            } else {
                skip(1, leaving: " ")
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
        skip(hashes + quotes.count, leaving: "_")
        while position < input.count, !starts(with: quotes + pounds) {
            if starts(with: "\\\(pounds)(") {
                skip(2 + hashes, leaving: "_")
                interpolation()
            } else {
                skip(starts(with: "\\\(pounds)") ? 2 + hashes : 1, leaving: "_")
            }
        }
        skip(quotes.count + hashes, leaving: "_")
    }

    /// Up to and with the parenthesis that closes it; strings inside may hold parentheses of their own.
    private mutating func interpolation() {
        var depth = 1
        while depth > 0, position < input.count {
            if let hashes = stringStart() {
                string(hashes: hashes)
                continue
            }
            if input[position] == "(" { depth += 1 }
            if input[position] == ")" { depth -= 1 }
            skip(1, leaving: "_")
        }
    }
}
