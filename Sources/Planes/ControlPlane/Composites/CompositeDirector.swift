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
        package var ledger: any Ledger & EventLog
        package var outbox: OutboxWriter
        package var clock: BridgeClock
        package var logger: Logger

        package init(
            launcher: any PipelineLauncher, hub: any MediaHub, streams: StreamRegister, ledger: any Ledger & EventLog, outbox: OutboxWriter,
            clock: BridgeClock, logger: Logger
        ) {
            self.launcher = launcher
            self.hub = hub
            self.streams = streams
            self.ledger = ledger
            self.outbox = outbox
            self.clock = clock
            self.logger = logger
        }
    }

    /// Each takes a core or so.
    private static let most = 8
    private static let stopDeadline = Duration.seconds(1)
    private static let (firstPause, longestPause) = (Duration.seconds(1), Duration.seconds(30))

    /// One input's way into the running child.
    private struct Feed {
        var number: CompositeInput.Number
        var subscriber: PipelineID
        var tracks: [TrackDescription]
    }

    private struct Entry {
        var status: CompositeStatus
        let context: SessionContext
        var seating = CompositeSeating<StreamID>()
        /// Each input has one number as long as it belongs to the composite.
        var numbers: [StreamID: CompositeInput.Number] = [:]
        var lastNumber: CompositeInput.Number = 0
        /// Into the running child.
        var feeds: [StreamID: Feed] = [:]
        var pipeline: (any RunningPipeline)?
        var life: Task<Void, Never>?
    }

    private let services: Services
    private let account: AccountID
    private var entries: [CompositeID: Entry] = [:]
    private var live: [StreamID: LiveStream] = [:]
    private var isShutDown = false

    /// `account`: whom the streams of composites belong to.
    package init(_ services: Services, account: AccountID) {
        self.services = services
        self.account = account
    }

    /// Ends what an earlier run left in the log. Call once, before anything is served.
    package func recover() async throws(BridgeError) {
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
            guard entries[id] != nil, (try? await services.clock.pause(pause)) != nil, let order = entries[id]?.status.order else { return }
            pause = min(pause * 2, Self.longestPause)
            do throws(BridgeError) {
                next = try await services.launcher.launch(plan(order))
            } catch {
                next = nil
                entries[id]?.status.reason = error
            }
        }
        if let pipeline = next { pipeline.send(.stop(deadline: .zero)) }
    }

    /// One child to its end.
    private func run(_ id: CompositeID, _ pipeline: any RunningPipeline) async -> BridgeError {
        var reason = BridgeError(.pipelineFailed, "The composite's process is over.")
        entries[id]?.pipeline = pipeline
        // It was taken away while its process came up.
        if entries[id] == nil { pipeline.send(.stop(deadline: Self.stopDeadline)) }
        var isPublished = false
        for await event in pipeline.events {
            switch event {
            case .started: isPublished = await publish(id, pipeline)
            case .failed(let error): reason = error
            case .warning(_, let message):
                services.logger.warning("composite", metadata: ["composite": "\(id)", "warning": "\(message)"])
            default: break
            }
        }
        leaveAll(id)
        entries[id]?.pipeline = nil
        if !isPublished { pipeline.media.forEach { closeDescriptor($0.rawValue) } }
        if let context = entries[id]?.context, isPublished {
            await services.streams.sourceEnded(PeerID(pipeline.id.rawValue), of: context.stream)
            services.logger.warning("a composite's process ended", metadata: ["composite": "\(id)", "reason": "\(reason.description)"])
        }
        return reason
    }

    /// Its stream is there from here on; false when the name belongs to somebody else.
    private func publish(_ id: CompositeID, _ pipeline: any RunningPipeline) async -> Bool {
        guard let entry = entries[id], let first = pipeline.media.first else { return false }
        let order = entry.status.order
        let stream = LiveStream(
            context: entry.context, tracks: CompositePlan.tracks(video: order.codec, audio: order.audio),
            peer: PeerID(pipeline.id.rawValue), source: .child(first), since: services.clock.wall())
        guard await services.streams.publish(stream, sources: pipeline.media) else {
            pipeline.send(.stop(deadline: Self.stopDeadline))
            return false
        }
        let isFirst = entries[id]?.status.phase == .starting
        entries[id]?.status.phase = .live
        arrange(id)
        if isFirst, let status = entries[id]?.status { await report(.compositeStarted(status, entry.context)) }
        return true
    }

    private func plan(_ order: CompositeOrder) -> PipelinePlan {
        let layout = order.content.layout
        let plan = CompositePlan(
            tracks: CompositePlan.tracks(video: order.codec, audio: order.audio), width: order.width, height: order.height,
            framesPerSecond: order.framesPerSecond, bitrate: order.bitrate,
            scene: CompositeScene(background: layout.background, showsNames: layout.showsNames, showsClock: layout.showsClock))
        return PipelinePlan(pipeline: PipelineID("composite-\(RandomUUID.text())"), work: .composite(plan))
    }

    // MARK: - Who is in it

    /// Brings the running child in line with the order and with the streams that are there.
    private func arrange(_ id: CompositeID) {
        guard var entry = entries[id] else { return }
        let content = entry.status.order.content
        entry.seating.seat(content.inputs.map(\.stream), focus: content.focus)
        for stream in entry.seating.guests where entry.numbers[stream] == nil {
            entry.lastNumber += 1
            entry.numbers[stream] = entry.lastNumber
        }
        entry.numbers = entry.numbers.filter { entry.seating.guests.contains($0.key) }
        entry.status.present = Set(content.inputs.map(\.stream).filter { live[$0] != nil })
        if let pipeline = entry.pipeline, entry.status.phase == .live {
            pipeline.send(.scene(scene(of: entry)))
            feed(&entry, pipeline)
        }
        entries[id] = entry
    }

    private func scene(of entry: Entry) -> CompositeScene {
        let (order, guests) = (entry.status.order, entry.seating.guests)
        let layout = order.content.layout
        let names = Dictionary(order.content.inputs.map { ($0.stream, $0.name) }, uniquingKeysWith: { first, _ in first })
        let cells = layout.cells(seats: guests.count, width: order.width, height: order.height)
        let places = zip(guests, cells).compactMap { stream, cell in
            entry.numbers[stream].map { CompositePlace(input: $0, name: names[stream] ?? "", cell: cell) }
        }
        return CompositeScene(
            places: places, background: layout.background, showsNames: layout.showsNames, showsClock: layout.showsClock)
    }

    private func feed(_ entry: inout Entry, _ pipeline: any RunningPipeline) {
        for (stream, feed) in entry.feeds {
            let tracks = live[stream].map { CompositeInput.usable(of: $0.tracks) }
            guard entry.numbers[stream] != feed.number || tracks != feed.tracks else { continue }
            services.hub.unsubscribe(feed.subscriber)
            pipeline.send(.removeInput(feed.number))
            entry.feeds[stream] = nil
        }
        for (stream, number) in entry.numbers where entry.feeds[stream] == nil {
            guard let source = live[stream] else { continue }
            let tracks = CompositeInput.usable(of: source.tracks).filter { entry.status.order.audio || $0.kind == .video }
            guard !tracks.isEmpty else { continue }
            do throws(BridgeError) {
                let sinks = try pipeline.send(.addInput(CompositeInput(number: number, tracks: tracks)), sockets: tracks.count)
                let subscriber = PipelineID("\(pipeline.id)-\(number)")
                services.hub.subscribe(subscriber, to: stream, tracks: tracks.map(\.index), sinks: sinks, timing: .live)
                entry.feeds[stream] = Feed(number: number, subscriber: subscriber, tracks: CompositeInput.usable(of: source.tracks))
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
        guard !isShutDown else { throw BridgeError(.unavailable, "The bridge shuts down; try again when it is back.") }
        guard entries.count < Self.most else {
            throw BridgeError(.limitReached, "\(entries.count) composites run; end one of them first.")
        }
        let id = CompositeID(RandomUUID.text())
        let stream = order.stream ?? StreamID("composite-\(id)")
        let isTaken = entries.values.contains { $0.status.stream == stream }
        if isTaken { throw Self.taken(stream) }
        if await services.streams.stream(stream) != nil { throw Self.taken(stream) }
        let context = SessionContext(
            session: SessionID(RandomUUID.text()), account: account, client: ClientID(stream.rawValue), stream: stream,
            direction: .publish)
        let status = CompositeStatus(id: id, order: order, stream: stream, createdAt: services.clock.wall())
        entries[id] = Entry(status: status, context: context)
        do throws(BridgeError) {
            let pipeline = try await services.launcher.launch(plan(order))
            entries[id]?.life = Task { [weak self] in await self?.live(id, pipeline) }
        } catch {
            entries[id] = nil
            throw error
        }
        arrange(id)
        return entries[id]?.status ?? status
    }

    private static func taken(_ stream: StreamID) -> BridgeError {
        BridgeError(.invalidField, "There is a stream named \(stream) already; choose another name.")
    }

    package func composites() -> [CompositeStatus] {
        entries.values.map(\.status).sorted { ($0.createdAt, $0.id.rawValue) < ($1.createdAt, $1.id.rawValue) }
    }

    package func composite(_ id: CompositeID) -> CompositeStatus? { entries[id]?.status }

    package func change(_ id: CompositeID, to content: CompositeContent) throws(BridgeError) -> CompositeStatus {
        guard let stream = entries[id]?.status.stream else { throw Self.none }
        guard !content.inputs.contains(where: { $0.stream == stream }) else {
            throw BridgeError(.invalidField, "A composite cannot be its own input; leave \(stream) out.")
        }
        entries[id]?.status.order.content = content
        arrange(id)
        guard let status = entries[id]?.status else { throw Self.none }
        return status
    }

    package func end(_ id: CompositeID) async throws(BridgeError) {
        guard let entry = entries[id] else { throw Self.none }
        leaveAll(id)
        entries[id] = nil
        entry.pipeline?.send(.stop(deadline: Self.stopDeadline))
        await services.streams.sessionEnded(entry.context, forGood: true)
        if entry.status.phase != .starting { await report(.compositeEnded(entry.status, entry.context)) }
    }

    private static let none = BridgeError(.notFound, "There is no such composite.")
}
