package import Bridge
package import BridgeModel
internal import LinuxIO
package import Logging

/// Makes streams of several others: one child for each composite, which is started again when it ends, and told who comes and goes.
///
/// Composites live as long as the bridge; the next run begins without.
package actor CompositeDirector: CompositeCommands {
    /// What it stands on.
    package struct Services: Sendable {
        package var launcher: any PipelineLauncher
        package var hub: any MediaHub
        package var streams: StreamRegister
        /// Nil: there are none.
        package var rooms: (any RoomViews)?
        package var backgrounds: any BackgroundStore
        package var ledger: any Ledger & EventLog
        package var outbox: OutboxWriter
        package var clock: BridgeClock
        package var logger: Logger

        package init(
            launcher: any PipelineLauncher, hub: any MediaHub, streams: StreamRegister, rooms: (any RoomViews)? = nil,
            backgrounds: any BackgroundStore, ledger: any Ledger & EventLog, outbox: OutboxWriter, clock: BridgeClock, logger: Logger
        ) {
            self.launcher = launcher
            self.hub = hub
            self.streams = streams
            self.rooms = rooms
            self.backgrounds = backgrounds
            self.ledger = ledger
            self.outbox = outbox
            self.clock = clock
            self.logger = logger
        }
    }

    /// Each takes a core or so.
    private static let most = 8
    /// Of mixes of sound, which take little.
    static let mostMixes = 64
    static let stopDeadline = Duration.seconds(1)
    static let (firstPause, longestPause) = (Duration.seconds(1), Duration.seconds(30))

    let services: Services
    let account: AccountID
    var entries: [CompositeID: CompositeEntry] = [:]
    private var live: [StreamID: LiveStream] = [:]
    /// Those that the store has.
    var backgrounds: [BackgroundName: Background] = [:]
    private var isShutDown = false

    /// `account`: whom the streams of composites belong to.
    package init(_ services: Services, account: AccountID) {
        self.services = services
        self.account = account
    }

    /// Ends what an earlier run left in the log, and finds the backgrounds that it kept. Call once, before anything is served.
    package func recover() async throws(BridgeError) {
        for background in try await services.backgrounds.all() { backgrounds[background.name] = background }
        let open = try await services.ledger.openFacts().filter { $0.kind == .compositeStarted }
        guard !open.isEmpty else { return }
        try await services.ledger.commit(services.outbox.changes(ending: open))
        services.outbox.wake()
    }

    /// Takes what happens to streams.
    package func streamChanged(_ change: StreamTable.Change) {
        switch change {
        case .started(let stream), .returned(let stream): live[stream.id] = stream
        // It keeps its last picture for a moment, and its place.
        case .lost: return
        case .ended(let stream): live[stream] = nil
        }
        for id in entries.keys { arrange(id) }
    }

    /// Ends all of them.
    package func shutDown() async {
        isShutDown = true
        for id in entries.keys { try? await end(id) }
    }

    // MARK: - Life of one

    /// From its launch on: started again after each end, until it is taken away.
    private func live(_ id: CompositeID, _ first: any RunningPipeline) async {
        var next: (any RunningPipeline)? = first
        var pause = Self.firstPause
        while entries[id] != nil {
            if let pipeline = next {
                let began = services.clock.now()
                let reason = await run(id, pipeline)
                entries[id]?.status.phase = .restarting
                entries[id]?.status.reason = reason
                if services.clock.now().duration(since: began) > Self.longestPause { pause = Self.firstPause }
            }
            guard entries[id] != nil, (try? await services.clock.pause(pause)) != nil, let entry = entries[id] else { return }
            pause = min(pause * 2, Self.longestPause)
            do throws(BridgeError) {
                next = try await services.launcher.launch(plan(entry))
            } catch {
                next = nil
                entries[id]?.status.reason = error
            }
        }
        if let pipeline = next { pipeline.send(.stop(deadline: .zero)) }
    }

    /// One child to its end.
    func run(_ id: CompositeID, _ pipeline: any RunningPipeline) async -> BridgeError {
        var reason = BridgeError(.pipelineFailed, "The composite's process is over.")
        entries[id]?.pipeline = pipeline
        entries[id]?.shown = nil
        // It was taken away while its process came up.
        if entries[id] == nil { pipeline.send(.stop(deadline: Self.stopDeadline)) }
        var isPublished = false
        for await event in pipeline.events {
            switch event {
            case .started: isPublished = await publish(id, pipeline)
            case .failed(let error): reason = error
            case .background(let image, let error): heard(of: image, error, id)
            case .warning(_, let message):
                services.logger.warning("composite", metadata: ["composite": "\(id)", "warning": "\(message)"])
            default: break
            }
        }
        leaveAll(id)
        entries[id]?.pipeline = nil
        tellWaiters(id)
        if !isPublished { pipeline.media.forEach { closeDescriptor($0.rawValue) } }
        if let entry = entries[id], case let context = entry.context, isPublished {
            await services.streams.sourceEnded(PeerID(pipeline.id.rawValue), of: context.stream)
            if entry.status.phase == .idle { return reason }
            services.logger.warning("a composite's process ended", metadata: ["composite": "\(id)", "reason": "\(reason.description)"])
        }
        return reason
    }

    /// Its stream is there from here on; false when the name belongs to somebody else.
    private func publish(_ id: CompositeID, _ pipeline: any RunningPipeline) async -> Bool {
        guard let entry = entries[id], let first = pipeline.media.first else { return false }
        let stream = LiveStream(
            context: entry.context, tracks: entry.plan.tracks,
            peer: PeerID(pipeline.id.rawValue), source: .child(first), since: services.clock.wall())
        guard await services.streams.publish(stream, sources: pipeline.media) else {
            pipeline.send(.stop(deadline: Self.stopDeadline))
            return false
        }
        await announced(id, .live)
        return true
    }

    /// Its stream is there.
    func announced(_ id: CompositeID, _ phase: CompositePhase) async {
        let isFirst = entries[id]?.status.phase == .starting
        entries[id]?.status.phase = phase
        arrange(id)
        tellWaiters(id)
        guard isFirst, let entry = entries[id], entry.taker == nil else { return }
        await report(.compositeStarted(entry.status, entry.context))
    }

    private func tellWaiters(_ id: CompositeID) {
        for waiter in entries[id]?.waiters ?? [] { waiter.resume() }
        entries[id]?.waiters = []
    }

    func plan(_ entry: CompositeEntry) -> PipelinePlan {
        PipelinePlan(pipeline: PipelineID("composite-\(RandomUUID.text())"), work: .composite(entry.plan))
    }

    // MARK: - Who is in it

    /// Brings the running child in line with the order, and with the streams or the room that are there.
    func arrange(_ id: CompositeID) {
        guard var entry = entries[id] else { return }
        entry.arrange(live: live)
        if let pipeline = entry.pipeline, entry.status.phase == .live {
            let scene = entry.scene(image: image(of: entry))
            if scene != entry.shown { pipeline.send(.scene(scene)) }
            entry.expectBackground(of: scene)
            entry.shown = scene
            feed(&entry, pipeline)
        }
        entries[id] = entry
    }

    private func feed(_ entry: inout CompositeEntry, _ pipeline: any RunningPipeline) {
        let sources = Dictionary(entry.status.guests.map { ($0.id, $0.source) }, uniquingKeysWith: { first, _ in first })
        for (guest, feed) in entry.feeds {
            guard entry.numbers[guest] != feed.number || sources[guest] != feed.source else { continue }
            services.hub.unsubscribe(feed.subscriber)
            pipeline.send(.removeInput(feed.number))
            entry.feeds[guest] = nil
        }
        for (guest, number) in entry.numbers where entry.feeds[guest] == nil {
            guard let source = sources[guest] ?? nil else { continue }
            let tracks = entry.taken(of: source)
            guard !tracks.isEmpty else { continue }
            do throws(BridgeError) {
                let sinks = try pipeline.send(.addInput(CompositeInput(number: number, tracks: tracks)), sockets: tracks.count)
                let subscriber = PipelineID("\(pipeline.id)-\(number)")
                services.hub.subscribe(subscriber, to: source.stream, tracks: tracks.map(\.index), sinks: sinks, timing: .live)
                entry.feeds[guest] = CompositeEntry.Feed(number: number, subscriber: subscriber, source: source)
            } catch {
                entry.status.reason = error
            }
        }
    }

    private func leaveAll(_ id: CompositeID) {
        for feed in entries[id]?.feeds.values.map({ $0 }) ?? [] { services.hub.unsubscribe(feed.subscriber) }
        entries[id]?.feeds = [:]
    }

    private func report(_ event: BridgeEvent) async {
        do throws(BridgeError) {
            try await services.ledger.commit(services.outbox.changes(for: event))
            services.outbox.wake()
        } catch {
            services.logger.error("a composite's event could not be stored", metadata: ["error": "\(error.description)"])
        }
    }
}

// MARK: - Commands

extension CompositeDirector {
    package func make(_ order: CompositeOrder) async throws(BridgeError) -> CompositeStatus {
        let stream = order.stream
        if let stream, await services.streams.stream(stream) != nil { throw Self.taken(stream) }
        try checkBackground(of: order.content)
        let watch = try await watch(order.content.room)
        try checkRoom()
        if let stream, entries.values.contains(where: { $0.status.stream == stream }) { throw Self.taken(stream) }
        return try await launch(order, of: account, watch)
    }

    /// Pictures cost; mixes have a bound of their own.
    func checkRoom() throws(BridgeError) {
        guard entries.values.count(where: { $0.taker?.participant == nil }) < Self.most else {
            throw BridgeError(.limitReached, "\(Self.most) composites run; end one of them first.")
        }
    }

    /// The room that is to be shown; nil where there is none. Throws `not_found`.
    func watch(_ part: CompositeContent.RoomPart?) async throws(BridgeError) -> RoomWatch? {
        guard !isShutDown else { throw BridgeError(.unavailable, "The bridge shuts down; try again when it is back.") }
        guard let part else { return nil }
        guard let watch = await services.rooms?.watch(part.room) else {
            throw BridgeError(.notFound, "There is no room \(part.room), or it is over; open it first.")
        }
        return watch
    }

    func launch(
        _ order: CompositeOrder, of account: AccountID, _ watch: RoomWatch?, for taker: CompositeEntry.Taker? = nil
    ) async throws(BridgeError) -> CompositeStatus {
        let id = CompositeID(RandomUUID.text())
        let stream = order.stream ?? StreamID("\(taker?.participant == nil ? "composite" : "mix")-\(id)")
        let context = SessionContext(
            session: SessionID(RandomUUID.text()), account: account, client: ClientID(stream.rawValue), stream: stream,
            direction: .publish)
        let status = CompositeStatus(id: id, order: order, stream: stream, createdAt: services.clock.wall())
        let entry = CompositeEntry(status: status, context: context, taker: taker)
        entries[id] = entry
        if let watch { entries[id]?.watcher = Task { [weak self] in await self?.follow(watch, id) } }
        arrange(id)
        if order.isOnDemand {
            entries[id]?.life = Task { [weak self] in await self?.serve(id) }
            return entries[id]?.status ?? status
        }
        do throws(BridgeError) {
            let pipeline = try await services.launcher.launch(plan(entry))
            entries[id]?.life = Task { [weak self] in await self?.live(id, pipeline) }
        } catch {
            forget(id)
            throw error
        }
        return entries[id]?.status ?? status
    }

    /// The composite is as the room is, and ends with it.
    private func follow(_ watch: RoomWatch, _ id: CompositeID) async {
        for await view in watch.views {
            entries[id]?.view = view
            arrange(id)
        }
        guard !Task.isCancelled else { return }
        entries[id]?.status.end = .roomEnded
        try? await end(id)
    }

    private func forget(_ id: CompositeID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        entry.watcher?.cancel()
        for waiter in entry.waiters { waiter.resume() }
    }

    private static func taken(_ stream: StreamID) -> BridgeError {
        BridgeError(.invalidField, "There is a stream named \(stream) already; choose another name.")
    }

    package func composites() -> [CompositeStatus] {
        let all = entries.values.filter { $0.taker == nil }.map(\.status)
        return all.sorted { ($0.createdAt, $0.id.rawValue) < ($1.createdAt, $1.id.rawValue) }
    }

    package func composite(_ id: CompositeID) -> CompositeStatus? {
        entries[id].flatMap { $0.taker == nil ? $0.status : nil }
    }

    package func change(_ id: CompositeID, to content: CompositeContent) throws(BridgeError) -> CompositeStatus {
        guard let stream = entries[id]?.status.stream else { throw Self.none }
        try checkBackground(of: content)
        guard !content.inputs.contains(where: { $0.stream == stream }) else {
            throw BridgeError(.invalidField, "A composite cannot be its own input; leave \(stream) out.")
        }
        if content.layout.backgroundImage != entries[id]?.order.content.layout.backgroundImage { entries[id]?.status.background = nil }
        entries[id]?.status.order.content = content
        arrange(id)
        guard let status = entries[id]?.status else { throw Self.none }
        return status
    }

    package func end(_ id: CompositeID) async throws(BridgeError) {
        guard let entry = entries[id] else { throw Self.none }
        leaveAll(id)
        forget(id)
        entry.pipeline?.send(.stop(deadline: Self.stopDeadline))
        await services.streams.sessionEnded(entry.context, forGood: true)
        if entry.status.phase != .starting, entry.taker == nil { await report(.compositeEnded(entry.status, entry.context)) }
    }

    static let none = BridgeError(.notFound, "There is no such composite.")
}

// MARK: - Mixes
