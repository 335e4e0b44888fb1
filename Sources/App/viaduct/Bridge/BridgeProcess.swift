import AccessPlane
import Bridge
import BridgeModel
import ControlPlane
import DeliveryPlane
import HTTPCore
import LinuxIO
import Logging
import MediaPlane
import PipelinePlane
import PlaybackPlane
import RecordingPlane
import SignalingPlane
import StoragePlane
import WebServerKit

/// The running bridge: started once, shut down once.
final class BridgeProcess: Sendable {
    /// Where this machine reaches it, for instance `http://127.0.0.1:8080`.
    let origin: String
    /// For people: where media goes.
    let media: String
    let assembly: BridgeAssembly
    private let server: WebServer
    private let logger: Logger
    private let background: [Task<Void, Never>]
    private let journal: Task<Void, Never>
    private let deliveries: Task<Void, Never>

    /// Takes up what an earlier run left, then opens the port. Throws what the operator has to correct.
    static func start(_ settings: Settings, extra: [Route] = [], logger: Logger) async throws -> BridgeProcess {
        LibraryLog.setSink { [logger] line in logger.warning("libwebsockets", metadata: ["line": "\(line)"]) }
        do {
            let assembly = try BridgeAssembly(settings, logger: logger)
            try await assembly.spool.prepare()
            try await assembly.clips.prepare(logger: logger)
            try assembly.snapshots.prepare()
            let accounts = AccountKeys(store: assembly.keys, now: { SystemTime.wall })
            try await accounts.ensureAccount(.anonymous)
            try await assembly.journal.recover()
            try await assembly.rooms?.journal.recover()
            try await assembly.sessions.recover()
            try await assembly.recordings.recover()
            try await assembly.rooms?.recorder.recover()
            try await assembly.triggers.recover()
            try await assembly.conferences.recover()
            try await assembly.composites.recover()
            return try await open(assembly, settings, extra: extra, logger: logger)
        } catch let error as BridgeError {
            throw OperatorError(error.message)
        } catch let error as WebServerError {
            throw OperatorError("The front door (http.bind, http.port, http.tls) does not open: \(error)")
        } catch let error as SystemError {
            throw OperatorError("A thread or socket of the bridge could not be made: \(error)")
        }
    }

    private static func open(
        _ assembly: BridgeAssembly, _ settings: Settings, extra: [Route], logger: Logger
    ) async throws(WebServerError) -> BridgeProcess {
        let counters = ServerCounters()
        let handler = assembly.frontDoor(settings, extra: extra, statistics: { counters.samples }, logger: logger)
        let server = WebServer(configuration: WebServerConfiguration(settings.http), handler: handler)
        counters.follow(server)
        let port = try await server.start()
        return BridgeProcess(assembly: assembly, server: server, settings: settings, port: port, logger: logger)
    }

    private init(assembly: BridgeAssembly, server: WebServer, settings: Settings, port: Int, logger: Logger) {
        self.assembly = assembly
        self.server = server
        self.logger = logger
        media = assembly.edgePort?.summary ?? "webrtcbin, on a UDP port for each peer"
        let host = settings.http.bind.contains(":") ? "[\(settings.http.bind)]" : settings.http.bind
        origin = (settings.http.tlsCertificate.isEmpty ? "http" : "https") + "://\(host):\(port)"
        deliveries = Task { [assembly] in
            async let uploads: Void = assembly.uploads.run(
                reportingTo: assembly.retention, sidecars: SidecarShelf(assembly.recordingServices))
            async let webhooks: Void = assembly.webhooks.run()
            async let sweeping: Void = assembly.sweeper.run()
            async let deletions: Void = assembly.deletions.run()
            _ = await (uploads, webhooks, sweeping, deletions)
        }
        journal = Task { [assembly] in
            async let streams: Void = assembly.journal.run()
            async let rooms: Void? = assembly.rooms?.journal.run()
            _ = await (streams, rooms)
        }
        background = [
            Task { [assembly] in await Self.follow(assembly) }, Task { [assembly] in await assembly.rooms?.followCameras() },
            Task { [assembly] in await assembly.triggers.run() },
            Task { [assembly, logger, keep = settings.webhooks.keepEvents] in
                await Self.keepHouse(assembly, keepEvents: keep, logger: logger)
            },
            Task { [assembly] in await assembly.retention.run() }, Task { [assembly] in await assembly.rooms?.recorder.keep() },
            Task { [assembly] in await Self.heedOthers(assembly) },
            Task { await Self.giveMemoryBack() },
        ]
    }

    /// Tells the log, recordings, then viewers, what happens to streams, in order.
    private static func follow(_ assembly: BridgeAssembly) async {
        defer { assembly.journal.finish() }
        for await change in assembly.streams.changes {
            assembly.journal.post(change)
            await assembly.recordings.streamChanged(change)
            await assembly.triggers.streamChanged(change)
            await assembly.whip.streamChanged(change)
            await assembly.conferences.streamChanged(change)
            await assembly.rooms?.directory.streamChanged(change)
            await assembly.composites.streamChanged(change)
            if case .ended(let stream) = change { await assembly.sessions.endWatchers(of: stream) }
        }
    }

    private static let houseInterval = Duration.seconds(3600)
    /// How long the delivery log reaches back (streamrec contract section 8).
    private static let deliveryLog = Duration.seconds(30 * 86_400)

    /// Removes what has had its time: delivered files, the log of deliveries, events, and what was reported of streams.
    private static func keepHouse(_ assembly: BridgeAssembly, keepEvents: Duration, logger: Logger) async {
        while !Task.isCancelled {
            do throws(BridgeError) {
                let now = SystemTime.wall
                let files = try await assembly.spool.removeExpired(now: now)
                let partial = await assembly.footage.removeForgotten(now: now)
                let rows = try await assembly.ledger.pruneDeliveries(before: now.advanced(by: .zero - deliveryLog))
                let events = try await assembly.ledger.pruneEvents(before: now.advanced(by: .zero - keepEvents))
                let reports = try await assembly.ledger.pruneStreamEvents(before: now.advanced(by: .zero - keepEvents))
                logger.debug(
                    "housekeeping",
                    metadata: [
                        "files": "\(files.count)", "partial": "\(partial)", "deliveries": "\(rows)", "events": "\(events)",
                        "reports": "\(reports)",
                    ])
            } catch {
                logger.warning("housekeeping failed and is tried again in an hour", metadata: ["error": "\(error.message)"])
            }
            try? await Task.sleep(for: houseInterval)
        }
    }

    /// How long an order of `viaduct record redeliver` waits.
    private static let otherInterval = Duration.seconds(2)

    /// Looks at the outbox when something was committed: a command on this machine may have put something there.
    private static func heedOthers(_ assembly: BridgeAssembly) async {
        var seen: Int64?
        while !Task.isCancelled {
            let revision = try? assembly.ledger.revision()
            if revision != seen { assembly.deliveries.wake() }
            seen = revision
            try? await Task.sleep(for: otherInterval)
        }
    }

    /// How long memory stays that nobody needs any more.
    private static let trimInterval = Duration.seconds(10)

    /// After a storm of viewers the process becomes as small again as it was.
    private static func giveMemoryBack() async {
        var trimmer = HeapTrimmer()
        while !Task.isCancelled {
            trimmer.trim()
            try? await Task.sleep(for: trimInterval)
        }
    }

    /// Reads the certificate files again.
    func reload() async {
        do throws(WebServerError) {
            try await server.reloadCertificate()
            logger.notice("certificate read again")
        } catch .tlsNotConfigured {
            logger.notice("there is no certificate to read again")
        } catch {
            logger.error("the certificate was not changed", metadata: ["error": "\(error)"])
        }
    }

    /// Ends sessions, completes recordings, tries each delivery once, and stops; what is not delivered within `limit` is at the next start.
    func shutdown(limit: Duration) async {
        let end = ContinuousClock.now + limit
        await assembly.sessions.drain()
        await assembly.rooms?.shutDown()
        async let sockets: Void = assembly.rtm.shutdown()
        async let resources: Void = assembly.whip.shutdown()
        _ = await (sockets, resources)
        await assembly.composites.shutDown()
        async let left: Void = assembly.conferences.shutDown(limit: Self.closing * 2)
        await assembly.recordings.waitForFiles(limit: (end - .now) / 2)
        await left
        await assembly.streams.shutDown()
        await journal.value(within: Self.closing)
        if await !assembly.deliveries.drain(limit: end - .now - Self.closing) {
            logger.notice("deliveries are left for the next start")
        }
        await server.shutdown(grace: max(.milliseconds(200), end - .now - Self.closing))
        deliveries.cancel()
        await deliveries.value
        background.forEach { $0.cancel() }
        await assembly.supervisor.shutdown(grace: Self.closing)
        assembly.hub.shutdown()
    }

    /// What children and sockets get at the very end.
    private static let closing = Duration.seconds(1)
}

extension Task<Void, Never> {
    /// Returns when the task has ended; it is cancelled when it takes longer.
    fileprivate func value(within limit: Duration) async {
        let watchdog = Task {
            if (try? await Task<Never, Never>.sleep(for: limit)) != nil { cancel() }
        }
        await value
        watchdog.cancel()
    }
}
