import Glibc
import HTTPTypes
import WebServerKit

/// A server with nothing behind it, for measuring the front door by itself: `GET` answers 13 bytes, `/ws` echoes.
///
/// `bench-front-door [port]` prints the port it listens on and serves until it is told to stop. `bench.sh` measures it.
@main
enum BenchFrontDoor {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 0
        var limits = WebServerLimits()
        limits.connectionsPerAddress = 20_000
        let server = WebServer(configuration: WebServerConfiguration(port: port, limits: limits), handler: Greeter())
        print(try await server.start())
        fflush(nil)
        for await _ in AsyncStream<Never>.never {}
    }
}

extension AsyncStream where Element == Never {
    /// A stream that neither yields nor ends.
    fileprivate static var never: AsyncStream<Never> { AsyncStream { _ in } }
}

/// The smallest handler.
private struct Greeter: WebHandler {
    func respond(to request: WebRequest) async -> WebResponse {
        WebResponse(status: .ok, headerFields: [.contentType: "text/plain"], body: .bytes(Array("Hello, world!".utf8)))
    }

    func webSocketDecision(for request: WebRequest) async -> WebSocketDecision {
        .accept { socket in
            for await event in socket.events {
                if case .text(let text) = event { socket.send(text) }
            }
        }
    }
}
