import Synchronization

/// An HTTP/1.1 and WebSocket server on one port, with or without TLS, on a loop and thread of its own.
///
/// It is started once and shut down once. Handlers run on Swift's own pool, never on the loop.
package final class WebServer: Sendable {
    private let configuration: WebServerConfiguration
    private let handler: any WebHandler
    private let host: SocketHost
    private let phase = Mutex(Phase.new)

    private enum Phase {
        case new
        case running
        case ended
    }

    /// A server that does not listen yet.
    package init(configuration: WebServerConfiguration, handler: any WebHandler) {
        self.configuration = configuration
        self.handler = handler
        host = SocketHost(limits: configuration.limits)
    }

    deinit { if phase.withLock({ $0 == .running }) { host.stopLoop() } }

    /// Listens, and returns the port, which is the system's choice when 0 was configured.
    package func start() async throws(WebServerError) -> Int {
        try advance(from: .new, to: .running)
        do throws(WebServerError) {
            let socket = try ListeningSocket(address: configuration.bindAddress, port: configuration.port)
            guard host.startLoop() else {
                socket.close()
                throw .libraryFailure("lws_create_context")
            }
            let opening = Opening(socket: socket, tls: configuration.tls, handler: handler)
            let result = await ask { host in host.open(opening) }
            if case .failure = result { host.stopLoop() }
            try result.get()
            return socket.port
        } catch {
            phase.withLock { $0 = .ended }
            throw error
        }
    }

    /// Reads the certificate files again. New connections use them, open ones keep what they have; files that cannot be used change nothing.
    package func reloadCertificate() async throws(WebServerError) {
        guard phase.withLock({ $0 == .running }) else { throw .notInThisState }
        guard let tls = configuration.tls else { throw .tlsNotConfigured }
        try await ask { host in host.useCertificate(tls) }.get()
    }

    /// Ends the server: no new connections; responses that are being made get `grace` to finish; WebSockets are closed with 1001; then
    /// everything is closed. Later calls do nothing.
    package func shutdown(grace: Duration) async {
        guard (try? advance(from: .running, to: .ended)) != nil else { return }
        await windDown(.responses, within: grace)
        await windDown(.everything, within: configuration.limits.closeTimeout)
        host.stopLoop()
    }

    /// The figures of now.
    package var statistics: WebServerStatistics { host.counters.current }

    private func advance(from: Phase, to: Phase) throws(WebServerError) {
        let isAllowed = phase.withLock { phase in
            guard phase == from else { return false }
            phase = to
            return true
        }
        guard isAllowed else { throw .notInThisState }
    }

    private func windDown(_ target: WindDownWait.Target, within patience: Duration) async {
        await withCheckedContinuation { continuation in
            let wait = WindDownWait(target: target, deadline: .now + patience, continuation: continuation)
            host.post { host in host.windDown(wait) }
        }
    }

    private func ask<Answer: Sendable>(_ question: @escaping @Sendable (isolated SocketHost) -> Answer) async -> Answer {
        await withCheckedContinuation { continuation in
            host.post { host in continuation.resume(returning: question(host)) }
        }
    }
}
