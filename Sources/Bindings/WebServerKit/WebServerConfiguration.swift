/// The PEM files of a server's certificate chain and private key.
package struct TLSFiles: Sendable, Equatable {
    /// Path of the certificate, followed by its intermediates.
    package var certificatePath: String
    /// Path of the private key.
    package var keyPath: String

    /// Names the two files; they are read when the server starts and when it reloads its certificate.
    package init(certificatePath: String, keyPath: String) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
    }
}

/// Where a server listens, with which certificate, and how much it lets one peer take.
package struct WebServerConfiguration: Sendable, Equatable {
    /// A numeric IPv4 or IPv6 address. `::` listens on both families.
    package var bindAddress: String
    /// The TCP port; 0 lets the system choose one, which `WebServer.start()` returns.
    package var port: Int
    /// With files, every connection is TLS; without, none is.
    package var tls: TLSFiles?
    /// What one connection, request, message or address may use.
    package var limits: WebServerLimits

    /// Loopback, a port chosen by the system and no TLS, unless said otherwise.
    package init(bindAddress: String = "127.0.0.1", port: Int = 0, tls: TLSFiles? = nil, limits: WebServerLimits = WebServerLimits()) {
        self.bindAddress = bindAddress
        self.port = port
        self.tls = tls
        self.limits = limits
    }
}

/// The bounds that keep one peer from taking what belongs to all.
///
/// Each has an answer on the wire; none of them traps.
package struct WebServerLimits: Sendable, Equatable {
    /// Request line and header section together, in bytes; more is answered with 431, a request line alone with 414.
    package var headerBytes = 16 * 1024
    /// Header fields of one request; more are answered with 431.
    package var headerFields = 100
    /// What `WebBody.collect()` takes when the handler names no limit of its own, in bytes; more is answered with 413.
    package var bodyBytesDefault = 1024 * 1024
    /// One message of a WebSocket, in bytes, over all its fragments; more closes it with 1009.
    package var webSocketMessageBytes = 256 * 1024
    /// Frames that may wait for a slow WebSocket reader; one more closes it with 1013.
    package var webSocketQueueFrames = 256
    /// Bytes that may wait for a slow WebSocket reader behind the first frame; more closes it with 1013.
    package var webSocketQueueBytes = 8 * 1024 * 1024
    /// How long an HTTP connection may wait for its next request.
    package var idleTimeout: Duration = .seconds(60)
    /// How long a peer may take to send a whole request head, and at most between two parts of a body; answered with 408.
    package var requestTimeout: Duration = .seconds(20)
    /// How long a peer may take none of the bytes that wait for it before it is dropped.
    package var slowReaderTimeout: Duration = .seconds(30)
    /// How often a WebSocket is pinged.
    package var pingInterval: Duration = .seconds(20)
    /// How long a WebSocket may be silent, pongs included, before it is dropped (1006).
    package var silenceTimeout: Duration = .seconds(45)
    /// How long a peer may take to answer our close frame.
    package var closeTimeout: Duration = .seconds(5)
    /// How long a client's connection and handshake may take.
    package var connectTimeout: Duration = .seconds(10)
    /// Connections from one address; more are answered with 503.
    package var connectionsPerAddress = 512
    /// Connections in all; more are answered with 503.
    package var connections = 20_000

    /// The defaults.
    package init() {}
}
