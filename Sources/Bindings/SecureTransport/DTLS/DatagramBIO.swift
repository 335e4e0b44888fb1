internal import COpenSSL

/// What OpenSSL reads from and writes to during one call: a memory BIO would forget where datagrams end.
final class DatagramExchange {
    /// The record to be read next; read once. Set during a call of OpenSSL only, while its memory is valid.
    var input: UnsafeRawBufferPointer?
    /// What OpenSSL wrote, datagram by datagram.
    var output = OutgoingFlight()
    private var plaintextNumber: UInt64 = 0

    /// Copies the input to `buffer` and takes it away; nil when there is none.
    ///
    /// Plaintext records get ascending numbers: nothing vouches for their own, and one forged high number would push all that the peer sends
    /// later out of OpenSSL's replay window. Handshake messages have their own numbers.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard let input = input.take() else { return nil }
        let taken = UnsafeRawBufferPointer(rebasing: input.prefix(buffer.count))
        buffer.copyMemory(from: taken)
        if taken.count >= DTLSRecord.headerByteCount, taken.bigEndian16(at: DTLSRecord.epochOffset) == 0 {
            buffer.setRecordSequence(plaintextNumber)
            plaintextNumber &+= 1
        }
        return taken.count
    }
}

/// OpenSSL's idea of a `DatagramExchange`: a kind of BIO.
final class DatagramBIOMethod: @unchecked Sendable {
    // Unchecked: immutable after the initialiser; OpenSSL only reads it.
    private let handle: OpaquePointer

    init() throws(OpenSSLError) {
        handle = try check(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams"), "BIO_meth_new")
        BIO_meth_set_read(handle) { bio, buffer, capacity in DatagramBIOMethod.read(bio, buffer, Int(capacity)) }
        BIO_meth_set_write(handle) { bio, octets, count in DatagramBIOMethod.write(bio, octets, Int(count)) }
        BIO_meth_set_ctrl(handle) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    }

    deinit { BIO_meth_free(handle) }

    /// A BIO without a reference to `exchange`: it has to be freed first.
    func makeBIO(for exchange: DatagramExchange) throws(OpenSSLError) -> OpaquePointer {
        let bio = try check(BIO_new(handle), "BIO_new")
        BIO_set_data(bio, Unmanaged.passUnretained(exchange).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    /// "Nothing to read now."
    private static let retryFlags = BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY

    private static func exchange(of bio: OpaquePointer?) -> DatagramExchange? {
        BIO_get_data(bio).map { Unmanaged<DatagramExchange>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func read(_ bio: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ capacity: Int) -> Int32 {
        BIO_clear_flags(bio, retryFlags)
        guard let count = exchange(of: bio)?.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: capacity)) else {
            BIO_set_flags(bio, retryFlags)
            return -1
        }
        return Int32(truncatingIfNeeded: count)
    }

    private static func write(_ bio: OpaquePointer?, _ octets: UnsafePointer<CChar>?, _ count: Int) -> Int32 {
        BIO_clear_flags(bio, retryFlags)
        exchange(of: bio)?.output.append(UnsafeRawBufferPointer(start: octets, count: count))
        return Int32(truncatingIfNeeded: count)
    }
}
