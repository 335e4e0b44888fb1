import Foundation
import Synchronization

/// A web server on loopback that does as it is told, bad manners included. One thread for each connection; ends with its last reference.
final class TestServer: Sendable {
    /// What it does after it has read the head of a request.
    enum Behaviour: Sendable {
        /// Reads the body, replies and closes.
        case reply(Int, headers: [String] = [], body: String = "")
        /// The same, with any bytes.
        case bytes(Int, Data)
        /// Replies at once and reads nothing of the body.
        case replyEarly(Int, headers: [String] = [])
        /// Reads everything and never replies.
        case hang
        /// Stops reading after the head, and never replies.
        case stopReading
        /// Ends the connection by a reset, after this many bytes of the body.
        case reset(afterBody: Int)
        /// Replies 200 and then sends its body for ever, a byte at a time.
        case dripBody
        /// Sends this instead of a reply.
        case raw(String)
        /// Promises a longer body than it sends, and resets.
        case lie(Int)
    }

    struct Request: Sendable {
        var line: String
        /// As they were sent, one a line.
        var headers: [String]
        var body: Data

        func header(_ name: String) -> String? {
            headers.first { $0.lowercased().hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
        }
    }

    let port: UInt16
    private let listener: Int32
    private let requests = Mutex<[Request]>([])
    private let connections = Mutex(0)

    var received: [Request] { requests.withLock { $0 } }
    var connectionCount: Int { connections.withLock { $0 } }

    /// `behave` is asked for each connection, by its place from 0.
    convenience init(_ behave: @escaping @Sendable (Int) -> Behaviour) throws {
        try self.init(readingBodies: false) { place, _ in behave(place) }
    }

    /// `answer` is asked for each request, when it is there as a whole.
    convenience init(answering answer: @escaping @Sendable (Request) -> Behaviour) throws {
        try self.init(readingBodies: true) { _, request in answer(request) }
    }

    private init(readingBodies: Bool, _ behave: @escaping @Sendable (Int, Request) -> Behaviour) throws {
        let (descriptor, port) = try boundSocket(listening: true)
        listener = descriptor
        self.port = port
        let thread = Thread { [weak self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0, let self else { break }
                let place = connections.withLock { count in
                    defer { count += 1 }
                    return count
                }
                Thread { [weak self] in
                    TestConnection(connection).serve(readingBody: readingBodies) {
                        behave(place, $0)
                    } note: {
                        self?.note($0)
                    }
                }.start()
            }
        }
        thread.start()
    }

    convenience init(_ behaviour: Behaviour) throws {
        try self.init(readingBodies: false) { _, _ in behaviour }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    func url(_ target: String, host: String = "127.0.0.1") -> String { "http://\(host):\(port)\(target)" }

    private func note(_ request: Request) { requests.withLock { $0.append(request) } }
}

/// A port that is taken, and that nobody listens on: connections to it are refused for as long as this lives.
final class ClosedPort: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws { (descriptor, port) = try boundSocket(listening: false) }

    deinit {
        close(descriptor)
    }
}

/// A TCP socket on a free port of 127.0.0.1.
private func boundSocket(listening: Bool) throws -> (Int32, UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) | getsockname(descriptor, $0, &length)
        }
    }
    guard status == 0, !listening || listen(descriptor, 64) == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
    return (descriptor, UInt16(bigEndian: address.sin_port))
}

/// One connection of a `TestServer`, on a thread of its own.
private struct TestConnection {
    private let descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func serve(
        readingBody: Bool, _ behave: (TestServer.Request) -> TestServer.Behaviour, note: (TestServer.Request) -> Void
    ) {
        defer { close(descriptor) }
        guard var request = readHead() else { return }
        let length = Int(request.header("content-length") ?? "") ?? 0
        if readingBody { readBody(&request, length) }
        let behaviour = behave(request)
        switch behaviour {
        case .reply, .bytes: readBody(&request, length)
        default: break
        }
        note(request)
        switch behaviour {
        case .reply(let status, let headers, let body):
            reply(status, headers, Data(body.utf8))
        case .bytes(let status, let body):
            reply(status, [], body)
        case .replyEarly(let status, let headers):
            reply(status, headers, Data())
            untilClosed()
        case .hang:
            readBody(&request, length)
            untilClosed()
        case .stopReading:
            untilReset()
        case .reset(let count):
            readBody(&request, count)
            reset()
        case .dripBody:
            readBody(&request, length)
            send("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
            while send("x") { usleep(20_000) }
        case .raw(let text):
            readBody(&request, length)
            send(text)
        case .lie(let status):
            readBody(&request, length)
            send("HTTP/1.1 \(status) Lie\r\ncontent-length: 1000\r\n\r\nshort")
            reset()
        }
    }

    private func reply(_ status: Int, _ headers: [String], _ body: Data) {
        let lines = ["HTTP/1.1 \(status) Status", "content-length: \(body.count)", "connection: close"] + headers
        send(Data((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }

    private func readHead() -> TestServer.Request? {
        var data = Data()
        let end = Data("\r\n\r\n".utf8)
        while data.range(of: end) == nil {
            guard let more = receive(), data.count < 1_000_000 else { return nil }
            data += more
        }
        guard let range = data.range(of: end) else { return nil }
        let lines = String(decoding: data[..<range.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        return TestServer.Request(line: lines[0], headers: Array(lines.dropFirst()), body: Data(data[range.upperBound...]))
    }

    private func readBody(_ request: inout TestServer.Request, _ length: Int) {
        while request.body.count < length, let more = receive() { request.body += more }
    }

    private func receive() -> Data? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Data(buffer[..<count]) : nil
    }

    @discardableResult
    private func send(_ text: String) -> Bool { send(Data(text.utf8)) }

    @discardableResult
    private func send(_ data: Data) -> Bool {
        var rest = Array(data)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func untilClosed() {
        while receive() != nil {}
    }

    /// Holds the connection for a while, without reading.
    private func untilReset() {
        var state = pollfd(fd: descriptor, events: 0, revents: 0)
        poll(&state, 1, 5000)
    }

    private func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Foundation.linger>.size))
    }
}
