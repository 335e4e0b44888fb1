internal import CLinux
internal import Glibc

/// Length-prefixed frames over a connected stream socket, with file descriptors beside them.
///
/// A frame is a 32-bit big-endian length and that many bytes. Descriptors travel with the first byte of a frame. Sending is thread-safe (one
/// `sendmsg` under the kernel's lock is not atomic for streams, so a frame is sent by one caller at a time: the owner's duty); receiving is one thread's.
///
/// Unchecked: `reader` is used by the receiving thread only, `descriptor` is immutable.
package final class ControlSocket: @unchecked Sendable {
    /// The socket, owned and closed by this object.
    package let descriptor: Int32
    private var reader = FrameReader()

    /// Takes over a connected stream socket.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// What `receive` can find.
    package enum Received: Sendable, Equatable {
        case frame([UInt8], descriptors: [Int32])
        /// Nothing more for now; only without blocking.
        case wouldBlock
        /// The other end closed.
        case end
    }

    /// The next frame. Blocking: waits for it. Descriptors in the result are the caller's.
    package func receive(blocking: Bool) throws(SystemError) -> Received {
        while true {
            if let frame = try reader.next() { return .frame(frame, descriptors: reader.takeDescriptors()) }
            switch try fill(blocking: blocking) {
            case .some(0): return .end
            case .some: continue
            case .none: return .wouldBlock
            }
        }
    }

    /// Sends a whole frame. With `blocking` false a socket that cannot take all of it at once throws EAGAIN, and the connection is of no more use.
    package func send(_ frame: [UInt8], descriptors: [Int32] = [], blocking: Bool = true) throws(SystemError) {
        var bytes = withUnsafeBytes(of: UInt32(frame.count).bigEndian) { Array($0) }
        bytes += frame
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
                return clinux_send_with_descriptors(
                    descriptor, rest.baseAddress, rest.count, descriptors, sent == 0 ? descriptors.count : 0, blocking ? 0 : 1)
            }
            guard count > 0 else { throw SystemError(call: "sendmsg", number: Int32(-count)) }
            sent += count
        }
    }

    /// Bytes read; nil when it would block.
    private func fill(blocking: Bool) throws(SystemError) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        var descriptors = [Int32](repeating: -1, count: 16)
        var received = 0
        let count = clinux_receive_with_descriptors(
            descriptor, &bytes, bytes.count, &descriptors, descriptors.count, &received, blocking ? 0 : 1)
        if count == -Int(EAGAIN) { return nil }
        // A peer that died with data of ours unread resets the connection: the end, as a close would be.
        if count == -Int(ECONNRESET) { return 0 }
        guard count >= 0 else { throw SystemError(call: "recvmsg", number: Int32(-count)) }
        reader.append(bytes[..<count], descriptors: descriptors[..<received])
        return count
    }
}
