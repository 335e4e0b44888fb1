import BridgeModel
import HTTPTypes

/// Which part of a list a request asks for: `limit` and `after`, the id behind which it continues.
package struct PageRequest: Sendable, Equatable {
    /// Items at most.
    package let limit: Int
    /// The last id of the page before; nil for the first page.
    package let after: String?

    /// Throws a problem when `limit` is no number from 1 to `maximum`.
    package init(_ query: QueryParameters, standard: Int = 100, maximum: Int = 1000) throws(Problem) {
        after = query["after"].flatMap { $0.isEmpty ? nil : $0 }
        guard let text = query["limit"] else {
            limit = standard
            return
        }
        guard let number = WholeNumber.read(text, in: 1...Int64(maximum)) else {
            throw Problem(.badRequest, "invalid_field", "limit must be an integer from 1 to \(maximum)", field: "limit")
        }
        limit = Int(number)
    }
}
