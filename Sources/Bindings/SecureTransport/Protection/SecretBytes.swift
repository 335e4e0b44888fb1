internal import COpenSSL

/// A fixed number of secret octets: in one place only, never copied by Swift, and overwritten before the memory is given back.
///
/// It has no description, and it can be used by one thread at a time (`~Copyable` moves it).
package struct SecretBytes: ~Copyable, @unchecked Sendable {
    // `@unchecked`: the memory has one owner, this value, and no other thread can have it while it is borrowed.

    /// How many octets.
    package let count: Int
    /// The octets, for calls of C in this module; valid as long as this value.
    let mutablePointer: UnsafeMutablePointer<UInt8>

    /// All octets zero.
    package init(count: Int) {
        self.count = count
        mutablePointer = .allocate(capacity: count)
        mutablePointer.initialize(repeating: 0, count: count)
    }

    /// Moves the octets in. What they were copied from remains the caller's to wipe.
    package init(copying source: UnsafeRawBufferPointer) {
        self.init(count: source.count)
        UnsafeMutableRawBufferPointer(start: mutablePointer, count: count).copyMemory(from: source)
    }

    deinit {
        OPENSSL_cleanse(mutablePointer, count)
        mutablePointer.deallocate()
    }

    /// Lends the octets for reading; the pointer is valid during the call only.
    package borrowing func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: mutablePointer, count: count))
    }

    /// Lends the octets for writing; the pointer is valid during the call only.
    package mutating func withUnsafeMutableBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeMutableRawBufferPointer(start: mutablePointer, count: count))
    }
}
