internal import Bridge
internal import BridgeModel
internal import Logging
internal import Signaling

/// The one picture of a room that is recorded: has it made and records it, again and again, for as long as the room is recorded.
actor RoomCompositeRun {
    /// How soon it is noticed that its recording takes nothing any more.
    private static let look = Duration.seconds(1)

    private let room: RoomID
    private let order: RecordingOrder
    private let services: RoomRecordingServices
    private let composites: any RoomComposites
    private let note: @Sendable (RoomRecordingEntry) async -> Void
    /// The one that was begun last, unless it goes on by itself.
    private var recording: RecordingID?
    /// Why there is none now.
    private var failure: BridgeError?
    private var isOver = false
    private var life: Task<Void, Never>?
    private var rest: Task<Void, Never>?

    /// `note` writes into the journal of the room's recording.
    init(
        of room: RoomID, _ order: RecordingOrder, _ composites: any RoomComposites, services: RoomRecordingServices,
        note: @escaping @Sendable (RoomRecordingEntry) async -> Void
    ) {
        (self.room, self.order, self.composites, self.services, self.note) = (room, order, composites, services, note)
    }

    /// Call it once; nobody waits for the picture. `begin`: of the room's recording.
    func begin(since begin: WallTime) { life = Task { await live(since: begin) } }

    /// Returns when nothing is recorded any more.
    func end() async {
        isOver = true
        await stop()
        // Whoever waits for it to be made waits no more.
        await composites.end(room, for: .recording)
        rest?.cancel()
        await life?.value
    }

    private func live(since begin: WallTime) async {
        var missingSince = begin
        var pause = CompositeDirector.firstPause
        while !isOver {
            let tried = services.clock.now()
            do throws(BridgeError) {
                let id = try await record()
                missingSince = await ended(id)
                if services.clock.now().duration(since: tried) > CompositeDirector.longestPause { pause = CompositeDirector.firstPause }
                // With the room's recording, mostly: that is known when the pause is over.
                await self.pause(pause)
                await missed(BridgeError(.pipelineFailed, "The recording of the room's picture ended before the room's."), missingSince)
            } catch {
                await missed(error, missingSince)
                await self.pause(pause)
            }
            pause = min(pause * 2, CompositeDirector.longestPause)
        }
        // What began while the end came.
        await stop()
        await composites.end(room, for: .recording)
    }

    /// Begins a recording of the picture as it is made now; throws also when the room's is over.
    private func record() async throws(BridgeError) -> RecordingID {
        let source = try await composites.start(room, for: .recording)
        guard !isOver else { throw BridgeError(.notFound, "The room is not recorded any more.") }
        let running = await services.recordings.running(of: source.id)
        let id: RecordingID
        if let running {
            id = running
        } else {
            let request = RecordingRequest(
                context: source.context, destination: order.destination, webhookURL: order.webhookURL,
                container: order.container ?? .usual(for: source.tracks))
            id = try await services.recordings.start(request, tracks: source.tracks, source: { source }, updates: { _ in })
            recording = id
        }
        if failure != nil { services.logger.info("a room's picture is recorded again", metadata: ["room": "\(room)"]) }
        failure = nil
        await note(.composite(id, stream: source.id, isShared: running != nil))
        return id
    }

    /// Returns when it takes nothing any more, with the moment since when it has not.
    private func ended(_ id: RecordingID) async -> WallTime {
        var idleSince: WallTime? = services.clock.wall()
        while !isOver, let state = await services.recordings.row(of: id)?.state, state.isRunning {
            idleSince = state == .recording ? nil : idleSince ?? services.clock.wall()
            await pause(Self.look)
        }
        return idleSince ?? services.clock.wall()
    }

    /// Each reason is written down once, and the operator is told once of all that follow each other.
    private func missed(_ error: BridgeError, _ since: WallTime) async {
        guard !isOver, failure?.code != error.code else { return }
        let isFirst = failure == nil
        failure = error
        if isFirst {
            services.logger.warning(
                "a room's picture is not recorded; it is tried again for as long as the room is",
                metadata: ["room": "\(room)", "error": "\(error.description)"])
        }
        await note(.compositeFailed(error, since: isFirst ? since : services.clock.wall()))
    }

    private func stop() async {
        // It may have ended with its source.
        if let recording { try? await services.recordings.stop(recording, byUser: false) }
    }

    private func pause(_ length: Duration) async {
        guard !isOver else { return }
        let rest = Task { [clock = services.clock] in _ = try? await clock.pause(length) }
        self.rest = rest
        await rest.value
    }
}
