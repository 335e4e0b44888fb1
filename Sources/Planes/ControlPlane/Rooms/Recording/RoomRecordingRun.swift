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
        /// It is not muted any more, or it is.
        case forwarded(RoomTrackID, Bool)
        case note(RoomRecordingEntry)
        case settle
        case end
    }

    /// A fact, and when it was told: it may wait for others.
    private struct Happening: Sendable {
        var fact: Fact
        var wall: WallTime
        var moment: MonotonicTime
    }

    /// A take that is to be recorded.
    private struct Taken {
        var take: RoomTake
        var run: RoomPartRun
        /// What it was recorded as last.
        var newest: RoomPartRun.Beginning?
    }

    nonisolated let recording: RoomRecording
    private let place: (room: RoomID, account: AccountID)
    private let order: RecordingOrder
    private let services: RoomRecordingServices
    private let mailbox: (facts: AsyncStream<Happening>, entry: AsyncStream<Happening>.Continuation)
    private var takes = RoomTakes()
    private var taken: [Int: Taken] = [:]
    /// Names of the streams that its recordings are of, by whose they are.
    private var streams: [String: StreamID] = [:]
    private var live: [StreamID: LiveStream] = [:]
    private var journal: RoomRecordingJournal
    private var composite: RoomPartRun?
    private var tasks: [Task<Void, Never>] = []

    /// Throws when its journal cannot be written.
    init(
        _ recording: RoomRecording, _ order: RecordingOrder, room: RoomID, account: AccountID, services: RoomRecordingServices
    ) throws(BridgeError) {
        (self.recording, self.order, self.place, self.services) = (recording, order, (room, account), services)
        journal = try RoomRecordingJournal(recording, room: room, account: account, in: services.folder, logger: services.logger)
        let (facts, entry) = AsyncStream<Happening>.makeStream()
        mailbox = (facts, entry)
    }

    private var room: RoomID { place.room }
    private var account: AccountID { place.account }

    nonisolated func post(_ fact: Fact) {
        mailbox.entry.yield(Happening(fact: fact, wall: services.clock.wall(), moment: services.clock.now()))
    }

    /// Deals with what happens until the end; returns when everything is asked to stop and written down.
    func run() async {
        await beginComposite()
        for await happening in mailbox.facts {
            if case .end = happening.fact {
                mailbox.entry.finish()
                await end(at: happening.wall)
                break
            }
            await take(happening.fact, at: happening.wall, happening.moment)
        }
    }

    private func take(_ fact: Fact, at wall: WallTime, _ moment: MonotonicTime) async {
        switch fact {
        case .opened(let track, let source, let stream):
            journal.append(.track(track), at: wall)
            guard recording.mode.hasTracks else { return }
            if let stream { live[source.stream] = stream }
            takes.opened(track, from: source, now: moment)
            settleLater()
        case .dropped(let track):
            journal.append(.trackEnded(track), at: wall)
            await carryOut(takes.dropped(track, now: moment))
            settleLater()
        case .forwarded(let track, let isForwarded):
            takes.forwarded(track, isForwarded, now: moment)
            settleLater()
        case .note(let entry):
            journal.append(entry, at: wall)
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

    /// Returns when it has been tried once: what follows in the journal is behind it.
    private func begin(_ take: RoomTake) async {
        let metadata: Logger.Metadata = ["room": "\(room)", "participant": "\(take.participant)"]
        let part = RoomPartRun.Part(
            name: "a participant of a recorded room", metadata: metadata, mayBeShared: !take.isOfRoom,
            source: { [weak self] () async throws(BridgeError) in
                guard let self else { throw BridgeError(.notFound, "The room is not recorded any more.") }
                return try await self.material(of: take)
            },
            release: {}, began: { [weak self] in await self?.began($0, take) },
            missed: { [weak self] error, since in await self?.write(.recordingFailed(take, error, since: since)) })
        let run = RoomPartRun(part, services: services)
        taken[take.number] = Taken(take: take, run: run)
        await run.begin(since: services.clock.wall(), take.since)
        await run.firstAttempt()
    }

    private func began(_ beginning: RoomPartRun.Beginning, _ take: RoomTake) {
        taken[take.number]?.newest = beginning
        write(.recording(beginning.recording, of: take, stream: beginning.stream, isShared: beginning.isShared))
    }

    private func material(of take: RoomTake) throws(BridgeError) -> (stream: LiveStream, request: RecordingRequest) {
        let source = try source(of: take)
        return (source, request(for: take, source))
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

    private func stop(_ number: Int) async { await taken.removeValue(forKey: number)?.run.end() }

    /// The room's one picture has a life of its own: what people publish is recorded meanwhile.
    private func beginComposite() async {
        guard recording.mode.hasComposite, let composites = services.composites else { return }
        let (room, order) = (room, order)
        let part = RoomPartRun.Part(
            name: "a room's picture", metadata: ["room": "\(room)"], mayBeShared: true,
            source: { () async throws(BridgeError) in
                let source = try await composites.start(room, for: .recording)
                let request = RecordingRequest(
                    context: source.context, destination: order.destination, webhookURL: order.webhookURL,
                    container: order.container ?? .usual(for: source.tracks))
                return (source, request)
            },
            release: { await composites.end(room, for: .recording) },
            began: { [weak self] in await self?.write(.composite($0.recording, stream: $0.stream, isShared: $0.isShared)) },
            missed: { [weak self] error, since in await self?.write(.compositeFailed(error, since: since)) })
        let run = RoomPartRun(part, services: services)
        composite = run
        await run.begin(since: recording.since)
    }

    private func write(_ entry: RoomRecordingEntry) { journal.append(entry, at: services.clock.wall()) }

    // MARK: - Clips

    private func cut(_ mark: RoomClipMark) {
        let marked = taken.values.filter { mark.track.map($0.take.tracks.contains) ?? true }.compactMap(\.newest)
        for one in marked { tasks.append(Task { [weak self] in await self?.cut(mark, of: one) }) }
    }

    private func cut(_ mark: RoomClipMark, of one: RoomPartRun.Beginning) async {
        guard let clip = await services.cut(mark, of: one.stream, in: room, for: account) else { return }
        journal.append(.clip(clip, of: mark.id, recording: one.recording), at: services.clock.wall())
    }
}
