internal import Glibc

/// Makes connected AF_UNIX sockets, close-on-exec. Whoever gets a descriptor owns it.
package enum SocketPair {
    /// Datagrams with their borders kept, non-blocking: media between hub and child. `bufferBytes` is the send buffer of both ends.
    package static func datagram(bufferBytes: Int32 = 512 * 1024) throws(SystemError) -> (near: Int32, far: Int32) {
        let pair = try make(type: Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue))
        setSendBuffer(of: pair, bytes: bufferBytes)
        return pair
    }

    /// A byte stream, blocking: control between bridge and child.
    package static func stream(bufferBytes: Int32 = 1024 * 1024) throws(SystemError) -> (near: Int32, far: Int32) {
        let pair = try make(type: Int32(SOCK_STREAM.rawValue))
        setSendBuffer(of: pair, bytes: bufferBytes)
        return pair
    }

    private static func make(type: Int32) throws(SystemError) -> (near: Int32, far: Int32) {
        var descriptors: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue), 0, &descriptors) == 0 else { throw .last("socketpair") }
        return (descriptors[0], descriptors[1])
    }

    /// The kernel may grant less than asked (net.core.wmem_max); a smaller buffer only drops earlier.
    private static func setSendBuffer(of pair: (near: Int32, far: Int32), bytes: Int32) {
        var size = bytes
        for descriptor in [pair.near, pair.far] {
            setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}

/// Closes a descriptor that the caller owns.
package func closeDescriptor(_ descriptor: Int32) {
    close(descriptor)
}
