/// Everything that an operator can set, with its default. `configs/viaduct.reference.yaml` lists the same keys; a test holds them equal.
package struct Settings: Sendable, Equatable {
    package var http = HTTPSettings()
    package var dataFolder = "./data"
    package var streamsPublic = false
    package var webhooks = WebhookSettings()
    package var uploads = UploadSettings()
    package var recording = RecordingSettings()
    package var webrtc = WebRTCSettings()
    package var turn = TurnSettings()
    package var streamrec = StreamrecSettings()
    package var pipelines = PipelineSettings()
    package var log = LogSettings()

    package init() {}
}

/// `http.*`: the front door.
package struct HTTPSettings: Sendable, Equatable {
    package var bind = "127.0.0.1"
    package var port = 8080
    /// `http.public-base`: the origin that clients use, for instance `https://bridge.example`; empty: from the request's Host.
    package var publicBase = ""
    /// `http.tls.certificate` and `http.tls.key`: PEM files; empty: plain HTTP.
    package var tlsCertificate = ""
    package var tlsKey = ""
    /// `http.limits.*`.
    package var headerBytes = 16 * 1024
    package var jsonBodyBytes = 1024 * 1024
    package var webSocketMessageBytes = 256 * 1024
    package var idleTimeout: Duration = .seconds(60)
    package var slowReaderTimeout: Duration = .seconds(20)
    package var connectionsPerAddress = 256

    package init() {}
}

/// `webhooks.*`.
package struct WebhookSettings: Sendable, Equatable {
    /// `webhooks.allow-private`: lets webhooks and uploads go to private and loopback addresses, and to plain http.
    package var allowPrivate = false
    /// `webhooks.allow`: host names or addresses that are exempt from the address rules.
    package var allow: [String] = []
    /// `webhooks.secret`: `whsec_` + base64; empty: made at first start and kept in the data folder.
    package var secret = Redacted("")
    /// `webhooks.previous-secret`: signs too, while receivers move to the new one.
    package var previousSecret = Redacted("")
    package var timeout: Duration = .seconds(10)
    /// Waits between attempts.
    package var schedule: [Duration] = [
        .seconds(5), .seconds(30), .seconds(120), .seconds(600), .seconds(1800), .seconds(7200), .seconds(18_000), .seconds(36_000),
        .seconds(36_000),
    ]

    package init() {}
}

/// `uploads.*`.
package struct UploadSettings: Sendable, Equatable {
    package var connectTimeout: Duration = .seconds(10)
    package var stallTimeout: Duration = .seconds(60)
    package var schedule: [Duration] = [.seconds(10), .seconds(60), .seconds(300), .seconds(1800)]
    package var parallel = 4
    /// `uploads.keep-delivered`: how long a delivered file stays in the spool.
    package var keepDelivered: Duration = .seconds(86_400)
    /// `uploads.keep-failed`: how long an undeliverable file stays.
    package var keepFailed: Duration = .seconds(14 * 86_400)

    package init() {}
}

/// `recording.*`.
package struct RecordingSettings: Sendable, Equatable {
    /// When a recording begins by itself.
    package enum Trigger: String, Sendable, CaseIterable {
        case request, session, never
    }
    package var trigger = Trigger.request
    /// `recording.destination`: empty keeps the file in the spool; an absolute folder or an http(s) URL sends it there.
    package var destination = Redacted("")
    package var fragment: Duration = .seconds(1)
    package var firstMediaTimeout: Duration = .seconds(10)
    /// `recording.free-space-reserve`: bytes that must stay free on the spool's disk.
    package var freeSpaceReserve = 512 * 1024 * 1024

    package init() {}
}

/// `webrtc.*`.
package struct WebRTCSettings: Sendable, Equatable {
    /// Which engine terminates inbound peers; `edge` comes later.
    package enum Inbound: String, Sendable, CaseIterable {
        case webrtcbin
    }
    package var inbound = Inbound.webrtcbin
    /// `webrtc.addresses`: local addresses for ICE; empty: the address of `http.bind` when it is a loopback one, else all.
    package var addresses: [String] = []
    /// `webrtc.ports`: `first-last`; empty: the kernel's choice.
    package var ports: ClosedRange<UInt16>?
    package var stunServer = ""

    package init() {}
}

/// `turn.*`: what clients are told, time-limited (coturn's use-auth-secret).
package struct TurnSettings: Sendable, Equatable {
    /// `turn.stun-urls`, for instance `stun:turn.example.net:3478`.
    package var stunURLs: [String] = []
    /// `turn.urls`, for instance `turn:turn.example.net:3478?transport=udp`.
    package var urls: [String] = []
    package var secret = Redacted("")
    package var lifetime: Duration = .seconds(86_400)

    package init() {}
}

/// `streamrec.*`: the Eyeson dialect.
package struct StreamrecSettings: Sendable, Equatable {
    package var enabled = true
    /// `streamrec.public-base`: origin of the dialect; empty: `http.public-base` or the request's Host.
    package var publicBase = ""
    package var insecureHTTP = false
    package var v1AuthCORS = false
    package var singleUseSocket = false
    package var sessionsPerAccount = 1000
    package var maximumDuration: Duration = .seconds(12 * 3600)

    package init() {}
}

/// `pipelines.*`: child processes.
package struct PipelineSettings: Sendable, Equatable {
    /// `pipelines.executable`: empty: `viaduct-pipeline` beside the bridge's own executable.
    package var executable = ""
    package var warm = 2
    package var maximum = 256
    package var watchdog: Duration = .seconds(5)
    package var memoryBytes = 1024 * 1024 * 1024
    package var fileDescriptors = 256

    package init() {}
}

/// `log.*`.
package struct LogSettings: Sendable, Equatable {
    package enum Format: String, Sendable, CaseIterable {
        case text, json
    }
    /// A level of swift-log: trace, debug, info, notice, warning, error, critical.
    package var level = "info"
    package var format = Format.text

    package init() {}
}
