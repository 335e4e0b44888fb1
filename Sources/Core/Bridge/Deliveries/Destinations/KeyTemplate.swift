package import BridgeModel

/// How objects and files are named at a destination: `{camera}/{date}/{time}-{id}.mp4`. What a user writes or a camera is called can neither climb out
/// of the destination's folder nor make two recordings meet under one name: the text is checked when it is read, values when they are put in.
package struct KeyTemplate: Sendable, Hashable {
    /// What stands in braces.
    package enum Field: String, Sendable, CaseIterable {
        case camera, stream, client, session, account, id, segment, ext
        // The recording's beginning, UTC.
        case date, time, year, month, day, hour

        /// The most bytes that its value has.
        fileprivate var width: Int {
            switch self {
            case .camera, .stream, .client, .session, .account, .id: 64
            case .segment, .date: 10
            case .time: 8
            case .ext, .year: 4
            case .month, .day, .hour: 2
            }
        }
    }

    private enum Piece: Sendable, Hashable {
        case text(String)
        case field(Field)

        var width: Int {
            switch self {
            case .text(let text): text.utf8.count
            case .field(let field): field.width
            }
        }
    }

    /// For who says nothing.
    package static let standard = KeyTemplate(
        text: "{camera}/{date}/{time}-{id}.{ext}",
        pieces: [.field(.camera), .text("/"), .field(.date), .text("/"), .field(.time), .text("-"), .field(.id)])

    /// Bytes of a template.
    package static let longest = 512
    /// Bytes of a part between slashes. File systems take 255, of which a temporary name needs some.
    static let longestPart = 200
    /// Bytes of a whole key: S3 takes 1024, and a URL of ours holds it percent-encoded.
    static let longestKey = 480
    /// What is taken off a template's end: the file's own extension takes its place.
    private static let extensions = [".{ext}", ".mp4", ".webm", ".mkv"]

    /// As the user wrote it.
    package let text: String
    /// Without the extension.
    private let pieces: [Piece]

    private init(text: String, pieces: [Piece]) {
        self.text = text
        self.pieces = pieces
    }

    /// Throws `invalid_field` with what is wrong and what to write instead.
    package init(parsing text: String) throws(BridgeError) {
        guard (1...Self.longest).contains(text.utf8.count) else { throw Self.refused("is empty or longer than \(Self.longest) bytes") }
        let stem = Self.extensions.first { text.hasSuffix($0) }.map { text.dropLast($0.count) } ?? text[...]
        let pieces = try Self.pieces(of: stem)
        try Self.check(pieces)
        guard pieces.contains(.field(.id)) else { throw Self.refused("has no {id}, so that two recordings could get one name") }
        self.init(text: text, pieces: pieces)
    }

    /// The key of an object: parts of `longestPart` bytes at most, with slashes between, never empty, hidden or a dot segment.
    package func key(for facts: KeyFacts) -> String {
        var key = pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .field(let field): facts.value(of: field)
            }
        }.joined()
        if facts.segment > 1, !pieces.contains(.field(.segment)) { key += "-\(facts.value(of: .segment))" }
        return "\(key).\(facts.ending)"
    }

    private static func refused(_ reason: String) -> BridgeError {
        BridgeError(.invalidField, "the key template \(reason): write for instance \(standard.text)")
    }
}

// MARK: Reading

extension KeyTemplate {
    private static func pieces(of text: Substring) throws(BridgeError) -> [Piece] {
        var pieces: [Piece] = []
        var literal = ""
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "{" else {
                guard isAllowed(scalar) else { throw refused("holds \(name(of: scalar)), which a key cannot hold") }
                literal.unicodeScalars.append(scalar)
                continue
            }
            guard let end = rest.firstIndex(of: "}"), let field = Field(rawValue: String(rest[..<end])) else {
                throw refused("has a brace without one of the names \(Field.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            if !literal.isEmpty { pieces.append(.text(literal)) }
            literal = ""
            pieces.append(.field(field))
            rest = rest[rest.index(after: end)...]
        }
        return literal.isEmpty ? pieces : pieces + [.text(literal)]
    }

    /// Letters and digits of any script, the space, and what S3, WebDAV and all file systems take as it is.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.isKeyCharacter || " ~!()+,=@/".unicodeScalars.contains(scalar) }
        return scalar.isLetterOrDigit
    }

    private static func name(of scalar: Unicode.Scalar) -> String {
        scalar.value > 0x20 && scalar.value < 0x7F ? "'\(scalar)'" : "the character U+\(String(scalar.value, radix: 16, uppercase: true))"
    }

    /// Looks at bytes, not at characters: a slash with a combining mark is one character, and still a slash to the file system.
    private static func check(_ pieces: [Piece]) throws(BridgeError) {
        // A field stands as so many letters: its value is neither empty nor begins or ends with a dot.
        let shape = pieces.flatMap { piece in
            if case .text(let text) = piece { Array(text.utf8) } else { Array(repeating: UInt8(ascii: "x"), count: piece.width) }
        }
        // What may be added: the segment, a hyphen before it, and the extension.
        let added = 1 + Field.segment.width + 1 + Field.ext.width
        guard shape.count + added <= longestKey else { throw refused("makes keys longer than \(longestKey) bytes") }
        for part in shape.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let first = part.first, let last = part.last else { throw refused("begins or ends with a slash, or has two together") }
            guard ![first, last].contains(UInt8(ascii: ".")) else { throw refused("has a part that begins or ends with a dot") }
            guard ![first, last].contains(UInt8(ascii: " ")) else { throw refused("has a part that begins or ends with a space") }
            guard part.count + added <= longestPart else { throw refused("has a part that can be longer than \(longestPart) bytes") }
        }
    }
}

extension KeyTemplate: Codable {
    /// Reads the text; throws what parsing throws.
    package init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension Unicode.Scalar {
    /// ASCII letters, digits, and `-_.`.
    fileprivate var isKeyCharacter: Bool {
        switch self {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": true
        default: false
        }
    }

    fileprivate var isLetterOrDigit: Bool { properties.isAlphabetic || properties.generalCategory == .decimalNumber }
}

/// What a template's fields stand for.
package struct KeyFacts: Sendable, Equatable {
    package var context: SessionContext
    package var recording: RecordingID
    /// From 1.
    package var segment: Int
    package var container: Container
    /// The recording's beginning.
    package var startedAt: WallTime
    /// What travels with the file, when that is meant and not the file.
    package var sidecar: SidecarName?

    package init(context: SessionContext, recording: RecordingID, segment: Int = 1, container: Container, startedAt: WallTime) {
        self.context = context
        self.recording = recording
        self.segment = segment
        self.container = container
        self.startedAt = startedAt
    }

    /// The name without a template: the recording's id and the segment's number, as in the spool.
    package var fileName: String {
        let name = SegmentRow.fileName(of: recording, number: segment, container: container)
        return sidecar.map { name.dropLast(container.fileExtension.count) + $0.ending } ?? name
    }

    /// Of the file that is sent.
    package var mediaType: String { sidecar?.mediaType ?? container.mediaType }

    /// What stands behind the last dot.
    fileprivate var ending: String { sidecar?.ending ?? container.fileExtension }

    /// Not longer than the field's width, never empty, and without slash, control character, or a dot or space at an end.
    fileprivate func value(of field: KeyTemplate.Field) -> String {
        switch field {
        case .camera, .stream: Self.safe(context.stream.rawValue)
        case .client: Self.safe(context.client.rawValue)
        case .session: Self.safe(context.session.rawValue)
        case .account: Self.safe(context.account.rawValue)
        case .id: Self.safe(recording.rawValue)
        case .segment: String(min(max(segment, 0), 9_999_999_999))
        case .ext: container.fileExtension
        case .date: moment(0, 10)
        case .time: moment(11, 19)
        case .year: moment(0, 4)
        case .month: moment(5, 7)
        case .day: moment(8, 10)
        case .hour: moment(11, 13)
        }
    }

    /// Characters of `yyyy-mm-ddThh:mm:ss`; a moment outside the years 0 to 9999 counts as the epoch.
    private func moment(_ first: Int, _ end: Int) -> String {
        let text = startedAt.iso8601
        let usual = text.utf8.count == 24 ? text : WallTime(nanoseconds: 0).iso8601
        return String(usual.dropFirst(first).prefix(end - first)).split(separator: ":").joined(separator: "-")
    }

    private static func safe(_ text: String) -> String {
        var value: [Unicode.Scalar] = []
        var width = 0
        for scalar in text.unicodeScalars {
            let isFine = scalar.isASCII ? scalar.isKeyCharacter : scalar.isLetterOrDigit
            let next = isFine ? scalar : "_"
            width += UTF8.width(next)
            guard width <= 64 else { break }
            value.append(next)
        }
        if value.first == "." || value.isEmpty { value = ["_"] + value.dropFirst() }
        if value.last == "." { value = value.dropLast() + ["_"] }
        return String(String.UnicodeScalarView(value))
    }
}
