package import Bridge
package import BridgeModel
internal import FoundationEssentials
internal import Logging

/// Begins recordings, tells each what happens to its stream, and takes up those that an earlier run of the bridge left.
package actor RecordingDirector: UploadObserver {
    private let services: RecordingServices
    private var runs: [RecordingID: Entry] = [:]
    private let announce: AsyncStream<RecordingLife>.Continuation
    /// What happens to recordings, in order; for one consumer.
    package nonisolated let life: AsyncStream<RecordingLife>
    /// Sessions whose recording began by itself: one that its user stopped does not begin again when the source returns.
    private var begunByTrigger: Set<SessionID> = []
    private var watchman: Task<Void, Never>?

    fileprivate struct Entry {
        var run: RecordingRun
        var context: SessionContext
        /// Whose source it records now: another session's than at first, where it follows its stream.
        var session: SessionID
        var followsStream = false
    }

    package init(services: RecordingServices) {
        self.services = services
        (life, announce) = AsyncStream.makeStream()
    }

    /// How many recordings are not over yet.
    package var count: Int { runs.count }

    /// The newest recording of the stream to which media may still be added; nil when there is none.
    func running(of stream: StreamID) -> RecordingID? {
        runs.values.filter { $0.context.stream == stream && $0.run.isRunning }.max { $0.run.row.startedAt < $1.run.row.startedAt }?.run.row
            .id
    }

    /// A recording of this run of the bridge, as it stands; nil when it is over.
    package func row(of id: RecordingID) -> RecordingRow? { runs[id]?.run.row }

    /// See `SessionServices.startRecording`. `tracks`: what the session publishes or is about to; `source`: the stream where it is live, asked
    /// for when the recording is there to be told of changes, so that none is missed in between; `beginning`: nil means now.
    package func start(
        _ request: RecordingRequest, tracks: [TrackDescription], source: @Sendable () async -> LiveStream?,
        beginning: RecordingBeginning? = nil, updates: @escaping @Sendable (RecordingUpdate) -> Void
    ) async throws(BridgeError) -> RecordingID {
        guard services.settings.trigger != .never else {
            throw BridgeError(.forbidden, "Recording is switched off here; set recording.trigger to request, session, always or event.")
        }
        guard !isRecording(request.context.session) else {
            throw BridgeError(.limitReached, "The session is being recorded already; stop that recording first.")
        }
        let row = try await makeRow(for: request, tracks: tracks)
        // Asked again: the look-up of the destination took its time.
        guard !isRecording(request.context.session) else {
            throw BridgeError(.limitReached, "The session is being recorded already; stop that recording first.")
        }
        let stream = request.context.stream
        let run = RecordingRun(
            machine: RecordingMachine(row: row, limits: limits(for: row.destination)), request: request,
            beginning: beginning ?? RecordingBeginning(since: services.clock.now()), services: services
        ) { [announce] update in
            updates(update)
            if !update.state.isRunning { announce.yield(.ended(stream, update.recording)) }
        }
        runs[row.id] = Entry(
            run: run, context: request.context, session: request.context.session, followsStream: request.followsStream)
        do throws(BridgeError) {
            try await run.begin(source: source())
        } catch {
            runs[row.id] = nil
            throw error
        }
        announce.yield(.began(stream, row.id, isOwn: request.followsStream))
        keep(run, id: row.id, effects: [])
        watchSpace()
        services.logger.info("recording started", metadata: request.context.metadata.adding("recording", row.id.rawValue))
        return row.id
    }

    /// Asks a recording to finish and returns when it has reached `closing`, durably: its session may begin another then. `byUser`: what began
    /// it may not begin another one at once. Throws `not_found` when it is over or was never there.
    package func stop(_ id: RecordingID, byUser: Bool = true) async throws(BridgeError) {
        guard let entry = runs[id] else { throw BridgeError(.notFound, "There is no running recording with this id.") }
        if byUser { announce.yield(.stoppedByUser(entry.context.stream, id)) }
        entry.run.post(.stop)
        await entry.run.settle()
    }

    /// Asks the session's recordings to finish and returns when each has reached `closing`, durably. `forGood`: its publisher will not come
    /// back by itself; else recordings that follow their stream wait for it.
    package func finish(session: SessionID, forGood: Bool = true) async {
        begunByTrigger.remove(session)
        if forGood { announce.yield(.sourceLeft(session)) }
        let ending = runs.values.filter { $0.session == session && (forGood || !$0.followsStream) }.map(\.run)
        for run in ending { run.post(.stop) }
        for run in ending { await run.settle() }
    }

    /// Ends what still runs, and returns when every recording is complete on disk, or after `limit`.
    package func waitForFiles(limit: Duration) async {
        for entry in runs.values where entry.run.isRunning { entry.run.post(.stop) }
        let end = services.clock.now().advanced(by: limit)
        while services.clock.now() < end {
            if runs.values.allSatisfy({ !RecordingState.incomplete.contains($0.run.row.state) }) { return }
            try? await services.clock.pause(.milliseconds(20))
        }
    }

    /// Tells the recordings of a stream what happened to it, and begins one where the configuration wants it.
    package func streamChanged(_ change: StreamTable.Change) async {
        switch change {
        case .started(let stream), .returned(let stream):
            for (id, entry) in runs where entry.isOf(stream) {
                if entry.followsStream { runs[id]?.session = stream.context.session }
                entry.run.post(source: stream)
            }
            await startWithSession(stream)
        case .lost(let id), .ended(let id):
            for entry in runs.values where entry.context.stream == id { entry.run.post(.sourceLost) }
        }
    }

    package func recordingChanged(_ row: RecordingRow) {
        runs[row.id]?.run.post(.uploadChanged(row))
    }

    /// Takes up recordings that ended with the process before. Call once, before anything is served.
    package func recover() async throws(BridgeError) {
        let findings = try await services.files.reconcile(patience: Self.patience)
        for segment in findings.withoutFile {
            services.logger.error(
                "the file of a finished recording is gone: look for it in a backup of the spool",
                metadata: ["recording": "\(segment.recording)", "stream": "\(segment.stream)", "file": "\(segment.file)"])
        }
        try await registerComplete()
        for unfinished in findings.unfinished {
            let (row, remains) = (unfinished.row, unfinished.remains)
            services.logger.warning(
                "recording of an earlier run taken up",
                metadata: row.context.metadata.adding("recording", row.id.rawValue).adding("parts", "\(remains.parts.count)"))
            takeUp(row, remains)
        }
    }

    /// A file that a camera recorded by itself becomes a recording, which goes the way of one that the bridge left unfinished: `row` is `closing`, and
    /// its only part in its place. Its row is durable when this returns.
    func adopt(_ row: RecordingRow) async throws(BridgeError) {
        try await services.ledger.commit([.recording(row)])
        takeUp(row, RecordingMachine.Remains(parts: [PartName(segment: 1, number: 1)]))
    }

    private func takeUp(_ row: RecordingRow, _ remains: RecordingMachine.Remains) {
        let (machine, effects) = RecordingMachine.recovered(
            row: row, remains: remains, limits: limits(for: row.destination), now: services.clock.now(), wall: services.clock.wall())
        let beginning = RecordingBeginning(since: services.clock.now())
        let run = RecordingRun(machine: machine, request: nil, beginning: beginning, services: services, tell: { _ in })
        runs[row.id] = Entry(run: run, context: row.context, session: row.context.session)
        keep(run, id: row.id, effects: effects)
    }

    /// How long recorders of the run before may take to close their files.
    private static let patience = Duration.seconds(5)

    // MARK: - Pieces

    private func limits(for destination: Destination) -> RecordingMachine.Limits {
        var limits = RecordingMachine.Limits()
        limits.firstMedia = services.settings.firstMediaTimeout
        limits.away = services.settings.grace
        // One URL takes one file.
        if case .put = destination { return limits }
        limits.segmentation = services.settings.segmentation
        return limits
    }

    private func isRecording(_ session: SessionID) -> Bool {
        runs.values.contains { $0.session == session && $0.run.isRunning }
    }

    private func keep(_ run: RecordingRun, id: RecordingID, effects: [RecordingMachine.Effect]) {
        Task { [weak self] in
            await run.run(after: effects)
            await self?.forget(id)
        }
    }

    private func forget(_ id: RecordingID) {
        runs[id] = nil
    }

    private func startWithSession(_ stream: LiveStream) async {
        let session = stream.context.session
        let trigger = services.policies.policy(of: stream.id).trigger
        guard trigger == .session, !isRecording(session), begunByTrigger.insert(session).inserted else { return }
        do throws(BridgeError) {
            _ = try await start(
                RecordingRequest(context: stream.context, container: .usual(for: stream.tracks)), tracks: stream.tracks, source: { stream },
                beginning: RecordingBeginning(since: MonotonicTime(nanoseconds: 0)), updates: { _ in })
        } catch {
            begunByTrigger.remove(session)
            services.logger.error(
                "a session's recording could not begin", metadata: stream.context.metadata.adding("error", error.description))
        }
    }

    private func makeRow(for request: RecordingRequest, tracks: [TrackDescription]) async throws(BridgeError) -> RecordingRow {
        let id = RecordingID(RandomUUID.text())
        let recorded = request.recorded(of: tracks)
        guard !recorded.isEmpty else {
            throw BridgeError(.unacceptableOffer, "The stream has no track that can be recorded.")
        }
        let container = Container.suitable(for: recorded, requested: request.container)
        let file = "\(id).\(container.fileExtension)"
        let choice = try await services.destinations.choice(for: request, file: file)
        var row = RecordingRow(
            id: id, context: request.context, state: .armed, container: container, file: file, destination: choice.destination,
            webhookURL: request.webhookURL, startedAt: services.clock.wall())
        row.choice = choice
        return row
    }

    /// Looks at the spool's disk every few seconds while anything is recorded.
    private func watchSpace() {
        guard watchman == nil else { return }
        watchman = Task { [weak self, clock = services.clock] in
            while await self?.lookAtSpace() == true { try? await clock.pause(Self.spaceInterval) }
        }
    }

    private static let spaceInterval = Duration.seconds(5)

    private func lookAtSpace() async -> Bool {
        guard runs.values.contains(where: \.run.isRunning) else {
            watchman = nil
            return false
        }
        if await !services.keeping.makeRoom() {
            services.logger.error("the spool's disk is nearly full; recordings are finished now, free space or move data.folder")
            await tellShortage()
            for entry in runs.values where entry.run.isRunning { entry.run.post(.spaceLow) }
        }
        return true
    }

    private func tellShortage() async {
        let shortage = await services.keeping.shortage()
        do throws(BridgeError) {
            try await services.ledger.commit(services.outbox.changes(for: .storageLow(shortage)))
            services.outbox.wake()
        } catch {
            services.logger.error("the event of a full disk could not be stored", metadata: ["error": "\(error.description)"])
        }
    }

    /// Files that were complete when an earlier run ended, and are not registered.
    private func registerComplete() async throws(BridgeError) {
        for segment in try await services.segments.segments(in: [.ready, .uploading, .delivered], limit: Self.registeredAtStart) {
            guard segment.sha256 == nil else {
                // Those that travel with a file are asked for by its delivery.
                await services.thumbnails.make(segment, isWanted: false)
                continue
            }
            guard await services.files.finishedPath(segment) != nil, let row = try await services.ledger.recording(segment.recording) else {
                continue
            }
            await services.registrar.complete(segment, of: row)
        }
    }

    private static let registeredAtStart = 10_000
}

extension RecordingDirector.Entry {
    fileprivate func isOf(_ stream: LiveStream) -> Bool {
        context.stream == stream.id && context.account == stream.context.account
    }
}
