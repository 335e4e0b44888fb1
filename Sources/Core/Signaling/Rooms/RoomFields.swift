import Bridge
import BridgeModel

/// The members of an object in a frame, read with what they have to be. Members that nobody knows are ignored (streamrec contract, section 2 rule 3).
struct RoomFields {
    private let object: JSONValue
    private let path: String?

    /// `path` is how errors name the object; nil: they name its members alone.
    init(_ object: JSONValue, path: String?) {
        self.object = object
        self.path = path
    }

    /// Bytes of what names a thing of the room; the bridge's own names are shorter.
    static let idBytes = 1...200

    func text(_ name: String, _ bytes: ClosedRange<Int> = idBytes) throws(RTMError) -> String {
        guard let text = try optionalText(name, bytes) else { throw missing(name) }
        return text
    }

    func optionalText(_ name: String, _ bytes: ClosedRange<Int> = idBytes) throws(RTMError) -> String? {
        guard let member = member(name) else { return nil }
        guard let text = member.string, bytes.contains(text.utf8.count) else {
            throw invalid(name, "a text of \(bytes.lowerBound) to \(bytes.upperBound) bytes")
        }
        return text
    }

    func flag(_ name: String) throws(RTMError) -> Bool {
        guard let flag = try optionalFlag(name) else { throw missing(name) }
        return flag
    }

    func optionalFlag(_ name: String) throws(RTMError) -> Bool? {
        guard let member = member(name) else { return nil }
        guard let flag = member.bool else { throw invalid(name, "true or false") }
        return flag
    }

    func optionalInteger(_ name: String, _ range: ClosedRange<Int>) throws(RTMError) -> Int? {
        guard let member = member(name) else { return nil }
        guard let number = member.integer, range.contains(number) else {
            throw invalid(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func optionalNumber(_ name: String, _ range: ClosedRange<Double>) throws(RTMError) -> Double? {
        guard let member = member(name) else { return nil }
        guard case .number(let number) = member, range.contains(number) else {
            throw invalid(name, "a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))")
        }
        return number
    }

    /// Part of a picture's width or height.
    func fraction(_ name: String) throws(RTMError) -> Double {
        guard let member = member(name) else { throw missing(name) }
        guard case .number(let number) = member, (0...1).contains(number) else { throw invalid(name, "a number from 0 to 1") }
        return number
    }

    func optionalTime(_ name: String) throws(RTMError) -> WallTime? {
        guard let text = try optionalText(name) else { return nil }
        guard let time = WallTime(dateTime: text) else { throw invalid(name, "a time in UTC, as 2031-05-01T00:00:00Z") }
        return time
    }

    func word<Word: RawRepresentable<String> & CaseIterable>(_ name: String, _ type: Word.Type = Word.self) throws(RTMError) -> Word {
        let text = try text(name)
        guard let word = Word(rawValue: text) else {
            throw invalid(name, Word.allCases.map(\.rawValue).joined(separator: ", ") + " is meant")
        }
        return word
    }

    func list(_ name: String, limit: Int) throws(RTMError) -> [JSONValue] {
        guard let items = try optionalList(name, limit: limit) else { throw missing(name) }
        return items
    }

    func optionalList(_ name: String, limit: Int) throws(RTMError) -> [JSONValue]? {
        guard let member = member(name) else { return nil }
        guard case .array(let items) = member, items.count <= limit else { throw invalid(name, "a list of at most \(limit)") }
        return items
    }

    func object(_ name: String) throws(RTMError) -> RoomFields {
        guard let fields = try optionalObject(name) else { throw missing(name) }
        return fields
    }

    func optionalObject(_ name: String) throws(RTMError) -> RoomFields? {
        guard let member = member(name) else { return nil }
        guard case .object = member else { throw invalid(name, "an object") }
        return RoomFields(member, path: whole(name))
    }

    /// Texts by name.
    func optionalTexts(_ name: String) throws(RTMError) -> [String: String]? {
        guard let member = member(name) else { return nil }
        guard case .object(let members) = member else { throw invalid(name, "an object of texts") }
        var texts: [String: String] = [:]
        for (key, value) in members {
            // An empty text takes a member away, and so does null.
            guard let text = value.isNull ? "" : value.string else { throw invalid(name, "an object of texts") }
            texts[key] = text
        }
        return texts
    }

    func invalid(_ name: String, _ rule: String) -> RTMError {
        RTMError(.invalidField, "\(whole(name)) must be \(rule)", field: whole(name))
    }

    func missing(_ name: String) -> RTMError { RTMError(.missingField, "\(whole(name)) is missing", field: whole(name)) }

    private func whole(_ name: String) -> String { path.map { "\($0).\(name)" } ?? name }

    /// Null is as good as absent.
    private func member(_ name: String) -> JSONValue? {
        guard let member = object[name], !member.isNull else { return nil }
        return member
    }
}
