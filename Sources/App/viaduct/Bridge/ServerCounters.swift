import Bridge
import BridgeModel
import ControlPlane
import LinuxIO
import Synchronization
import WebServerKit

/// The web server's counters, and its process's memory, as metrics; the routes that show them are made before the server is.
final class ServerCounters: Sendable {
    private let server = Mutex<WebServer?>(nil)

    func follow(_ newServer: WebServer) { server.withLock { $0 = newServer } }

    var samples: [MetricSample] {
        guard let counters = server.withLock({ $0?.statistics }) else { return [] }
        return [
            .gauge("viaduct_http_connections", "Open connections, WebSockets among them.", counters.connections),
            .gauge("viaduct_http_websockets", "Open WebSockets.", counters.webSockets),
            .counter("viaduct_http_requests_total", "Requests that were understood.", counters.requests),
            .counter("viaduct_http_refusals_total", "Connections that were refused for a limit.", counters.refusals),
            .gauge("viaduct_resident_bytes", "Memory of the bridge's own process.", HostFacts.residentBytes),
            .gauge("viaduct_heap_bytes", "The part of it that is in use.", HostFacts.heapBytes),
        ]
    }
}

extension WebServerConfiguration {
    init(_ settings: HTTPSettings) {
        self.init(bindAddress: settings.bind, port: settings.port)
        if !settings.tlsCertificate.isEmpty { tls = TLSFiles(certificatePath: settings.tlsCertificate, keyPath: settings.tlsKey) }
        limits.headerBytes = settings.headerBytes
        limits.bodyBytesDefault = settings.jsonBodyBytes
        limits.webSocketMessageBytes = settings.webSocketMessageBytes
        limits.idleTimeout = settings.idleTimeout
        limits.slowReaderTimeout = settings.slowReaderTimeout
        limits.connectionsPerAddress = settings.connectionsPerAddress
    }
}
