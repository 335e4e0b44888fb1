import Foundation
import Glibc

/// A TCP client without manners: sends any bytes, shows what comes back. Each blocking call has a thread of its own, so that it
/// takes none from the pool that the server's handlers need.
final class RawClient: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    struct CannotConnect: Error {}

    static func connect(_ port: Int, receiveBuffer: Int32? = nil) async throws -> RawClient {
        let client = await offPool { () -> RawClient? in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var timeout = timeval(tv_sec: 10, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
            if var receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size)) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let status = withUnsafeBytes(of: address) { raw in
                Glibc.connect(descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
            }
            guard status == 0 else {
                close(descriptor)
                return nil
            }
            return RawClient(descriptor: descriptor)
        }
        guard let client else { throw CannotConnect() }
        return client
    }

    func send(_ text: String) async { await send(Array(text.utf8)) }

    /// Sends all, or as much as goes before the peer closes.
    func send(_ bytes: [UInt8]) async {
        await Self.offPool { [descriptor] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    /// Up to `limit` bytes: what is there once something is; empty at the end of the connection, or when nothing comes for 10 s.
    func receive(_ limit: Int = 64 * 1024) async -> [UInt8] {
        await Self.offPool { [descriptor] in
            [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
                count = max(0, recv(descriptor, buffer.baseAddress, limit, 0))
            }
        }
    }

    func receive(exactly count: Int) async -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let part = await receive(count - bytes.count)
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }

    func receiveToEnd() async -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let part = await receive()
            if part.isEmpty { return bytes }
            bytes += part
        }
    }

    /// One head, up to and with its empty line.
    func receiveHead() async -> String {
        await Self.offPool { [descriptor] in
            let end = Array("\r\n\r\n".utf8)
            var bytes: [UInt8] = []
            var octet: UInt8 = 0
            while bytes.suffix(4) != end[...], recv(descriptor, &octet, 1, 0) == 1 { bytes.append(octet) }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// One response whose head tells its length.
    func receiveResponse() async -> (head: String, body: String) {
        let head = await receiveHead()
        let length = head.lowercased().firstRange(of: "content-length: ").flatMap { Int(head[$0.upperBound...].prefix { $0.isNumber }) }
        return (head, String(decoding: await receive(exactly: length ?? 0), as: UTF8.self))
    }

    private static func offPool<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}
