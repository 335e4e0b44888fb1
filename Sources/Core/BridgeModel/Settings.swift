/// Everything that an operator can set, with its default. `configs/viaduct.reference.yaml` lists the same keys; a test holds them equal.
package struct Settings: Sendable, Equatable {
    /// The front door.
    package var http = HTTPSettings()
    /// `data.folder`: where the database, keys and recordings live.
    package var dataFolder = "./data"
    /// `streams.public`: everybody may watch without a token.
    package var streamsPublic = false
    /// What is told to the user's servers.
    package var webhooks = WebhookSettings()
    /// How recordings reach their destinations.
    package var uploads = UploadSettings()
    /// When and how streams are recorded.
    package var recording = RecordingSettings()
    /// Looking back at what was recorded.
    package var playback = PlaybackSettings()
    /// Media transport.
    package var webrtc = WebRTCSettings()
    /// Relays that clients are told.
    package var turn = TurnSettings()
    /// The Eyeson dialect.
    package var streamrec = StreamrecSettings()
    /// Conferences on the bridge.
    package var rooms = RoomsSettings()
    /// Child processes.
    package var pipelines = PipelineSettings()
    /// What is logged, and how.
    package var log = LogSettings()

    package init() {}
}

/// `http.*`: the front door.
package struct HTTPSettings: Sendable, Equatable {
    /// `http.bind`: the address to listen on.
    package var bind = "127.0.0.1"
    /// `http.port`: 0 takes a free one.
    package var port = 8080
    /// `http.public-base`: the origin that clients use, for instance `https://bridge.example`; empty: from the request's Host.
    package var publicBase = ""
    /// `http.tls.certificate` and `http.tls.key`: PEM files; empty: plain HTTP.
    package var tlsCertificate = ""
    /// `http.tls.key`: see `tlsCertificate`.
    package var tlsKey = ""
    /// `http.limits.headers`: longest request head.
    package var headerBytes = 16 * 1024
    /// `http.limits.json-body`.
    package var jsonBodyBytes = 1024 * 1024
    /// `http.limits.websocket-message`.
    package var webSocketMessageBytes = 256 * 1024
    /// `http.limits.idle-timeout`: between requests.
    package var idleTimeout: Duration = .seconds(60)
    /// `http.limits.slow-reader-timeout`: for an answer that is not read.
    package var slowReaderTimeout: Duration = .seconds(20)
    /// `http.limits.connections-per-address`.
    package var connectionsPerAddress = 256

    package init() {}
}

/// `webhooks.*`.
package struct WebhookSettings: Sendable, Equatable {
    /// `webhooks.allow-private`: lets webhooks and uploads go to private and loopback addresses, and to plain http.
    package var allowPrivate = false
    /// `webhooks.allow`: host names or addresses that are exempt from the address rules.
    package var allow: [String] = []
    /// `webhooks.trust`: PEM file of certificate authorities that are trusted besides the system's; empty: none.
    package var trust = ""
    /// `webhooks.secret`: `whsec_` + base64; empty: made at first start and kept in the data folder.
    package var secret = Redacted("")
    /// `webhooks.previous-secret`: signs too, while receivers move to the new one.
    package var previousSecret = Redacted("")
    /// `webhooks.timeout`: for a receiver's answer.
    package var timeout: Duration = .seconds(10)
    /// `webhooks.schedule`: waits between attempts of a dialect's webhook.
    package var schedule: [Duration] = [
        .seconds(5), .seconds(30), .seconds(120), .seconds(600), .seconds(1800), .seconds(7200), .seconds(18_000), .seconds(36_000),
        .seconds(36_000),
    ]
    /// `webhooks.url`: is told of every event; empty tells nobody.
    package var url = Redacted("")
    /// `webhooks.event-schedule`: waits between attempts of an event; within 72 hours, the jitter included.
    package var eventSchedule: [Duration] = [
        .seconds(5), .seconds(30), .seconds(120), .seconds(600), .seconds(1800), .seconds(7200), .seconds(18_000), .seconds(36_000),
        .seconds(43_200), .seconds(43_200), .seconds(43_200), .seconds(39_600),
    ]
    /// `webhooks.parallel`: webhooks under way at once.
    package var parallel = 16
    /// `webhooks.parallel-per-host`: those to one host.
    package var parallelPerHost = 4
    /// `webhooks.breaker-failures`: failures of a receiver in a row after which it is left alone.
    package var breakerFailures = 10
    /// `webhooks.breaker-pause`: how long, at first.
    package var breakerPause: Duration = .seconds(5)
    /// `webhooks.keep-events`: how long the log of events reaches back, and at least what was reported of streams.
    package var keepEvents: Duration = .seconds(30 * 86_400)

    package init() {}
}

/// `uploads.*`.
package struct UploadSettings: Sendable, Equatable {
    /// `uploads.connect-timeout`.
    package var connectTimeout: Duration = .seconds(10)
    /// `uploads.stall-timeout`: an upload that makes no progress.
    package var stallTimeout: Duration = .seconds(60)
    /// `uploads.schedule`: waits between attempts.
    package var schedule: [Duration] = [.seconds(10), .seconds(60), .seconds(300), .seconds(1800)]
    /// `uploads.parallel`: uploads at once.
    package var parallel = 4
    /// `uploads.bandwidth`: bytes a second of all uploads together; 0: as much as there is.
    package var bandwidth = 0
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
        case request, session, always, event, never
    }
    /// `recording.trigger`: of streams without a policy of their own; `never` forbids all.
    package var trigger = Trigger.request
    /// `recording.pre-roll`: how much from before an event is in its recording.
    package var preRoll: Duration = .seconds(10)
    /// `recording.post-roll`: how long after the last event its recording goes on.
    package var postRoll: Duration = .seconds(30)
    /// `recording.destination`: empty keeps the file in the spool; an absolute folder, an http(s) URL or `name:` and a destination's name sends it there.
    package var destination = Redacted("")
    /// `recording.fragment`: length of the pieces that are made durable one by one.
    package var fragment: Duration = .seconds(1)
    /// `recording.first-media-timeout`: how long the first keyframe is waited for.
    package var firstMediaTimeout: Duration = .seconds(10)
    /// `recording.grace`: how long a recording waits for a source that is away.
    package var grace: Duration = .seconds(35)
    /// `recording.segment-duration`: zero: a recording is not cut for its length.
    package var segmentDuration: Duration = .zero
    /// `recording.segment-size`: bytes; zero: a recording is not cut for its size.
    package var segmentSize = 0
    /// Bytes of an MP4 recording from which on the MP4 is written while it runs; 0: never.
    package var liveMP4From = 64 << 20
    /// `recording.free-space-reserve`: bytes that must stay free on the spool's disk.
    package var freeSpaceReserve = 512 * 1024 * 1024
    /// `recording.manifest`: a JSON document beside each finished file.
    package var manifest = false
    /// `recording.thumbnails`: the least distance between two pictures on a recording's sheet of thumbnails; zero: none are made.
    package var thumbnails: Duration = .zero
    /// `recording.sidecars`: what travels with a file to a destination that says nothing of it.
    package var sidecars: [Sidecar] = []
    /// `recording.quota`: bytes that the spool may hold, with what rooms leave and cameras have sent in part; zero: as many as the disk has.
    package var quota = 0
    /// `recording.keep-partial`: how long a part of a camera's own recording waits for its next piece.
    package var keepPartial: Duration = .seconds(7 * 86_400)
    /// `recording.retention.*`.
    package var retention = KeepingSettings()

    /// How much of a stream's recordings is kept where it has no rule of its own; zero limits nothing.
    package struct KeepingSettings: Sendable, Equatable {
        /// `recording.retention.age`: from a recording's end on.
        package var age: Duration = .zero
        /// `recording.retention.size`: bytes of a stream.
        package var size = 0
        /// `recording.retention.count`: recordings of a stream.
        package var count = 0
        /// `recording.retention.destination`: what was delivered is removed there as well.
        package var destination = false
        /// `recording.retention.undelivered`: recordings whose delivery was given up go, too.
        package var undelivered = false
        /// `recording.retention.interval`: between two looks.
        package var interval: Duration = .seconds(600)

        package init() {}
    }

    package init() {}
}

/// `playback.*`.
package struct PlaybackSettings: Sendable, Equatable {
    /// `playback.viewers`: who may watch a stream may look back at its recordings, too.
    package var viewers = false
    /// `playback.window`: how far back the live HLS playlist reaches.
    package var window: Duration = .seconds(600)

    package init() {}
}

/// `webrtc.*`.
package struct WebRTCSettings: Sendable, Equatable {
    /// Which engine terminates inbound peers.
    package enum Inbound: String, Sendable, CaseIterable {
        /// Our own, on the media workers.
        case edge
        /// A GStreamer child for each peer.
        case webrtcbin
    }
    /// `webrtc.inbound`.
    package var inbound = Inbound.edge
    /// `webrtc.port`: UDP and TCP port of the edge; 0 takes a free one.
    package var port = 8189
    /// `webrtc.addresses`: offered for media; empty: this machine's, and for its own programs alone when `http.bind` is a loopback address.
    package var addresses: [String] = []
    /// `webrtc.workers`: media worker threads; 0: one for each core that the bridge may use.
    package var workers = 0
    /// `webrtc.load-limit`: per cent of a media worker's time, from which on it takes no more viewers.
    package var loadLimit = 90
    /// `webrtc.ports`: of webrtcbin, `first-last`; empty: the kernel's choice.
    package var ports: ClosedRange<UInt16>?
    /// `webrtc.stun-server`: `stun://host:port`; empty: none.
    package var stunServer = ""

    package init() {}
}

/// `turn.*`: what clients are told, time-limited (coturn's use-auth-secret).
package struct TurnSettings: Sendable, Equatable {
    /// `turn.stun-urls`, for instance `stun:turn.example.net:3478`.
    package var stunURLs: [String] = []
    /// `turn.urls`, for instance `turn:turn.example.net:3478?transport=udp`.
    package var urls: [String] = []
    /// `turn.secret`: shared with the relay.
    package var secret = Redacted("")
    /// `turn.lifetime`: of the passwords made from it.
    package var lifetime: Duration = .seconds(86_400)

    package init() {}
}

/// `streamrec.*`: the Eyeson dialect.
package struct StreamrecSettings: Sendable, Equatable {
    /// `streamrec.enabled`: whether the dialect is served.
    package var enabled = true
    /// `streamrec.public-base`: origin of the dialect; empty: `http.public-base` or the request's Host.
    package var publicBase = ""
    /// `streamrec.insecure-http`: plain http on addresses that are not loopback.
    package var insecureHTTP = false
    /// `streamrec.v1-auth-cors`: lets pages of other origins call `/auth*`.
    package var v1AuthCORS = false
    /// `streamrec.single-use-socket`: a token opens one socket only.
    package var singleUseSocket = false
    /// `streamrec.sessions-per-account`: at once.
    package var sessionsPerAccount = 1000
    /// `streamrec.maximum-duration`: of a session.
    package var maximumDuration: Duration = .seconds(12 * 3600)

    package init() {}
}

/// `rooms.*`: conferences on the bridge.
package struct RoomsSettings: Sendable, Equatable {
    /// `rooms.per-account`: at once.
    package var perAccount = 100
    /// `rooms.participants-per-account`: in all its rooms.
    package var participantsPerAccount = 1000

    package init() {}
}

/// `pipelines.*`: child processes.
package struct PipelineSettings: Sendable, Equatable {
    /// `pipelines.executable`: empty: `viaduct-pipeline` beside the bridge's own executable.
    package var executable = ""
    /// `pipelines.warm`: idle children kept ready.
    package var warm = 2
    /// `pipelines.maximum`: children at once.
    package var maximum = 256
    /// `pipelines.watchdog`: silence after which a child counts as hung.
    package var watchdog: Duration = .seconds(5)
    /// `pipelines.memory`: of one child.
    package var memoryBytes = 1024 * 1024 * 1024
    /// `pipelines.pictures`: children that decode for snapshots at once, of live and of recorded video each; 0: none.
    package var pictures = 4
    /// `pipelines.file-descriptors`: of one child.
    package var fileDescriptors = 256

    package init() {}
}

/// `log.*`.
package struct LogSettings: Sendable, Equatable {
    /// How a log line is written.
    package enum Format: String, Sendable, CaseIterable {
        case text, json
    }
    /// `log.level`: a level of swift-log: trace, debug, info, notice, warning, error, critical.
    package var level = "info"
    /// `log.format`.
    package var format = Format.text

    package init() {}
}
