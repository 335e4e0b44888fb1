package import BridgeModel

// As it travels.
extension RetentionRule {
    /// A century, more or less: what ends now and is kept so long is still within `WallTime`.
    private static let ages = 1...3_162_240_000
    private static let sizes = 1...1 << 50
    private static let counts = 1...1_000_000
    private static let members = ["age_seconds", "bytes", "recordings", "destination", "undelivered"]

    /// Reads a rule; members that are null or absent limit nothing. Those that nobody knows are refused: a misspelt limit would keep, or remove, what
    /// its author did not mean.
    package init(reading value: JSONValue) throws(FieldFault) {
        guard case .object(let given) = value else { throw FieldFault("retention", "an object") }
        if let stranger = given.keys.sorted().first(where: { !Self.members.contains($0) }) {
            throw FieldFault(stranger, "left out: the members of a rule are \(Self.members.joined(separator: ", "))")
        }
        self.init(
            age: try Self.limit(value, "age_seconds", Self.ages).map { .seconds($0) },
            bytes: try Self.limit(value, "bytes", Self.sizes).map { Int64($0) }, count: try Self.limit(value, "recordings", Self.counts))
        includesDestination = try Self.flag(value, "destination")
        includesUndelivered = try Self.flag(value, "undelivered")
    }

    /// The members of the rule; reading them gives the same rule.
    package var json: [JSONText.Member] {
        [
            .init("age_seconds", .optional(age.map { $0.components.seconds })), .init("bytes", .optional(bytes)),
            .init("recordings", .optional(count.map { Int64($0) })), .init("destination", .bool(includesDestination)),
            .init("undelivered", .bool(includesUndelivered)),
        ]
    }

    private static func limit(_ value: JSONValue, _ name: String, _ range: ClosedRange<Int>) throws(FieldFault) -> Int? {
        guard let member = value[name], !member.isNull else { return nil }
        guard let number = member.integer, range.contains(number) else {
            throw FieldFault(name, "a whole number from \(range.lowerBound) to \(range.upperBound), or null")
        }
        return number
    }

    private static func flag(_ value: JSONValue, _ name: String) throws(FieldFault) -> Bool {
        guard let member = value[name], !member.isNull else { return false }
        guard let flag = member.bool else { throw FieldFault(name, "true or false") }
        return flag
    }
}
