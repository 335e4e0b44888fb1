internal import COpenSSL

/// A call of OpenSSL that failed: the function and OpenSSL's own words. Holds no secret.
package struct OpenSSLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The C function that failed.
    package let function: String
    /// OpenSSL's reason, for people.
    package let reason: String

    /// Takes the newest entry of this thread's error queue and empties the queue, so that the next failure does not report this one.
    init(function: String) {
        self.function = function
        self.reason = Self.drainQueue()
    }

    /// One line for a log.
    package var description: String { "\(function) failed: \(reason)" }

    private static func drainQueue() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0 else { return "no reason given" }
        var text = [CChar](repeating: 0, count: 256)  // ERR_error_string_n needs 120 at least (its manual page)
        ERR_error_string_n(code, &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// The status of a call for which OpenSSL documents 1 as success.
func check(_ status: Int32, _ function: String) throws(OpenSSLError) {
    guard status == 1 else { throw OpenSSLError(function: function) }
}

/// The result of a call for which OpenSSL documents NULL as failure.
@discardableResult
func check<Pointee>(_ result: Pointee?, _ function: String) throws(OpenSSLError) -> Pointee {
    guard let result else { throw OpenSSLError(function: function) }
    return result
}
