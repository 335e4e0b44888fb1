import Foundation
import SecureTransport

/// A UDP socket on 127.0.0.1 that lets a `DTLSEndpoint` talk to one peer in real time.
final class LoopbackSocket {
    struct Failure: Error {
        var call: String
        var code: Int32
    }

    /// Nothing on the loopback interface takes so long.
    private static let patience = Duration.seconds(10)

    let port: UInt16
    private let descriptor: Int32
    private var peer: sockaddr_in?

    init(connectedTo port: UInt16? = nil) throws {
        let descriptor = try Self.check(socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), "socket")
        var address = Self.loopback(port: 0)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try Self.check(status, "bind")
        var actual = length
        let named = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &actual) }
        }
        try Self.check(named, "getsockname")
        self.descriptor = descriptor
        self.port = UInt16(bigEndian: address.sin_port)
        peer = port.map(Self.loopback)
    }

    deinit { close(descriptor) }

    /// A port that nobody has, for a program that does not choose its own.
    static func unusedPort() throws -> UInt16 { try LoopbackSocket().port }

    /// Lets the endpoint talk until something happens; nil when nothing does. The endpoint's clock goes `pace` times as fast as the others'.
    func run(_ endpoint: DTLSEndpoint, pace: Int = 1) throws -> DTLSEvent? {
        let clock = ContinuousClock()
        let begin = clock.now
        var event = endpoint.deadline == nil ? endpoint.start(now: .zero, send: send) : nil
        while event == nil, clock.now - begin < Self.patience {
            var descriptors = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            poll(&descriptors, 1, 10)
            let now = (clock.now - begin) * pace
            event = receive(endpoint, now: now) ?? endpoint.tick(now: now, send: send)
        }
        return event
    }

    func send(_ datagram: UnsafeRawBufferPointer) {
        guard var peer else { return }
        withUnsafePointer(to: &peer) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, datagram.baseAddress, datagram.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private func receive(_ endpoint: DTLSEndpoint, now: Duration) -> DTLSEvent? {
        var buffer = [UInt8](repeating: 0, count: 2048)
        var sender = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &sender) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT), $0, &length)
            }
        }
        guard count > 0 else { return nil }
        peer = sender
        return buffer.withUnsafeBytes { endpoint.receive(UnsafeRawBufferPointer(rebasing: $0[..<count]), now: now, send: send) }
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    @discardableResult
    private static func check(_ status: Int32, _ call: String) throws -> Int32 {
        guard status >= 0 else { throw Failure(call: call, code: errno) }
        return status
    }
}
