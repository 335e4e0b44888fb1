internal import Bridge
internal import BridgeModel
internal import Logging
internal import Synchronization

/// One of those recordings that a room's consists of: begun again and again for as long as it is wanted.
actor RoomPartRun {
    /// What is recorded, and who is told.
    struct Part: Sendable {
        /// In sentences of the log.
        var name: String
        var metadata: Logger.Metadata
        /// Somebody else's recording of the same stream will do.
        var mayBeShared: Bool
        /// What there is to be recorded, and how; waits until it is there.
        var source: @Sendable () async throws(BridgeError) -> (stream: LiveStream, request: RecordingRequest)
        /// Whoever makes it need not go on. May be called more than once.
        var release: @Sendable () async -> Void
        var began: @Sendable (Beginning) async -> Void
        /// There has been none since then, for this reason; each reason is told once.
        var missed: @Sendable (BridgeError, WallTime) async -> Void
    }

    /// A recording that takes something now.
    struct Beginning: Sendable {
        var recording: RecordingID
        /// By which it is played.
        var stream: StreamID
        /// It was there already, and goes on by itself.
        var isShared: Bool
    }

    /// Whether the newest recording has ever taken something.
    private final class Media: Sendable {
        private let flag = Mutex(false)
        var hasCome: Bool { flag.withLock { $0 } }
        func comes() { flag.withLock { $0 = true } }
    }

    /// How soon it is noticed that a recording takes nothing any more.
    private static let look = Duration.seconds(1)

    private let part: Part
    private let services: RoomRecordingServices
    /// The one that was begun last, unless it goes on by itself.
    private var recording: RecordingID?
    /// Why there is none now.
    private var failure: BridgeError?
    private var media = Media()
    private var isOver = false
    private var hasTried = false
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private var life: Task<Void, Never>?
    private var rest: Task<Void, Never>?

    init(_ part: Part, services: RoomRecordingServices) { (self.part, self.services) = (part, services) }

    /// Call it once. `wall`: since when it is wanted; `beginning`: what came before is of no use, nil: all that came before now.
    func begin(since wall: WallTime, _ beginning: MonotonicTime? = nil) { life = Task { await live(wall, beginning) } }

    /// Returns when it has been tried once.
    func firstAttempt() async {
        guard !hasTried else { return }
        await withCheckedContinuation { waiters.append($0) }
    }

    /// Returns when nothing is recorded any more.
    func end() async {
        isOver = true
        await stop()
        // Whoever waits for it to be made waits no more.
        await part.release()
        rest?.cancel()
        await life?.value
    }

    private func live(_ wall: WallTime, _ beginning: MonotonicTime?) async {
        var (missingSince, beginning) = (wall, beginning)
        var pause = CompositeDirector.firstPause
        while !isOver {
            let tried = services.clock.now()
            do throws(BridgeError) {
                let id = try await record(since: beginning)
                tell()
                let ending = await ended(id)
                (missingSince, beginning) = (ending.idleSince, ending.lastSeen)
                if services.clock.now().duration(since: tried) > CompositeDirector.longestPause { pause = CompositeDirector.firstPause }
                // Whoever sends nothing is not tried all the time.
                if !media.hasCome { pause = CompositeDirector.longestPause }
                // With what it is of, mostly: that is known when the pause is over.
                await self.pause(pause)
                await missed(media.hasCome ? Self.endedTooSoon : Self.silent, missingSince)
            } catch {
                await missed(error, missingSince)
                tell()
                await self.pause(pause)
            }
            pause = min(pause * 2, CompositeDirector.longestPause)
        }
        tell()
        // What began while the end came.
        await stop()
        await part.release()
    }

    private static let endedTooSoon = BridgeError(.pipelineFailed, "The recording ended before what it is of.")
    private static let silent = BridgeError(.noMedia, "Nothing came that can be recorded; with a camera, no picture.")

    /// Whoever waits for the first attempt.
    private func tell() {
        hasTried = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    /// Begins a recording of what there is now; throws also when none is wanted any more.
    private func record(since beginning: MonotonicTime?) async throws(BridgeError) -> RecordingID {
        let (source, request) = try await part.source()
        guard !isOver else { throw BridgeError(.notFound, "It is not recorded any more.") }
        let running = part.mayBeShared ? await services.recordings.running(of: source.id) : nil
        let media = Media()
        self.media = media
        let id: RecordingID
        if let running {
            id = running
            media.comes()
        } else {
            id = try await services.recordings.start(
                request, tracks: source.tracks, source: { source }, beginning: beginning.map { RecordingBeginning(since: $0) },
                updates: { if $0.state == .recording { media.comes() } })
            recording = id
        }
        if failure != nil { services.logger.info("\(part.name) is recorded again", metadata: part.metadata) }
        failure = nil
        await part.began(Beginning(recording: id, stream: running == nil ? request.context.stream : source.id, isShared: running != nil))
        return id
    }

    /// Of a recording that takes nothing any more.
    private struct Ending {
        /// Since when it has not.
        var idleSince: WallTime
        /// When it was there for the last time.
        var lastSeen: MonotonicTime
    }

    /// Returns when it takes nothing any more.
    private func ended(_ id: RecordingID) async -> Ending {
        var idleSince: WallTime? = services.clock.wall()
        var ending = Ending(idleSince: services.clock.wall(), lastSeen: services.clock.now())
        while !isOver, let state = await services.recordings.row(of: id)?.state, state.isRunning {
            ending.lastSeen = services.clock.now()
            idleSince = state == .recording ? nil : idleSince ?? services.clock.wall()
            await pause(Self.look)
        }
        ending.idleSince = idleSince ?? services.clock.wall()
        return ending
    }

    /// Each reason is written down once, and the operator is told once of all that follow each other.
    private func missed(_ error: BridgeError, _ since: WallTime) async {
        guard !isOver, failure?.code != error.code else { return }
        let isFirst = failure == nil
        failure = error
        if isFirst {
            services.logger.warning(
                "\(part.name) is not recorded; it is tried again for as long as the room is",
                metadata: part.metadata.merging(["error": "\(error.description)"]) { $1 })
        }
        await part.missed(error, isFirst ? since : services.clock.wall())
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
