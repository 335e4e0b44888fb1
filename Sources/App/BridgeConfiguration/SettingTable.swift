import BridgeModel

/// The one table of settings: loading, the reference document and its test all read it.
enum SettingTable {
    static let keys: [SettingKey] = [
        http, data, webhooks, uploads, recording, retention, playback, webrtc, turn, streamrec, rooms, pipelines, log,
    ].flatMap {
        $0
    }

    private static let http = [
        SettingKey(
            "http.bind", \.http.bind, .text("an IP address") { !$0.isEmpty && !$0.contains(where: \.isWhitespace) },
            "Address that the front door listens on. The default is this machine only: a public address has to be asked for."),
        SettingKey("http.port", \.http.port, .integer(0...65_535), "TCP port of the front door; 0 takes a free one."),
        SettingKey(
            "http.public-base", \.http.publicBase, .origin,
            "Origin that clients use to reach the bridge; set it behind a proxy. Empty: taken from each request's Host."),
        SettingKey(
            "http.tls.certificate", \.http.tlsCertificate, path,
            "PEM file with the certificate chain; with a key file it turns TLS on. Read again on SIGHUP."),
        SettingKey("http.tls.key", \.http.tlsKey, path, "PEM file with the certificate's private key. Read again on SIGHUP."),
        SettingKey(
            "http.limits.headers", \.http.headerBytes, .bytes(1024...1 << 20), "Longest request head; a longer one is answered with 431."),
        SettingKey(
            "http.limits.json-body", \.http.jsonBodyBytes, .bytes(1024...64 << 20), "Longest JSON body; a longer one is answered with 413."),
        SettingKey(
            "http.limits.websocket-message", \.http.webSocketMessageBytes, .bytes(1024...64 << 20),
            "Longest WebSocket message; a longer one closes the socket with 1009."),
        SettingKey(
            "http.limits.idle-timeout", \.http.idleTimeout, .duration(.seconds(1) ... .seconds(3600)),
            "How long a connection may say nothing between requests."),
        SettingKey(
            "http.limits.slow-reader-timeout", \.http.slowReaderTimeout, .duration(.seconds(1) ... .seconds(3600)),
            "How long a client may leave an answer unread before it is dropped."),
        SettingKey(
            "http.limits.connections-per-address", \.http.connectionsPerAddress, .integer(1...1_000_000),
            "Connections that one address may hold; more are answered with 503. Raise it where many users share an address."),
    ]

    private static let data = [
        SettingKey(
            "data.folder", \.dataFolder, .text("a path") { !$0.isEmpty },
            "Where the database, keys and recordings live. Needs a local disk with room for recordings that wait for delivery."),
        SettingKey(
            "streams.public", \.streamsPublic, .boolean, "Lets everybody who reaches the bridge watch every stream without a token."),
    ]

    private static let webhooks = [
        SettingKey(
            "webhooks.allow-private", \.webhooks.allowPrivate, .boolean,
            "Lets webhooks and uploads go to private and loopback addresses, and over plain http. Opens your network to whoever sets a URL."
        ),
        SettingKey(
            "webhooks.allow", \.webhooks.allow, ValueFormat.text("a name") { !$0.isEmpty }.list("a list of host names or addresses"),
            "Host names or addresses that are exempt from the address rules for webhooks and uploads."),
        SettingKey(
            "webhooks.trust", \.webhooks.trust, path,
            "PEM file of certificate authorities that are trusted besides the system's by webhooks, uploads and streams pushed by rtmps."),
        .secret(
            "webhooks.secret", \.webhooks.secret, webhookSecret,
            "Signs webhooks (Standard Webhooks). Empty: made at the first start and kept in the data folder."),
        .secret(
            "webhooks.previous-secret", \.webhooks.previousSecret, webhookSecret,
            "Signs too, while receivers move to the new secret."),
        SettingKey(
            "webhooks.timeout", \.webhooks.timeout, .duration(.seconds(1) ... .seconds(120)), "How long a receiver may take to answer."),
        SettingKey(
            "webhooks.schedule", \.webhooks.schedule, schedule,
            "Waits between attempts, each 10 % more or less; after the last the webhook is given up."),
        .secret(
            "webhooks.url", \.webhooks.url, .optional(.url("an http or https URL", schemes: ["https://", "http://"])),
            "Is told of every event of the bridge, in the order of each session. Empty: events are kept for GET /bridge/v1/events alone."),
        SettingKey(
            "webhooks.event-schedule", \.webhooks.eventSchedule, schedule,
            "Waits between the attempts of an event, each 10 % more or less: 72 hours in all, while the session's later events wait."),
        SettingKey("webhooks.parallel", \.webhooks.parallel, .integer(1...1024), "Webhooks under way at once."),
        SettingKey(
            "webhooks.parallel-per-host", \.webhooks.parallelPerHost, .integer(1...1024), "Webhooks under way at once to one host."),
        SettingKey(
            "webhooks.breaker-failures", \.webhooks.breakerFailures, .integer(1...1000),
            "Failures of a receiver in a row after which it is left alone for a while; then one webhook asks whether it is back."),
        SettingKey(
            "webhooks.breaker-pause", \.webhooks.breakerPause, .duration(.milliseconds(1) ... .seconds(300)),
            "How long it is left alone at first; each time that it still fails twice as long, up to five minutes."),
        SettingKey(
            "webhooks.keep-events", \.webhooks.keepEvents, .duration(.seconds(3600) ... .seconds(3660 * 86_400)),
            "How long events can be replayed. Those of a session go together, when its last is as old. What was reported of a stream "
                + "(`POST .../events`) stays longer, as long as a recording of that time does."),
    ]

    private static let uploads = [
        SettingKey(
            "uploads.connect-timeout", \.uploads.connectTimeout, .duration(.seconds(1) ... .seconds(120)),
            "How long a connection to a destination may take."),
        SettingKey(
            "uploads.stall-timeout", \.uploads.stallTimeout, .duration(.seconds(1) ... .seconds(3600)),
            "How long an upload may make no progress."),
        SettingKey("uploads.schedule", \.uploads.schedule, schedule, "Waits between attempts; after the last the upload has failed."),
        SettingKey("uploads.parallel", \.uploads.parallel, .integer(1...256), "Uploads under way at once."),
        SettingKey(
            "uploads.bandwidth", \.uploads.bandwidth, .bytes(0...1 << 40),
            "Bytes a second that all uploads take together; 0: as much as there is."),
        SettingKey(
            "uploads.keep-delivered", \.uploads.keepDelivered, .duration(.zero ... .seconds(366 * 86_400)),
            "How long a delivered file stays on the bridge."),
        SettingKey(
            "uploads.keep-failed", \.uploads.keepFailed, .duration(.zero ... .seconds(366 * 86_400)),
            "How long a file stays that could not be delivered."),
    ]

    private static let recording = [
        SettingKey(
            "recording.trigger", \.recording.trigger, .oneOf,
            "When a recording begins: when signalling or the API asks (request), with every session (session), whenever a stream is there (always), at an event (event), or never. A stream's own policy (the API) comes first; never forbids all."
        ),
        SettingKey(
            "recording.pre-roll", \.recording.preRoll, .duration(.zero ... .seconds(60)),
            "How much from before an event is in its recording; streams recorded at events are kept in memory for so long, 32 MiB each at most."
        ),
        SettingKey(
            "recording.post-roll", \.recording.postRoll, .duration(.seconds(1) ... .seconds(3600)),
            "How long after the last event its recording goes on."),
        .secret(
            "recording.destination", \.recording.destination, destination,
            "Where a recording goes that has no destination of its own: a folder, a URL, or name: and the name of one made by the API. Empty: it stays on the bridge."
        ),
        SettingKey(
            "recording.fragment", \.recording.fragment, .duration(.milliseconds(100) ... .seconds(1)),
            "Length of the pieces that are made durable one by one: as much can be lost at a crash."),
        SettingKey(
            "recording.first-media-timeout", \.recording.firstMediaTimeout, .duration(.seconds(1) ... .seconds(300)),
            "How long a recording waits for its first keyframe before it fails with 'no media'."),
        SettingKey(
            "recording.grace", \.recording.grace, .duration(.seconds(1) ... .seconds(86_400)),
            "How long a recording waits for a source that is away; the gap is kept. After that it is finished."),
        SettingKey(
            "recording.segment-duration", \.recording.segmentDuration, .duration(.zero ... .seconds(86_400)),
            "A recording is cut into files of this length, each delivered by itself, and where the picture changes its size. 0s: one file."),
        SettingKey(
            "recording.segment-size", \.recording.segmentSize, .bytes(0...1 << 40),
            "The same by size. 0: one file. A destination that is one URL always gets one file."),
        SettingKey(
            "recording.live-mp4-from", \.recording.liveMP4From, .bytes(0...1 << 30),
            "An MP4 that has grown to this is written, and sent to S3 or a folder, while it is recorded: it takes twice its space until the end. 0: never."
        ),
        SettingKey(
            "recording.free-space-reserve", \.recording.freeSpaceReserve, .bytes(0...1 << 40),
            "What must stay free on the disk: below it delivered files go, the oldest first; where that is not enough no recording starts."),
        SettingKey(
            "recording.manifest", \.recording.manifest, .boolean,
            "Writes a JSON document beside each finished file on the bridge: tracks, times, gaps and SHA-256."),
        SettingKey(
            "recording.thumbnails", \.recording.thumbnails, .duration(.zero ... .seconds(3600)),
            "Makes a poster and small pictures this far apart, for the timeline, of each file that is complete. 0s: none."),
        SettingKey(
            "recording.sidecars", \.recording.sidecars,
            ValueFormat<Sidecar>.oneOf.list("a list of some of manifest, poster, thumbnails", count: 0...3),
            "What lies beside each file at S3, WebDAV and folders that say nothing of it: a list of manifest, poster, thumbnails."),
        SettingKey(
            "recording.quota", \.recording.quota, .bytes(0...1 << 50),
            "What recordings may hold of the disk, with the same consequences. 0: as much as the reserve leaves."),
        SettingKey(
            "recording.keep-partial", \.recording.keepPartial, .duration(.seconds(60) ... .seconds(366 * 86_400)),
            "How long a part of a camera's own recording waits for its next piece; it counts against the quota, and goes then."),
    ]

    private static let retention = [
        SettingKey(
            "recording.retention.age", \.recording.retention.age, .duration(.zero ... .seconds(36_600 * 86_400)),
            "How long a stream's recordings are kept after their end, unless the stream has a rule of its own. 0s: no limit."),
        SettingKey(
            "recording.retention.size", \.recording.retention.size, .bytes(0...1 << 50),
            "Bytes of recordings that a stream keeps: the oldest go first, the newest stays in any case. 0: no limit."),
        SettingKey(
            "recording.retention.count", \.recording.retention.count, .integer(0...1_000_000),
            "Recordings that a stream keeps: the oldest go first. 0: no limit."),
        SettingKey(
            "recording.retention.destination", \.recording.retention.destination, .boolean,
            "Retention removes what was delivered at its destination as well: S3, WebDAV and folders. Otherwise on the bridge only."),
        SettingKey(
            "recording.retention.undelivered", \.recording.retention.undelivered, .boolean,
            "Retention removes recordings whose delivery was given up, too. Otherwise they wait for redelivery, or for uploads.keep-failed."
        ),
        SettingKey(
            "recording.retention.interval", \.recording.retention.interval, .duration(.seconds(1) ... .seconds(86_400)),
            "How often retention looks; it also does after each delivery."),
    ]

    private static let playback = [
        SettingKey(
            "playback.viewers", \.playback.viewers, .boolean,
            "Lets those who may watch a stream look back at its recordings, too; otherwise that is for the operator."),
        SettingKey(
            "playback.window", \.playback.window, .duration(.seconds(30) ... .seconds(86_400)),
            "How far back the live HLS playlist of a stream that is being recorded reaches."),
    ]

    private static let webrtc = [
        SettingKey(
            "webrtc.inbound", \.webrtc.inbound, .oneOf,
            "Engine that terminates cameras and viewers: the bridge's own (edge), or a GStreamer process for each (webrtcbin)."),
        SettingKey(
            "webrtc.port", \.webrtc.port, .integer(0...65_535),
            "UDP and TCP port of all peers of the edge: open both in the firewall. 0 takes a free one."),
        SettingKey(
            "webrtc.addresses", \.webrtc.addresses,
            ValueFormat.text("an address") { !$0.isEmpty }.list("a list of IP addresses"),
            "Addresses offered for media: this machine's, or one translated to it. Empty: all of its own, to itself alone while http.bind is a loopback one."
        ),
        SettingKey(
            "webrtc.workers", \.webrtc.workers, .integer(0...256),
            "Threads that carry media: the viewers of one stream are spread over them. 0: one for each core that the bridge may use."),
        SettingKey(
            "webrtc.load-limit", \.webrtc.loadLimit, .integer(1...100),
            "Load in per cent from which on a media worker takes no more viewers: when none does they are told to come back. Those who watch are kept."
        ),
        SettingKey(
            "webrtc.ports", \.webrtc.ports, .portRange, "UDP ports of webrtcbin, to be opened in a firewall. Empty: the kernel's choice."),
        SettingKey(
            "webrtc.stun-server", \.webrtc.stunServer,
            .optional(.url("a server such as stun://stun.example.net:3478", schemes: ["stun://"])),
            "STUN server that tells webrtcbin its public address, where it is behind address translation; the edge is told by webrtc.addresses."
        ),
    ]

    private static let turn = [
        SettingKey(
            "turn.stun-urls", \.turn.stunURLs,
            ValueFormat.url("a URL", schemes: ["stun:", "stuns:"]).list("a list of URLs such as stun:turn.example.net:3478"),
            "STUN servers that clients are told."),
        SettingKey(
            "turn.urls", \.turn.urls,
            ValueFormat.url("a URL", schemes: ["turn:", "turns:"]).list("a list of URLs such as turn:turn.example.net:3478?transport=udp"),
            "TURN servers that clients are told, for networks that let no direct media through. Needs turn.secret."),
        .secret(
            "turn.secret", \.turn.secret, .text("text"),
            "Secret shared with the TURN server (coturn: use-auth-secret, static-auth-secret), from which time-limited passwords are made."),
        SettingKey(
            "turn.lifetime", \.turn.lifetime, .duration(.seconds(600) ... .seconds(604_800)), "How long such a password can be used."),
    ]

    private static let streamrec = [
        SettingKey("streamrec.enabled", \.streamrec.enabled, .boolean, "Serves the Eyeson Secure Stream Recording API."),
        SettingKey(
            "streamrec.public-base", \.streamrec.publicBase, .origin,
            "Origin of that API, where it has one of its own. Empty: http.public-base, or the request's Host."),
        SettingKey(
            "streamrec.insecure-http", \.streamrec.insecureHTTP, .boolean,
            "Serves that API over plain http on addresses that are not loopback: behind a proxy that does TLS."),
        SettingKey(
            "streamrec.v1-auth-cors", \.streamrec.v1AuthCORS, .boolean,
            "Lets pages of other origins call /auth*: for old demos only, since a master key does not belong into a page."),
        SettingKey(
            "streamrec.single-use-socket", \.streamrec.singleUseSocket, .boolean,
            "Lets a token open one socket only. Safer against copied URLs, but then a client cannot reconnect."),
        SettingKey(
            "streamrec.sessions-per-account", \.streamrec.sessionsPerAccount, .integer(1...1_000_000),
            "Sessions that an account may run at once."),
        SettingKey(
            "streamrec.maximum-duration", \.streamrec.maximumDuration, .duration(.seconds(60) ... .seconds(30 * 86_400)),
            "Longest life of a session."),
    ]

    private static let pipelines = [
        SettingKey(
            "pipelines.executable", \.pipelines.executable, path,
            "The viaduct-pipeline program. Empty: the one beside the viaduct program."),
        SettingKey(
            "pipelines.warm", \.pipelines.warm, .integer(0...64), "Idle children kept ready: a session starts some 100 ms sooner in one."),
        SettingKey(
            "pipelines.maximum", \.pipelines.maximum, .integer(1...100_000), "Children at once; more sessions are refused."),
        SettingKey(
            "pipelines.watchdog", \.pipelines.watchdog, .duration(.seconds(1) ... .seconds(300)),
            "How long a child may be silent before it counts as hung and is ended."),
        SettingKey(
            "pipelines.memory", \.pipelines.memoryBytes, .bytes(64 << 20...1 << 40), "Memory that a child may use before it is ended."),
        SettingKey(
            "pipelines.pictures", \.pipelines.pictures, .integer(0...256),
            "Children that decode at once for snapshots of live video, and as many for recorded; more wait or are refused. 0: no snapshots."
        ),
        SettingKey(
            "pipelines.file-descriptors", \.pipelines.fileDescriptors, .integer(64...1_000_000), "Descriptors that a child may open."),
    ]

    private static let log = [
        SettingKey(
            "log.level", \.log.level,
            .text("one of \(logLevels.joined(separator: ", "))", logLevels.contains), "How much is logged."),
        SettingKey("log.format", \.log.format, .oneOf, "Text for people, JSON for log collectors."),
    ]

    // The formats that several keys share.
    private static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
    private static let path = ValueFormat.text("a path, or nothing")
    private static let schedule = ValueFormat.duration(.zero ... .seconds(7 * 86_400)).list(
        "a list of durations such as [5s, 30s, 2m]", count: 0...32)
    private static let webhookSecret = ValueFormat.text(
        "whsec_ followed by 24 to 64 bytes as base64, or nothing", WebhookSecret.isAcceptable)
    private static let destination = ValueFormat.text(
        "an absolute folder, an http or https URL, name: and a destination's name, or nothing"
    ) { text in
        text.isEmpty || text.hasPrefix("/") || text.hasPrefix("name:") || text.hasPrefix("https://") || text.hasPrefix("http://")
    }
}
