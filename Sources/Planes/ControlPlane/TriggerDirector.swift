package import Bridge
package import BridgeModel
internal import Logging

/// Runs the trigger of each stream: begins and ends recordings as the streams' policies say, and takes the events that are reported.
package actor TriggerDirector: TriggerCommands {
    private struct Entry {
        var trigger: RecordingTrigger
        var live: LiveStream?
        var timer: Task<Void, Never>?
    }

    private let services: RecordingServices
    private let recordings: RecordingDirector
    private let store: any RecordingPolicyStore & StreamEventArchive
    private let zones: any TimeZones
    private var entries: [StreamID: Entry] = [:]

    package init(
        services: RecordingServices, recordings: RecordingDirector, store: any RecordingPolicyStore & StreamEventArchive,
        zones: any TimeZones
    ) {
        self.services = services
        self.recordings = recordings
        self.store = store
        self.zones = zones
    }

    /// Reads the policies. Call once, before anything is served.
    package func recover() async throws(BridgeError) {
        services.policies.load(try await store.policies())
    }

    /// Takes what happens to recordings, until the task is cancelled. Call it once.
    package func run() async {
        for await change in recordings.life {
            switch change {
            case .began(let stream, let id, let isOwn): await take(.began(id, isOwn: isOwn), of: stream)
            case .stoppedByUser(let stream, let id): await take(.stoppedByUser(id), of: stream)
            case .ended(let stream, let id): await take(.ended(id), of: stream)
            case .sourceLeft(let session):
                guard let stream = entries.first(where: { $0.value.live?.context.session == session })?.key else { continue }
                await gone(stream)
            }
        }
    }

    /// Takes what happens to streams; call it after the recordings were told.
    package func streamChanged(_ change: StreamTable.Change) async {
        switch change {
        case .started(let stream): await came(stream, isNew: true)
        case .returned(let stream): await came(stream, isNew: false)
        case .lost(let stream), .ended(let stream): await gone(stream)
        }
    }

    private func came(_ stream: LiveStream, isNew: Bool) async {
        self[stream.id].live = stream
        keepPreRoll(of: stream.id)
        await take(.streamLive(isNew: isNew), of: stream.id)
    }

    private func gone(_ stream: StreamID) async {
        guard entries[stream] != nil else { return }
        entries[stream]?.live = nil
        await take(.streamGone, of: stream)
    }

    // MARK: - The triggers

    private subscript(stream: StreamID) -> Entry {
        get { entries[stream] ?? Entry(trigger: RecordingTrigger(policy: services.policies.policy(of: stream), limits: limits)) }
        set { entries[stream] = newValue }
    }

    private var limits: RecordingTrigger.Limits {
        var limits = RecordingTrigger.Limits()
        (limits.preRoll, limits.postRoll) = (services.settings.preRoll, services.settings.postRoll)
        return limits
    }

    private func take(_ input: RecordingTrigger.Input, of stream: StreamID) async {
        let effects = self[stream].trigger.handle(input, at: moment(of: stream))
        armTimer(of: stream)
        for effect in effects { await carryOut(effect, of: stream) }
    }

    private func moment(of stream: StreamID) -> RecordingTrigger.Moment {
        let wall = services.clock.wall()
        var moment = RecordingTrigger.Moment(now: services.clock.now(), wall: wall)
        if case .schedule(let schedule) = services.policies.policy(of: stream).trigger {
            moment.zoneOffset = zones.offset(of: schedule.timeZone, at: wall)
        }
        return moment
    }

    private func armTimer(of stream: StreamID) {
        guard let entry = entries[stream] else { return }
        entry.timer?.cancel()
        guard !entry.trigger.isIdle else {
            entries[stream] = nil
            return
        }
        entries[stream]?.timer = entry.trigger.deadline.map { deadline in
            Task { [weak self, clock = services.clock] in
                guard (try? await clock.sleep(deadline)) != nil else { return }
                await self?.take(.deadline, of: stream)
            }
        }
    }

    private func carryOut(_ effect: RecordingTrigger.Effect, of stream: StreamID) async {
        switch effect {
        case .start(let since): await start(stream, since: since)
        case .stop(let id): try? await recordings.stop(id, byUser: false)
        }
    }

    private func start(_ stream: StreamID, since: MonotonicTime) async {
        guard let live = entries[stream]?.live else { return await take(.startFailed, of: stream) }
        var request = RecordingRequest(context: live.context, container: .usual(for: live.tracks))
        request.followsStream = true
        do throws(BridgeError) {
            _ = try await recordings.start(
                request, tracks: live.tracks, source: { [weak self] in await self?.source(of: stream) },
                beginning: RecordingBeginning(since: since, reachesBack: true), updates: { _ in })
        } catch {
            let reason = services.policies.policy(of: stream).trigger.name
            services.logger.error(
                "a recording could not begin by itself; it is tried again",
                metadata: live.context.metadata.adding("trigger", reason).adding("error", error.description))
            await take(.startFailed, of: stream)
        }
    }

    private func source(of stream: StreamID) -> LiveStream? { entries[stream]?.live }

    /// What the stream's policy has the hub remember.
    private func keepPreRoll(of stream: StreamID) {
        let policy = services.policies.policy(of: stream)
        services.hub.keepPreRoll(policy.trigger == .event ? policy.preRoll ?? services.settings.preRoll : .zero, of: stream)
    }
}

// MARK: - Commands

extension TriggerDirector {
    package func policies() async -> [(stream: StreamID, policy: RecordingPolicy)] { services.policies.all }

    package func policy(of stream: StreamID) async -> (policy: RecordingPolicy, isOwn: Bool) {
        let own = services.policies.own(stream)
        return (own ?? services.policies.usual, own != nil)
    }

    package func set(_ policy: RecordingPolicy?, for stream: StreamID) async throws(BridgeError) {
        if case .schedule(let schedule)? = policy?.trigger, zones.offset(of: schedule.timeZone, at: services.clock.wall()) == nil {
            throw BridgeError(
                .invalidField, "There is no time zone \(schedule.timeZone); give a name of the time zone database, as Europe/Berlin.")
        }
        try await store.save(policy, for: stream)
        services.policies.set(policy, for: stream)
        guard entries[stream] != nil else { return }
        keepPreRoll(of: stream)
        await take(.policy(services.policies.policy(of: stream)), of: stream)
    }

    package func report(_ report: StreamEventReport, on stream: StreamID) async throws(BridgeError) -> StreamEvent {
        let at = services.clock.wall()
        // The recording first: what is lost of the picture is lost for good.
        await take(.event, of: stream)
        let context = entries[stream]?.live?.context
        let event = StreamEvent(
            id: RandomUUID.text(), stream: stream, report: report, at: at, recording: await running(of: stream))
        try await services.ledger.commit([.streamEvent(event)] + services.outbox.changes(for: .streamEvent(event, context)))
        services.outbox.wake()
        return event
    }

    package func streamEvents(_ query: StreamEventQuery) async throws(BridgeError) -> [StreamEvent] {
        try await store.streamEvents(query)
    }

    private func running(of stream: StreamID) async -> RecordingID? { await recordings.running(of: stream) }
}
