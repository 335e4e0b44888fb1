internal import LinuxIO
internal import SecureTransport

/// What all peers of a loop's thread share.
final class PeerTools {
    let context: DTLSContext
    let ciphers: PacketCiphers
    let codec = STUNCodec()
    var outbox = EdgeSendBatch(slabBytes: 128 * 1024)
    /// Room for one packet in the clear.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 2048, alignment: 8)
    /// Nanoseconds from the monotonic clock to the wall's, when the loop began: stamps do not jump with it.
    let wallOffset: Int64

    init(context: DTLSContext) throws(OpenSSLError) {
        self.context = context
        ciphers = try PacketCiphers()
        wallOffset = SystemClocks.wallNanoseconds - Int64(SystemClocks.monotonicNanoseconds)
    }

    deinit { scratch.deallocate() }

    /// Sends one datagram of at most `capacity` bytes that `write` makes; nothing when it makes none. What the kernel has no room for is dropped, as a
    /// network would.
    func send(to remote: SocketAddress, through socket: UDPSocket, capacity: Int, write: (UnsafeMutableRawBufferPointer) -> Int) {
        outbox.begin(UDPRoute(remote: remote))
        guard let slot = outbox.slot(capacity) else { return }
        outbox.commit(write(slot))
        if outbox.flush(through: socket) == .blocked { outbox.discard() }
    }
}
