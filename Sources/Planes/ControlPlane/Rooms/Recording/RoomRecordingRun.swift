internal import Bridge
internal import BridgeModel
internal import Logging
internal import Signaling

/// A room that is recorded: begins and stops recordings as its tracks come and go, and writes down what happens.
actor RoomRecordingRun {
    /// What happens, in its order.
    enum Fact: Sendable {
        /// `live`: the stream of a camera's seat.
        case opened(RoomTrack, RoomTrackSource, live: LiveStream?)
        case dropped(RoomTrackID)
        case note(RoomRecordingEntry)
        case settle
        case end
    }

    /// A take that is being recorded, or was.
    private struct Taken {
        var take: RoomTake
        var recording: RecordingID
        var stream: StreamID
        var isShared: Bool
        var isRunning = true
    }

    nonisolated let recording: RoomRecording
    private let place: (room: RoomID, account: AccountID)
    private let order: RecordingOrder
    private let services: RoomRecordingServices
    private let mailbox: (facts: AsyncStream<(Fact, WallTime)>, entry: AsyncStream<(Fact, WallTime)>.Continuation)
    private var takes = RoomTakes()
    private var taken: [Int: Taken] = [:]
    /// Names of the streams that its recordings are of, by whose they are.
    private var streams: [String: StreamID] = [:]
    private var live: [StreamID: LiveStream] = [:]
    private var journal: RoomRecordingJournal
    private var composite: RoomCompositeRun?
    private var tasks: [Task<Void, Never>] = []

    /// Throws when its journal cannot be written.
    init(
        _ recording: RoomRecording, _ order: RecordingOrder, room: RoomID, account: AccountID, services: RoomRecordingServices
    ) throws(BridgeError) {
        (self.recording, self.order, self.place, self.services) = (recording, order, (room, account), services)
        journal = try RoomRecordingJournal(recording, room: room, account: account, in: services.folder, logger: services.logger)
        let (facts, entry) = AsyncStream<(Fact, WallTime)>.makeStream()
        mailbox = (facts, entry)
    }

    private var room: RoomID { place.room }
    private var account: AccountID { place.account }

    nonisolated func post(_ fact: Fact) { mailbox.entry.yield((fact, services.clock.wall())) }

    /// Deals with what happens until the end; returns when everything is asked to stop and written down.
    func run() async {
        await beginComposite()
        for await (fact, moment) in mailbox.facts {
            if case .end = fact {
                mailbox.entry.finish()
                await end(at: moment)
                break
            }
            await take(fact, at: moment)
        }
    }

    private func take(_ fact: Fact, at moment: WallTime) async {
        switch fact {
        case .opened(let track, let source, let stream):
            journal.append(.track(track), at: moment)
            guard recording.mode.hasTracks else { return }
            if let stream { live[source.stream] = stream }
            takes.opened(track, from: source, now: services.clock.now())
            settleLater()
        case .dropped(let track):
            journal.append(.trackEnded(track), at: moment)
            await carryOut(takes.dropped(track, now: services.clock.now()))
            settleLater()
        case .note(let entry):
            journal.append(entry, at: moment)
            if case .kept(.clip(let mark)) = entry { cut(mark) }
        case .settle: await carryOut(takes.settle(now: services.clock.now()))
        case .end: break
        }
    }

    private func settleLater() {
        guard let deadline = takes.deadline else { return }
        tasks.append(
            Task { [weak self, clock = services.clock] in
                try? await clock.sleep(deadline)
                self?.post(.settle)
            })
    }

    private func end(at moment: WallTime) async {
        journal.append(.ended(.stopped), at: moment)
        await carryOut(takes.stop())
        await composite?.end()
        // What was marked in the last moments is still being cut.
        for task in tasks { await task.value }
    }

    // MARK: - Recordings

    private func carryOut(_ effects: [RoomTakes.Effect]) async {
        for effect in effects {
            switch effect {
            case .begin(let take): await begin(take)
            case .stop(let number): await stop(number)
            }
        }
    }

    private func begin(_ take: RoomTake) async {
        do throws(BridgeError) {
            let source = try source(of: take)
            let request = request(for: take, source)
            let id: RecordingID
            var isShared = false
            if let running = await services.recordings.running(of: source.id), !take.isOfRoom {
                (id, isShared) = (running, true)
            } else {
                id = try await services.recordings.start(request, tracks: source.tracks, source: { source }, updates: { _ in })
            }
            taken[take.number] = Taken(take: take, recording: id, stream: request.context.stream, isShared: isShared)
            journal.append(.recording(id, of: take, stream: request.context.stream, isShared: isShared), at: services.clock.wall())
        } catch {
            journal.append(.recordingFailed(take, error), at: services.clock.wall())
            services.logger.error(
                "a participant of a recorded room is not recorded",
                metadata: ["room": "\(room)", "participant": "\(take.participant)", "error": "\(error.description)"])
        }
    }

    private func source(of take: RoomTake) throws(BridgeError) -> LiveStream {
        if take.isOfRoom {
            let context = SessionContext(
                session: SessionID("\(recording.id)-\(take.number)"), account: account, client: ClientID(take.participant.rawValue),
                stream: take.source, direction: .publish)
            let peer = PeerID("\(recording.id)-\(take.number)")
            return LiveStream(context: context, tracks: take.descriptions, peer: peer, source: .peer(peer), since: services.clock.wall())
        }
        guard let stream = live[take.source] else {
            throw BridgeError(.notFound, "The camera's stream \(take.source) is not live any more.")
        }
        return stream
    }

    /// What a participant publishes has a name that nobody can publish by, and no URL carries: its recordings have one of their own.
    private func request(for take: RoomTake, _ source: LiveStream) -> RecordingRequest {
        var context = source.context
        if take.isOfRoom {
            let owner = "\(take.isScreen ? "screen" : "camera") \(take.participant)"
            let name = streams[owner] ?? StreamID("room-\(recording.id)-\(streams.count + 1)")
            streams[owner] = name
            context.stream = name
        }
        return RecordingRequest(
            context: context, destination: order.destination, webhookURL: order.webhookURL,
            container: order.container ?? .usual(for: source.tracks))
    }

    private func stop(_ number: Int) async {
        guard let one = taken[number], one.isRunning else { return }
        taken[number]?.isRunning = false
        guard !one.isShared else { return }
        // It may have ended with its source.
        try? await services.recordings.stop(one.recording, byUser: false)
    }

    /// The room's one picture has a life of its own: what people publish is recorded meanwhile.
    private func beginComposite() async {
        guard recording.mode.hasComposite, let composites = services.composites else { return }
        let composite = RoomCompositeRun(of: room, order, composites, services: services) { [weak self] entry in await self?.write(entry) }
        self.composite = composite
        await composite.begin(since: recording.since)
    }

    private func write(_ entry: RoomRecordingEntry) { journal.append(entry, at: services.clock.wall()) }

    // MARK: - Clips

    private func cut(_ mark: RoomClipMark) {
        let marked = taken.values.filter { one in one.isRunning && (mark.track.map(one.take.tracks.contains) ?? true) }
        for one in marked { tasks.append(Task { [weak self] in await self?.cut(mark, of: one) }) }
    }

    private func cut(_ mark: RoomClipMark, of one: Taken) async {
        guard let clip = await services.cut(mark, of: one.stream, in: room, for: account) else { return }
        journal.append(.clip(clip, of: mark.id, recording: one.recording), at: services.clock.wall())
    }
}
