package import BridgeModel

/// Why a request body is not what an operation takes.
package enum JSONBodyError: Error, Sendable, Equatable {
    /// Empty, or not JSON in UTF-8, or nested deeper than anything here.
    case malformed
    /// JSON, but no object.
    case notAnObject
}

/// Reads request bodies.
package enum JSONBody {
    /// The body as an object, whatever its Content-Type said.
    package static func object(_ bytes: [UInt8]) throws(JSONBodyError) -> JSONValue {
        let value: JSONValue
        do throws(JSONValue.ReadError) {
            value = try JSONValue.read(bytes)
        } catch {
            throw .malformed
        }
        guard case .object = value else { throw .notAnObject }
        return value
    }
}
