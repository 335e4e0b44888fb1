extension StringProtocol {
    /// It holds no control character and no break of lines: what people read as one line, and what cannot begin another one in a log.
    package var isOneLine: Bool {
        !unicodeScalars.contains { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
    }
}

extension StreamID {
    /// What a stream's name must be.
    package static let rule = "a name of 1 to 128 bytes without control characters"

    /// What may name a stream: `rule`, as dialect clients name theirs; nil for anything else.
    package init?(named text: String) {
        guard (1...128).contains(text.utf8.count), text.isOneLine else { return nil }
        self.init(text)
    }
}
