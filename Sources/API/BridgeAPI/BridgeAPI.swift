package import Bridge
package import BridgeModel
package import HTTPCore
import HTTPTypes

/// The native API: `/bridge/v1`, health and metrics (`signaling/http/bridge.openapi.yaml`). Errors are problem documents (RFC 9457).
package struct BridgeAPI: RouteGroup {
    /// What the API stands on.
    package struct Ports: Sendable {
        /// Verifies and signs tokens.
        package var authority: any TokenAuthority
        /// Creates sessions.
        package var directory: any SessionDirectory
        /// The streams that there are.
        package var streams: any StreamCatalog
        /// Starts, stops and finds recordings.
        package var recordings: any RecordingCommands
        /// The named destinations, and who tries them out.
        package var destinations: (store: any DestinationStore, probe: any DestinationProbe)
        /// Readiness and figures.
        package var operations: any ReadinessProbe & MetricsSource
        /// What was recorded, and what is kept of it.
        package var library: Library
        /// Events and their webhooks.
        package var deliveries: any DeliveryCommands
        /// What makes recordings begin by themselves.
        package var triggers: any TriggerCommands
        /// Holds, removals and retention.
        package var keeping: any RecordingKeeping
        /// Conferences elsewhere.
        package var conferences: any ConferenceCommands
        /// Conferences here; nil where there are none, and then they have no routes.
        package var rooms: RoomPorts?
        /// Cameras that obey; nil where there are none, and then they have no routes.
        package var cameras: (any DirectedCameras)?
        /// Streams made of several.
        package var composites: any CompositeCommands
        /// Pictures behind them.
        package var backgrounds: any BackgroundCommands
        /// What cameras recorded by themselves; nil: it is not taken, and has no route.
        package var footage: (any FootageCommands)?

        package init(
            authority: any TokenAuthority, directory: any SessionDirectory, streams: any StreamCatalog, recordings: any RecordingCommands,
            destinations: (store: any DestinationStore, probe: any DestinationProbe), operations: any ReadinessProbe & MetricsSource,
            library: Library, deliveries: any DeliveryCommands, triggers: any TriggerCommands, keeping: any RecordingKeeping,
            conferences: any ConferenceCommands, composites: (all: any CompositeCommands, backgrounds: any BackgroundCommands),
            rooms: RoomPorts? = nil,
            cameras: (any DirectedCameras)? = nil, footage: (any FootageCommands)? = nil
        ) {
            self.authority = authority
            self.directory = directory
            self.streams = streams
            self.recordings = recordings
            self.destinations = destinations
            self.operations = operations
            self.library = library
            self.deliveries = deliveries
            self.triggers = triggers
            self.keeping = keeping
            self.conferences = conferences
            self.rooms = rooms
            self.cameras = cameras
            (self.composites, backgrounds) = composites
            self.footage = footage
        }
    }

    /// Looking back.
    package struct Library: Sendable {
        /// Timelines, ranges and HLS.
        package var playback: any StreamPlayback
        /// Single pictures.
        package var snapshots: any Snapshots
        /// Cuts and finds clips.
        package var clips: any ClipCommands
        /// Signs the links to clips.
        package var links: ShareLinks

        package init(playback: any StreamPlayback, snapshots: any Snapshots, clips: any ClipCommands, links: ShareLinks) {
            self.playback = playback
            self.snapshots = snapshots
            self.clips = clips
            self.links = links
        }
    }

    let access: NativeAccess
    private let sessions: SessionOperations
    private let streams: StreamOperations
    private let recordings: RecordingOperations
    private let destinations: DestinationOperations
    private let health: HealthOperations
    private let playback: PlaybackOperations
    private let snapshots: SnapshotOperations
    private let clips: ClipOperations
    private let deliveries: DeliveryOperations
    private let triggers: TriggerOperations
    private let keeping: KeepingOperations
    private let conferences: ConferenceOperations
    private let rooms: RoomOperations?
    private let roomRecordings: RoomRecordingOperations?
    private let composites: CompositeOperations
    private let backgrounds: BackgroundOperations
    private let pushes: PushOperations
    private let cameras: CameraOperations?
    private let footage: FootageOperations?

    /// - Parameters:
    ///   - iceServers: what sessions are told about STUN and TURN.
    ///   - publicAccount: the account that anonymous viewers of public streams belong to; it must exist.
    package init(_ ports: Ports, iceServers: IceServerList, clock: BridgeClock, settings: Settings, publicAccount: AccountID) {
        let access = NativeAccess(authority: ports.authority, streamsArePublic: settings.streamsPublic)
        self.access = access
        sessions = SessionOperations(
            access: access, directory: ports.directory, iceServers: iceServers, clock: clock, publicBase: settings.http.publicBase,
            publicAccount: publicAccount)
        streams = StreamOperations(access: access, streams: ports.streams)
        recordings = RecordingOperations(
            access: access, recordings: ports.recordings, events: ports.triggers, rules: AddressRules(settings.webhooks),
            longestPreRoll: settings.recording.preRoll)
        destinations = DestinationOperations(
            access: access, store: ports.destinations.store, probe: ports.destinations.probe, rules: AddressRules(settings.webhooks),
            clock: clock)
        health = HealthOperations(port: ports.operations)
        let viewers = PlaybackAccess(access: access, viewersMay: settings.playback.viewers)
        playback = PlaybackOperations(access: viewers, playback: ports.library.playback, events: ports.triggers, clock: clock)
        snapshots = SnapshotOperations(playback: viewers, snapshots: ports.library.snapshots)
        clips = ClipOperations(
            access: access, clips: ports.library.clips, links: ports.library.links, clock: clock, publicBase: settings.http.publicBase)
        deliveries = DeliveryOperations(access: access, deliveries: ports.deliveries)
        triggers = TriggerOperations(access: access, triggers: ports.triggers)
        keeping = KeepingOperations(access: access, keeping: ports.keeping)
        conferences = ConferenceOperations(
            access: access, conferences: ports.conferences, rules: AddressRules(settings.webhooks))
        let recordings = recordings
        rooms = ports.rooms.map {
            RoomOperations(
                access: access, rooms: $0.rooms, links: $0.links, publicBase: settings.http.publicBase, recordings: recordings)
        }
        roomRecordings = ports.rooms.map {
            RoomRecordingOperations(
                access: access, playback: viewers, rooms: $0.rooms, links: $0.links, kept: $0.recordings, recordings: recordings,
                clock: clock)
        }
        composites = CompositeOperations(access: access, composites: ports.composites)
        backgrounds = BackgroundOperations(access: access, backgrounds: ports.backgrounds)
        pushes = PushOperations(access: access, conferences: ports.conferences, rules: AddressRules(settings.webhooks))
        cameras = ports.cameras.map { CameraOperations(access: access, cameras: $0) }
        footage = ports.footage.map { FootageOperations(access: access, footage: $0) }
    }

    /// The operations of `RouteGroup`.
    package var routes: [Route] {
        [
            route(.get, "/bridge/v1/streams", streams.list), route(.get, "/bridge/v1/streams/{id}", streams.show),
            route(.post, "/bridge/v1/streams/{id}/recordings", recordings.start), route(.get, "/bridge/v1/recordings", recordings.list),
            route(.get, "/bridge/v1/recordings/{id}", recordings.show), route(.get, "/bridge/v1/recordings/{id}/file", recordings.file),
            route(.post, "/bridge/v1/recordings/{id}/stop", recordings.stop),
            route(.get, "/bridge/v1/destinations", destinations.list), route(.get, "/bridge/v1/destinations/{name}", destinations.show),
            route(.put, "/bridge/v1/destinations/{name}", destinations.save),
            route(.delete, "/bridge/v1/destinations/{name}", destinations.remove),
            route(.post, "/bridge/v1/destinations/{name}/test", destinations.test),
            route(.get, "/bridge/v1/accounts/{account}/destination", destinations.assigned),
            route(.put, "/bridge/v1/accounts/{account}/destination", destinations.assign),
            route(.get, "/bridge/v1/streams/{stream}/destination", destinations.assigned),
            route(.put, "/bridge/v1/streams/{stream}/destination", destinations.assign),
            route(.get, "/bridge/v1/events", deliveries.events), route(.get, "/bridge/v1/deliveries", deliveries.list),
            route(.post, "/bridge/v1/deliveries/redeliver", deliveries.redeliverDead),
            route(.get, "/bridge/v1/deliveries/{id}", deliveries.show),
            route(.post, "/bridge/v1/deliveries/{id}/redeliver", deliveries.redeliver),
            route(.post, "/bridge/v1/watch-links", sessions.makeWatchLink),
            route(.post, "/bridge/v1/sessions", sessions.create), route(.get, "/bridge/v1/io", Self.socketWithoutUpgrade),
            route(.get, "/bridge/v1/rooms/{room}/io", Self.socketWithoutUpgrade),
            route(.get, "/healthz", health.alive), route(.get, "/readyz", health.ready), route(.get, "/metrics", health.metricsPage),
        ] + playbackRoutes + triggerRoutes + keepingRoutes + conferenceRoutes + compositeRoutes + cameraRoutes
            + (rooms?.routes(route) ?? []) + (roomRecordings?.routes(route) ?? [])
            + (footage.map { [route(.post, "/bridge/v1/streams/{stream}/footage", $0.take)] } ?? [])
    }

    private var conferenceRoutes: [Route] {
        [
            route(.get, "/bridge/v1/streams/{stream}/conferences", conferences.list),
            route(.post, "/bridge/v1/streams/{stream}/conferences", conferences.join),
            route(.get, "/bridge/v1/conferences/{id}", conferences.show),
            route(.delete, "/bridge/v1/conferences/{id}", conferences.leave),
            route(.get, "/bridge/v1/pushes", pushes.list), route(.post, "/bridge/v1/pushes", pushes.make),
            route(.get, "/bridge/v1/pushes/{id}", pushes.show), route(.delete, "/bridge/v1/pushes/{id}", pushes.end),
        ]
    }

    private var cameraRoutes: [Route] {
        guard let cameras else { return [] }
        return [
            route(.get, "/bridge/v1/cameras", cameras.list), route(.get, "/bridge/v1/cameras/{camera}", cameras.show),
            route(.post, "/bridge/v1/cameras/{camera}/orders", cameras.command),
            route(.get, "/bridge/v1/cameras/{camera}/io", Self.socketWithoutUpgrade),
        ]
    }

    private var compositeRoutes: [Route] {
        [
            route(.get, "/bridge/v1/composites", composites.list), route(.post, "/bridge/v1/composites", composites.make),
            route(.get, "/bridge/v1/composites/{id}", composites.show), route(.patch, "/bridge/v1/composites/{id}", composites.change),
            route(.delete, "/bridge/v1/composites/{id}", composites.end),
            route(.get, "/bridge/v1/backgrounds", backgrounds.list), route(.put, "/bridge/v1/backgrounds/{name}", backgrounds.save),
            route(.get, "/bridge/v1/backgrounds/{name}", backgrounds.picture),
            route(.delete, "/bridge/v1/backgrounds/{name}", backgrounds.remove),
        ]
    }

    private var keepingRoutes: [Route] {
        [
            route(.delete, "/bridge/v1/recordings/{id}", keeping.remove), route(.put, "/bridge/v1/recordings/{id}/hold", keeping.hold),
            route(.delete, "/bridge/v1/recordings/{id}/hold", keeping.release),
            route(.post, "/bridge/v1/recordings/{id}/redeliver", keeping.redeliver), route(.get, "/bridge/v1/audit", keeping.audit),
            route(.get, "/bridge/v1/streams/{stream}/retention", keeping.retention),
            route(.put, "/bridge/v1/streams/{stream}/retention", keeping.setRetention),
            route(.delete, "/bridge/v1/streams/{stream}/retention", keeping.removeRetention),
        ]
    }

    private var triggerRoutes: [Route] {
        [
            route(.get, "/bridge/v1/recording-policies", triggers.policies),
            route(.get, "/bridge/v1/streams/{stream}/recording-policy", triggers.policy),
            route(.put, "/bridge/v1/streams/{stream}/recording-policy", triggers.setPolicy),
            route(.delete, "/bridge/v1/streams/{stream}/recording-policy", triggers.removePolicy),
            route(.get, "/bridge/v1/streams/{stream}/events", triggers.events),
            route(.post, "/bridge/v1/streams/{stream}/events", triggers.report),
        ]
    }

    private var playbackRoutes: [Route] {
        [
            route(.get, "/bridge/v1/streams/{id}/timeline", playback.timeline),
            route(.get, "/bridge/v1/streams/{id}/range.mp4", playback.movie),
            route(.get, "/bridge/v1/streams/{id}/range.webm", playback.webm),
            route(.get, "/bridge/v1/streams/{id}/hls/{name}", playback.hls),
            route(.get, "/bridge/v1/streams/{id}/thumbnails/{name}", playback.thumbnail),
            route(.get, "/bridge/v1/streams/{id}/snapshot.jpg", snapshots.jpeg),
            route(.get, "/bridge/v1/streams/{id}/snapshot.png", snapshots.png),
            route(.get, "/bridge/v1/streams/{id}/snapshot.webp", snapshots.webp),
            route(.get, "/bridge/v1/clips", clips.list), route(.post, "/bridge/v1/clips", clips.make),
            route(.get, "/bridge/v1/clips/{id}", clips.show), route(.delete, "/bridge/v1/clips/{id}", clips.remove),
            route(.get, "/bridge/v1/clips/{id}/file", clips.file), route(.post, "/bridge/v1/clips/{id}/share", clips.share),
            route(.get, "/bridge/v1/shared/{id}", clips.shared),
        ]
    }

    /// What answers a request, or says why not.
    typealias Operation = @Sendable (APIRequest) async throws(Problem) -> APIResponse

    private func route(_ method: HTTPRequest.Method, _ pattern: String, _ operation: @escaping Operation) -> Route {
        Route(method, pattern) { request in
            do throws(Problem) {
                return try await operation(request)
            } catch {
                return error.response(requestID: request.requestID)
            }
        }
    }

    @Sendable private static func socketWithoutUpgrade(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let problem = Problem(.upgradeRequired, "upgrade_required", "This path is a WebSocket; connect to it with an upgrade.")
        return problem.response(requestID: request.requestID).with(.upgrade, "websocket").with(.connection, "Upgrade")
    }

    /// Decides an upgrade; nil when its path is not this API's.
    package func admitSocket(_ request: APIRequest) async -> SocketAdmission? {
        guard let segments = request.segments, owns(segments) else { return nil }
        do throws(Problem) {
            guard segments == ["bridge", "v1", "io"] else { throw .noSuchPath }
            return .admit(try await access.socketGrant(request))
        } catch {
            return .refuse(finish(error.response(requestID: request.requestID), to: request))
        }
    }
}

// MARK: Manners of the API

extension BridgeAPI {
    /// The paths of `RouteGroup`.
    package func owns(_ segments: [String]) -> Bool {
        segments.first == "bridge" || segments == ["healthz"] || segments == ["readyz"] || segments == ["metrics"]
    }

    /// The refusals of `RouteGroup`, as error bodies of this API.
    package func refuse(_ refusal: RouteRefusal, of request: APIRequest) -> APIResponse {
        switch refusal {
        case .notFound: return Problem.noSuchPath.response(requestID: request.requestID)
        case .methodNotAllowed(let allowed):
            let problem = Problem(.methodNotAllowed, "method_not_allowed", "This path has other methods.")
            return problem.response(requestID: request.requestID).with(.allow, allowed.map(\.rawValue).joined(separator: ", "))
        }
    }

    /// The API is for servers, the command line and the bridge's own pages: no other origin may call it from a browser.
    package func preflight(_ request: APIRequest) -> APIResponse? { nil }

    /// Adds the request id and forbids caching.
    package func finish(_ response: APIResponse, to request: APIRequest) -> APIResponse {
        var response = response.with(.requestID, request.requestID)
        if response.head.headerFields[.cacheControl] == nil { response.head.headerFields[.cacheControl] = "no-store" }
        return response
    }
}
