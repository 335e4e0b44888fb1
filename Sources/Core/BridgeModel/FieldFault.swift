/// What is wrong with a member of something that a caller describes.
package struct FieldFault: Error, Sendable, Equatable {
    /// The member that is at fault.
    package var field: String
    /// What it has to be.
    package var rule: String
    /// It is not there at all.
    package var isMissing = false

    package init(_ field: String, _ rule: String) {
        self.field = field
        self.rule = rule
    }

    /// A member without which nothing can be done.
    package static func missing(_ field: String) -> FieldFault {
        var fault = FieldFault(field, "given")
        fault.isMissing = true
        return fault
    }
}
