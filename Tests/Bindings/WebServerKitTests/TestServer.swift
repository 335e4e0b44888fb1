import Glibc
import HTTPTypes
import Synchronization
import Testing

@testable import WebServerKit

/// The tests with real sockets.
enum SocketTests {}

/// Looks often until it is true; false after a minute.
func becomesTrue(_ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while !condition() {
        guard ContinuousClock.now < end else { return false }
        try? await Task.sleep(for: .milliseconds(1))
    }
    return true
}

/// A handler made of closures.
struct TestHandler: WebHandler {
    var reply: @Sendable (WebRequest) async -> WebResponse = { _ in .text("hello") }
    var decide: @Sendable (WebRequest) async -> WebSocketDecision = { _ in .accept(serve: { await $0.echo() }) }

    func respond(to request: WebRequest) async -> WebResponse { await reply(request) }

    func webSocketDecision(for request: WebRequest) async -> WebSocketDecision { await decide(request) }
}

extension WebResponse {
    static func text(_ text: String, status: HTTPResponse.Status = .ok) -> WebResponse {
        WebResponse(status: status, headerFields: [.contentType: "text/plain"], body: .bytes(Array(text.utf8)))
    }
}

extension WebSocket {
    /// Sends back every message until the end.
    func echo() async {
        for await event in events {
            switch event {
            case .text(let text): send(text)
            case .binary(let bytes): send(bytes)
            case .closed: break
            }
        }
    }

    func nextEvent() async -> WebSocketEvent? {
        var iterator = events.makeAsyncIterator()
        return await iterator.next()
    }
}

/// Runs `body` against a server on a port of the system's choice, and ends the server afterwards.
func withServer(
    _ handler: TestHandler = TestHandler(), tls: TLSFiles? = nil, limits: WebServerLimits = WebServerLimits(),
    _ body: (_ port: Int, _ server: WebServer) async throws -> Void
) async throws {
    let server = WebServer(configuration: WebServerConfiguration(tls: tls, limits: limits), handler: handler)
    let port = try await server.start()
    do {
        try await body(port, server)
    } catch {
        await server.shutdown(grace: .zero)
        throw error
    }
    await server.shutdown(grace: .zero)
}

/// A value that one task sets and another waits for.
final class Signal<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func send(_ value: Value) { continuation.yield(value) }

    func wait() async -> Value? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }
}

/// A folder that is gone when the test is.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/web-server-kit-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    /// Writes a file and returns its path.
    func write(_ name: String, _ content: [UInt8]) -> String {
        let file = path + "/" + name
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = content.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        return file
    }

    deinit {
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            unlink(path + "/" + name)
        }
        closedir(folder)
        rmdir(path)
    }
}
