internal import Bridge
internal import BridgeModel
internal import FoundationEssentials
internal import Logging
internal import Synchronization

/// One recording under way: its machine, its mailbox, and the children that write its file.
///
/// Facts are taken one at a time, and the effects of one are carried out before the next is looked at.
actor RecordingRun {
    private enum Item: Sendable {
        case input(RecordingMachine.Input)
        case source(LiveStream)
        case marker(CheckedContinuation<Void, Never>)
    }

    private let services: RecordingServices
    private let request: RecordingRequest?
    private let tell: @Sendable (RecordingUpdate) -> Void
    private let mailbox: (items: AsyncStream<Item>, entry: AsyncStream<Item>.Continuation)
    private let commits: RecordingCommits
    private var machine: RecordingMachine
    private let latest: Mutex<RecordingRow>
    /// From when on it is recorded. And the wall clock of the moment when it was asked for, minus the monotonic one: all its recorders write by that,
    /// since parts whose clocks differ cannot be joined.
    private let asked: (beginning: RecordingBeginning, wallOffset: Duration)
    /// The source that recorders are subscribed to; kept while it is away.
    private var source: LiveStream?
    private var recorders: [Int: any RunningPipeline] = [:]
    private var listeners: [Task<Void, Never>] = []
    private var timer: Task<Void, Never>?

    init(
        machine: RecordingMachine, request: RecordingRequest?, beginning: RecordingBeginning, services: RecordingServices,
        tell: @escaping @Sendable (RecordingUpdate) -> Void
    ) {
        self.machine = machine
        latest = Mutex(machine.row)
        self.request = request
        self.services = services
        self.tell = tell
        asked = (beginning, services.clock.wallOffset)
        let (items, entry) = AsyncStream<Item>.makeStream()
        mailbox = (items, entry)
        commits = RecordingCommits(
            services, metadata: machine.row.context.metadata.adding("recording", machine.row.id.rawValue))
    }

    /// The recording's row as it stands.
    nonisolated var row: RecordingRow { latest.withLock { $0 } }

    /// Media may still be added to it.
    nonisolated var isRunning: Bool { row.state.isRunning }

    /// Puts a fact into the mailbox.
    nonisolated func post(_ input: RecordingMachine.Input) { mailbox.entry.yield(.input(input)) }

    /// The stream has a source, for the first time or again.
    nonisolated func post(source: LiveStream) { mailbox.entry.yield(.source(source)) }

    /// Returns when everything that was posted before has been dealt with.
    nonisolated func settle() async {
        await withCheckedContinuation { continuation in
            if case .terminated = mailbox.entry.yield(.marker(continuation)) { continuation.resume() }
        }
    }

    /// Makes the row durable and starts the recorder where there is a source. Throws when nothing could be promised; it is over then.
    func begin(source: LiveStream?) async throws(BridgeError) {
        do throws(BridgeError) {
            try await services.files.open(machine.row.id)
            try await services.ledger.commit([.recording(machine.row)])
        } catch {
            await services.files.discard(machine.row.id)
            close()
            throw error
        }
        self.source = source
        let (now, wall) = (services.clock.now(), services.clock.wall())
        // The row is durable already.
        let effects = machine.begin(sourcePresent: source != nil, now: now, wall: wall).filter { $0 != .commit(machine.row, [], nil) }
        await carryOut(effects)
        armTimer()
    }

    /// Deals with the mailbox until the recording is over for good.
    func run(after effects: [RecordingMachine.Effect] = []) async {
        await carryOut(effects)
        publishRow()
        armTimer()
        var arrivals = mailbox.items.makeAsyncIterator()
        // A recovered recording may have nothing left to wait for.
        while !isOver, let item = await arrivals.next() { await take(item) }
        await tidy()
        close()
        // A recording that is over for its session is not forgotten before the ledger knows.
        await commits.finish()
    }

    private var isOver: Bool { machine.isFileComplete && machine.row.state.isFinal }

    private func close() {
        mailbox.entry.finish()
        timer?.cancel()
        listeners.forEach { $0.cancel() }
        // Whoever still waits for the mailbox has waited long enough.
        Task { [items = mailbox.items] in
            for await item in items {
                if case .marker(let continuation) = item { continuation.resume() }
            }
        }
    }

    private func take(_ item: Item) async {
        switch item {
        case .input(let input): await take(input)
        case .source(let stream): await take(stream)
        case .marker(let continuation): continuation.resume()
        }
    }

    private func take(_ stream: LiveStream) async {
        let hasSameTracks = source.map { $0.tracks.map(\.codec) == stream.tracks.map(\.codec) } ?? true
        source = stream
        await take(.sourceReturned(sameTracks: hasSameTracks))
    }

    private func take(_ input: RecordingMachine.Input) async {
        let effects = machine.handle(input, now: services.clock.now(), wall: services.clock.wall())
        await carryOut(effects)
        publishRow()
        armTimer()
    }

    /// After the effects: what others read is durable.
    private func publishRow() {
        let row = machine.row
        latest.withLock { $0 = row }
    }

    private func armTimer() {
        timer?.cancel()
        guard let deadline = machine.deadline else { return }
        timer = Task { [weak self, clock = services.clock] in
            guard (try? await clock.sleep(deadline)) != nil else { return }
            self?.post(.deadline)
        }
    }

    // MARK: - Effects

    private func carryOut(_ effects: [RecordingMachine.Effect]) async {
        for effect in effects { await carryOut(effect) }
    }

    private func carryOut(_ effect: RecordingMachine.Effect) async {
        switch effect {
        case .launchRecorder(let part): await launchRecorder(part)
        case .resumeRecorder: break  // the hub keeps its subscribers when a source returns
        case .stopRecorder(let part): recorders[part]?.send(.stop(deadline: Self.stopDeadline))
        case .killRecorder(let part): recorders[part]?.send(.stop(deadline: .zero))
        case .launchFinisher(let parts, let segment): await launchFinisher(parts, of: segment)
        case .promote(let file, let segment): await promote(file, of: segment)
        case .commit(let row, let segments, let outbox): await commit(row, segments, outbox)
        case .progress(let segment): await grown(segment)
        case .movieProgress(let part, let bytes, let segment):
            await grown(path(of: .movie(part)), to: bytes, rewritable: LiveMovie.room, segment)
        case .removeMovie(let part): await services.keeping.removeMovie(of: machine.name(of: part), in: machine.row.id)
        case .settle: await settleUploads()
        case .notify(let update): notify(update)
        }
    }

    private func notify(_ update: RecordingUpdate) {
        if update.state == .closing, !update.message.isEmpty {
            services.logger.warning("the recording ends, nobody asked for it", metadata: metadata.adding("reason", update.message))
        }
        tell(update)
    }

    /// What is left when there was nothing to record.
    private func tidy() async {
        guard machine.row.state == .failed, machine.row.failure?.code == .noMedia else { return }
        await services.files.discard(machine.row.id)
    }

    /// How long a recorder may take to close its file; the machine waits a little longer.
    private static let stopDeadline = Duration.seconds(3)

    private func launchRecorder(_ part: Int) async {
        guard let source else { return post(.launchFailed(part: part, BridgeError(.internal, "The recording has no source."))) }
        let tracks = request?.recorded(of: source.tracks) ?? source.tracks
        let plan = recordPlan(part, tracks: tracks)
        let id = PipelineID("\(machine.row.id)-\(part)")
        do throws(BridgeError) {
            // The segments before may have left it, and the folder with them.
            if part > 1 { try await services.files.open(machine.row.id) }
            let pipeline = try await services.launcher.launch(PipelinePlan(pipeline: id, work: .record(plan)))
            recorders[part] = pipeline
            services.hub.subscribe(
                id, to: source.id, tracks: tracks.map(\.index), sinks: pipeline.media, timing: timing)
            listen(to: pipeline, part: part)
        } catch {
            post(.launchFailed(part: part, error))
        }
    }

    /// A recorder that replaces another one goes on where that stopped, which is not long ago: what lies before is recorded.
    private var timing: SubscriptionTiming {
        let since = asked.beginning.moment
        guard machine.row.firstFrameWrittenAt != nil else { return .recorded(since: since, reachesBack: asked.beginning.reachesBack) }
        return .recorded(since: max(since, services.clock.now().advanced(by: .zero - Self.catchUp)))
    }

    /// As long as the hub keeps what comes while a recorder hangs.
    private static let catchUp = Duration.seconds(8)

    private func recordPlan(_ part: Int, tracks: [TrackDescription]) -> RecordPlan {
        let name = machine.name(of: part)
        var plan = RecordPlan(
            tracks: tracks, container: machine.row.container, fragment: services.settings.fragment,
            path: services.files.partPath(name, row: machine.row),
            wallClockOffset: asked.wallOffset, firstMediaTimeout: services.settings.firstMediaTimeout)
        plan.part = name
        plan.segmentation = machine.segmentation
        // What follows another part is joined to it, and no file of its own.
        if plan.container == .mp4, machine.onlyPart(of: name.segment) == name { plan.movie = services.settings.liveMovie }
        return plan
    }

    /// Where a recorder wrote it; empty for what a finisher makes.
    private func path(of file: RecordingMachine.FinishedFile) -> String {
        switch file {
        case .part(let part): return services.files.partPath(machine.name(of: part), row: machine.row)
        case .movie(let part):
            let name = machine.name(of: part)
            return name.moviePath(beside: services.files.partPath(name, row: machine.row))
        case .joined: return ""
        }
    }

    private func listen(to pipeline: any RunningPipeline, part: Int) {
        let hub = services.hub
        listeners.append(
            Task { [weak self] in
                for await event in pipeline.events { self?.post(.recorder(part: part, event)) }
                hub.unsubscribe(pipeline.id)
            })
    }

    private func launchFinisher(_ parts: [Int], of segment: SegmentRow) async {
        let row = machine.row
        guard let plan = services.files.finishPlan(parts.map(machine.name), of: segment) else {
            return post(.finisherFailed(BridgeError(.noMedia, "The recording has no parts.")))
        }
        let id = PipelineID("\(row.id)-finish-\(UUID().uuidString.prefix(8))")
        listeners.append(
            Task { [weak self, services] in
                await services.finishers.withPlace { [weak self] in await self?.finish(PipelinePlan(pipeline: id, work: .finish(plan))) }
            })
    }

    private func finish(_ plan: PipelinePlan) async {
        guard !Task.isCancelled else { return }
        do throws(BridgeError) {
            let pipeline = try await services.launcher.launch(plan)
            for await event in pipeline.events { post(.finisher(event)) }
        } catch {
            post(.finisherFailed(error))
        }
    }

    private func promote(_ file: RecordingMachine.FinishedFile, of segment: SegmentRow) async {
        await services.streaming.completed(path(of: file), name: segment.file)
        do throws(BridgeError) {
            try await services.files.promote(file, of: segment)
        } catch {
            services.logger.error("a finished recording could not be moved", metadata: metadata.adding("error", error.description))
        }
    }

    private func commit(_ row: RecordingRow, _ segments: [SegmentRow], _ outbox: RecordingMachine.Outbox?) async {
        var changes: [LedgerChange] = [.recording(row)] + segments.map { .segment($0) }
        if let step = RecordingStep(from: self.row.state, to: row.state) {
            changes += services.outbox.changes(for: .recordingAdvanced(row, step))
        }
        switch outbox {
        case .upload(let segment): changes.append(services.outbox.upload(of: segment, in: row))
        // Of a recording that stays here is told behind the last of its files.
        case .event where row.state == .ready: break
        case .event(let event): changes += services.outbox.changes(for: event)
        case nil: break
        }
        await commits.commit { [services, changes] () async throws(BridgeError) in
            try await services.store(changes, row, segments)
            services.outbox.wake()
            // From here on nobody writes the segment's row but its uploader, which reads it first.
            for segment in segments where segment.state == .ready || segment.state == .uploading {
                await services.registrar.complete(segment, of: row)
            }
        }
        latest.withLock { $0 = row }
    }

    private func grown(_ segment: SegmentRow) async {
        await services.journal.note(segment)
        // Of several parts, and for another container, the finisher makes a file that is not this one.
        guard let part = machine.onlyPart(of: segment.number), segment.container != .mp4 else { return }
        await grown(path(of: .part(part.number)), to: segment.sizeBytes, rewritable: Self.rewritable, segment)
    }

    private func grown(_ path: String, to size: Int64, rewritable: Int64, _ segment: SegmentRow) async {
        let file = GrowingFile(path: path, durableSize: size, rewritable: rewritable, isComplete: false)
        await services.streaming.grown(file, name: segment.file, of: machine.row)
    }

    /// The recorder writes the header again at the end, and the size of the cluster that it closes: both lie in here, or behind what is durable.
    private static let rewritable: Int64 = 64 * 1024

    /// Ends the recording if all its uploads were over before its last segment was.
    private func settleUploads() async {
        let id = machine.row.id
        await commits.commit { [services, weak self] () async throws(BridgeError) in
            let changes = try await services.segments.settle(id) { row, segments in
                guard let (row, event) = row.settled(with: segments) else { return [] }
                return [.recording(row)] + services.outbox.changes(for: event)
            }
            services.outbox.wake()
            for case .recording(let row) in changes { self?.post(.uploadChanged(row)) }
        }
    }

    private var metadata: Logger.Metadata {
        machine.row.context.metadata.adding("recording", machine.row.id.rawValue)
    }
}

extension RecordingServices {
    /// The changes, with what tells of a recording that stays here where all its files are registered already.
    fileprivate func store(_ changes: [LedgerChange], _ row: RecordingRow, _ segments: [SegmentRow]) async throws(BridgeError) {
        guard row.state == .ready else { return try await ledger.commit(changes) }
        let stored = try await self.segments.settle(row.id) { [outbox] _, stored in
            changes + outbox.completion(of: row, with: stored.replaced(by: segments))
        }
        // One that the spool tells of, and the ledger does not know.
        if stored.isEmpty { try await ledger.commit(changes + outbox.completion(of: row, with: segments)) }
    }
}

extension [SegmentRow] {
    /// With these rows instead of those of the same numbers.
    fileprivate func replaced(by changed: [SegmentRow]) -> [SegmentRow] {
        filter { row in !changed.contains { $0.number == row.number } } + changed
    }
}

extension RecordingRequest {
    /// What is recorded of these tracks: all, or all audio and the one video track that was asked for.
    func recorded(of tracks: [TrackDescription]) -> [TrackDescription] {
        guard let videoTrack else { return tracks }
        let videos = tracks.filter { $0.kind == .video }
        return tracks.filter { $0.kind == .audio || (videos.indices.contains(videoTrack) && $0 == videos[videoTrack]) }
    }
}

extension BridgeClock {
    /// Wall clock minus monotonic clock, now.
    var wallOffset: Duration {
        .nanoseconds(wall().nanoseconds - Int64(clamping: now().nanoseconds))
    }

    /// Returns after this time; throws when the task is cancelled.
    func pause(_ duration: Duration) async throws {
        try await sleep(now().advanced(by: duration))
    }
}
