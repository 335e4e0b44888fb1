internal import AsyncHTTPClient
internal import BridgeModel
internal import Foundation
internal import LoadGeneration
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Requests of a run, over one pool of connections.
package final class LoadHTTP: Sendable {
    /// A reply, whole.
    struct Reply: Sendable {
        var status: Int
        /// Absolute, where the reply has one.
        var location: String?
        var body: String
    }

    private let client: HTTPClient
    private let timeout: TimeAmount

    /// Larger answers are none of WebRTC.
    private static let replyLimit = 256 * 1024
    /// As many requests of a storm are under way at a time; the others wait for them.
    private static let connections = 64

    /// `patience` bounds each request. `trustsAnyone` takes any certificate: for servers that signed their own.
    package init(patience: Duration, trustsAnyone: Bool) {
        timeout = .nanoseconds(patience.wholeNanoseconds)
        // The limit to connect is that to wait for one of the connections, too: a storm waits for as long as a join may take.
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .follow(max: 5, allowCycles: false), timeout: .init(connect: .nanoseconds(patience.wholeNanoseconds)))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.connections
        if trustsAnyone {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.certificateVerification = .none
            configuration.tlsConfiguration = tls
        }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Closes all connections. Nothing may be asked any more.
    package func shutdown() async { try? await client.shutdown() }

    /// Throws `refused` for 503 and 429, `status` for everything else but success, and `unreachable`.
    func request(
        _ method: HTTPMethod, _ url: String, token: String?, content: (type: String, body: String)? = nil
    ) async throws(JoinFailure) -> Reply {
        var request = HTTPClientRequest(url: url)
        request.method = method
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if let content {
            request.headers.add(name: "content-type", value: content.type)
            request.body = .bytes(ByteBuffer(string: content.body))
        }
        do {
            let reply = try await client.execute(request, timeout: timeout)
            let body = try await reply.body.collect(upTo: Self.replyLimit)
            try Self.check(reply)
            let location = reply.headers.first(name: "location").flatMap {
                URL(string: $0, relativeTo: URL(string: reply.url?.absoluteString ?? url))
            }
            return Reply(status: Int(reply.status.code), location: location?.absoluteString, body: String(buffer: body))
        } catch let failure as JoinFailure {
            throw failure
        } catch {
            throw .unreachable
        }
    }

    private static func check(_ reply: HTTPClientResponse) throws(JoinFailure) {
        switch reply.status.code {
        case 200...299: return
        case 429, 503: throw .refused(retryAfter: reply.headers.first(name: "retry-after").flatMap { Int($0) })
        default: throw .status(Int(reply.status.code))
        }
    }
}
