internal import Glibc

/// A failed system call: its name and `errno`.
package struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The function that failed, for instance `sendmsg`.
    package let call: String
    /// The value of `errno`.
    package let number: Int32

    package init(call: String, number: Int32) {
        self.call = call
        self.number = number
    }

    /// From the calling thread's `errno`, read at once.
    package static func last(_ call: String) -> SystemError { SystemError(call: call, number: errno) }

    /// The port is taken (EADDRINUSE).
    package var isAddressInUse: Bool { number == EADDRINUSE }

    package var description: String { "\(call): \(String(cString: strerror(number))) (\(number))" }
}
