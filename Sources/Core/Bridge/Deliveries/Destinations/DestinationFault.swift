package import BridgeModel

/// Why a description of a destination is not accepted.
package struct DestinationFault: Error, Sendable, Equatable {
    /// `invalid_field` or `invalid_url`.
    package var code: BridgeError.Code
    /// The member at fault, with dots between levels, for instance `s3.bucket`; empty: the whole.
    package var field: String
    /// What was expected; holds nothing of the value.
    package var message: String

    init(_ field: String, _ message: String, code: BridgeError.Code = .invalidField) {
        self.code = code
        self.field = field
        self.message = message
    }

    /// As the bridge's own error, with the field in the sentence.
    package var bridgeError: BridgeError { BridgeError(code, field.isEmpty ? message : "\(field): \(message)") }
}

/// The members of an object, each taken by its name; what nobody took is refused, so that a mistyped name does not pass unseen.
struct DestinationFields {
    private let path: String
    private let members: [String: JSONValue]
    private var known: Set<String> = []

    /// `path` stands before the names in faults.
    init(_ value: JSONValue, path: String) throws(DestinationFault) {
        guard case .object(let members) = value else { throw DestinationFault(path, "give an object") }
        self.path = path
        self.members = members.filter { !$0.value.isNull }
    }

    func name(_ member: String) -> String { path.isEmpty ? member : "\(path).\(member)" }

    func fault(_ member: String, _ message: String, code: BridgeError.Code = .invalidField) -> DestinationFault {
        DestinationFault(name(member), message, code: code)
    }

    /// The member, nil when it is absent or null.
    mutating func value(_ member: String) -> JSONValue? {
        known.insert(member)
        return members[member]
    }

    /// Text without control characters, of 1 to `longest` bytes.
    mutating func optionalText(_ member: String, longest: Int = 1024) throws(DestinationFault) -> String? {
        guard let value = value(member) else { return nil }
        guard let text = value.string, (1...longest).contains(text.utf8.count),
            !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else {
            throw fault(member, "give text of 1 to \(longest) bytes without control characters")
        }
        return text
    }

    mutating func text(_ member: String, longest: Int = 1024) throws(DestinationFault) -> String {
        guard let text = try optionalText(member, longest: longest) else { throw fault(member, "it is missing") }
        return text
    }

    /// One of an enumeration's words.
    mutating func word<Word: RawRepresentable<String> & CaseIterable>(
        _ member: String, _ type: Word.Type
    ) throws(DestinationFault) -> Word? {
        guard let text = try optionalText(member) else { return nil }
        guard let word = Word(rawValue: text) else {
            throw fault(member, "give one of " + Word.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return word
    }

    mutating func template(_ member: String) throws(DestinationFault) -> KeyTemplate? {
        guard let text = try optionalText(member) else { return nil }
        do throws(BridgeError) {
            return try KeyTemplate(parsing: text)
        } catch {
            throw fault(member, error.message)
        }
    }

    /// A URL by the grammar and rules of deliveries.
    mutating func url(_ member: String, _ rules: AddressRules) throws(DestinationFault) -> Redacted<String> {
        let text = Redacted(try text(member, longest: DeliveryURL.maximumLength))
        do throws(BridgeError) {
            _ = try DeliveryURL(parsing: text, rules: rules)
            return text
        } catch {
            throw fault(member, error.message, code: error.code)
        }
    }

    /// Call when all members have been taken.
    func finish() throws(DestinationFault) {
        guard let stranger = members.keys.filter({ !known.contains($0) }).min() else { return }
        throw DestinationFault(path, "\"\(stranger.prefix(40))\" is not known here; there are: \(known.sorted().joined(separator: ", "))")
    }
}
