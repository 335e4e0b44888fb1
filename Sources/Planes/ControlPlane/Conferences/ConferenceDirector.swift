package import Bridge
package import BridgeModel
internal import Logging

/// Keeps streams in conferences elsewhere: runs a machine for each, one leg for each session, and remembers them beyond a restart.
package actor ConferenceDirector: ConferenceCommands {
    /// Conferences of one stream that did not come to their end.
    private static let mostOfAStream = 8

    private let services: Services
    private let transport: Transport
    private var live: [StreamID: LiveStream] = [:]
    private var entries: [ConferenceID: Entry] = [:]
    private var random = SystemRandomNumberGenerator()
    private var isShutDown = false

    package init(_ services: Services, transport: Transport) {
        self.services = services
        self.transport = transport
    }

    private struct Entry {
        var row: ConferenceRow
        var machine: ConferenceMachine
        var since: WallTime
        /// Of the session that is being made or runs; nil when there is none.
        var leg: (any OutwardLeg)?
        /// From the first session on, as long as the stream is there; nil where none was ordered.
        var wayBack: WayBack?
        var iceServers: [IceServer] = []
        /// Of former sessions, and of this one.
        var bytesBefore: UInt64 = 0
        var bytesNow: UInt64 = 0
        /// What the session suffers from.
        var flaw: BridgeError?
        var timer: Task<Void, Never>?
        /// False when its row is not to be written any more.
        var isStored = true
        var leavers: [CheckedContinuation<Void, Never>] = []

        var status: ConferenceStatus {
            get async {
                ConferenceStatus(
                    row: row, phase: machine.phase, since: since, attempts: machine.attempts, reason: machine.reason ?? flaw,
                    bytesSent: bytesBefore + bytesNow, wayBack: await wayBack?.status)
            }
        }
    }

    // MARK: - Life

    /// Reads what is to go on, and takes away what an earlier run left at far ends. Call once, before anything is served.
    package func recover() async throws(BridgeError) {
        let open = try await services.ledger.openFacts().filter { EventKind.conferenceBeginnings.contains($0.kind) }
        if !open.isEmpty {
            try await services.ledger.commit(services.outbox.changes(ending: open))
            services.outbox.wake()
        }
        for row in try await services.store.conferences() { enter(row) }
        for entry in entries.values where entry.row.resource != nil {
            let (row, calls) = (entry.row, services.calls)
            Task { [weak self] in
                await calls.call(row.target, resource: row.resource).leave()
                await self?.forget(row)
            }
        }
    }

    /// The former run's session is gone, unless a new one has taken its place.
    private func forget(_ former: ConferenceRow) async {
        guard entries[former.id]?.row.resource == former.resource else { return }
        entries[former.id]?.row.resource = nil
        await store(former.id)
    }

    private func enter(_ row: ConferenceRow) {
        let machine = row.end.map { ConferenceMachine(ended: $0) } ?? ConferenceMachine(limits: row.target.limits)
        entries[row.id] = Entry(row: row, machine: machine, since: services.clock.wall())
    }

    /// Takes what happens to streams.
    package func streamChanged(_ change: StreamTable.Change) async {
        switch change {
        case .started where isShutDown, .returned where isShutDown: break
        case .started(let stream):
            live[stream.id] = stream
            await take(.streamLive, ofAllOf: stream.id)
        case .returned(let stream): live[stream.id] = stream
        // It may return: the session stays.
        case .lost: break
        case .ended(let stream):
            live[stream] = nil
            await take(.streamEnded, ofAllOf: stream)
        }
    }

    /// Leaves every conference; the rows stay for the next run. Returns when the far ends were told, or after `limit`.
    package func shutDown(limit: Duration) async {
        isShutDown = true
        live = [:]
        for id in entries.keys { await take(.streamEnded, of: id) }
        let end = services.clock.now().advanced(by: limit)
        while entries.values.contains(where: { $0.leg != nil }), services.clock.now() < end {
            guard (try? await services.clock.pause(.milliseconds(20))) != nil else { return }
        }
    }

    // MARK: - The machines

    private func take(_ input: ConferenceMachine.Input, ofAllOf stream: StreamID) async {
        for (id, entry) in entries where entry.row.stream == stream { await take(input, of: id) }
    }

    private func take(_ input: ConferenceMachine.Input, of id: ConferenceID) async {
        guard var entry = entries[id] else { return }
        let former = entry.machine.phase
        let effects = entry.machine.handle(input, now: services.clock.now(), using: &random)
        if entry.machine.phase != former { entry.since = services.clock.wall() }
        entries[id] = entry
        armTimer(of: id)
        for effect in effects { await carryOut(effect, of: id) }
        if isOver(id), let wayBack = entries[id]?.wayBack ?? entry.wayBack {
            entries[id]?.wayBack = nil
            await wayBack.end()
        }
    }

    /// Neither a session nor the stream is there, or the conference is no more.
    private func isOver(_ id: ConferenceID) -> Bool {
        guard let phase = entries[id]?.machine.phase else { return true }
        return phase == .waiting || phase == .ended
    }

    private func armTimer(of id: ConferenceID) {
        guard let entry = entries[id] else { return }
        entry.timer?.cancel()
        entries[id]?.timer = entry.machine.deadline.map { deadline in
            Task { [weak self, clock = services.clock] in
                guard (try? await clock.sleep(deadline)) != nil else { return }
                await self?.take(.deadline, of: id)
            }
        }
    }

    private func carryOut(_ effect: ConferenceMachine.Effect, of id: ConferenceID) async {
        guard let row = entries[id]?.row else { return }
        let context = live[row.stream]?.context
        switch effect {
        case .open(let session): await open(session, of: id)
        case .restart:
            services.logger.info("the path of a session in a conference is lost; ICE begins anew", metadata: metadata(row))
            Task { [leg = entries[id]?.leg] in await leg?.restart() }
        case .close: await entries[id]?.leg?.close()
        case .reportConnected:
            services.logger.notice("a stream is elsewhere", metadata: metadata(row))
            await report(.conferenceConnected(row, context))
        case .reportDisconnected(let reason):
            services.logger.notice("a stream is not elsewhere any more", metadata: metadata(row, reason))
            await report(.conferenceDisconnected(row, context, reason))
        case .reportEnded(let reason):
            services.logger.warning("a conference does not take the stream", metadata: metadata(row, reason))
            entries[id]?.row.end = reason
            await store(id)
            await report(.conferenceFailed(row, context, reason))
        case .reportTrouble(let reason, let attempts):
            services.logger.warning("sessions in a conference fail one after the other", metadata: metadata(row, reason))
            await report(.conferenceTroubled(row, context, reason, attempts: attempts))
        case .reportTroubleEnded(let end):
            services.logger.notice("sessions in a conference do not fail any more", metadata: metadata(row))
            await report(.conferenceTroubleEnded(row, context, end))
        case .finished:
            let leavers = entries.removeValue(forKey: id)?.leavers ?? []
            for leaver in leavers { leaver.resume() }
        }
    }

    private func open(_ session: Int, of id: ConferenceID) async {
        guard let entry = entries[id], let stream = live[entry.row.stream] else { return await take(.closed(session: session), of: id) }
        if case .push(let target) = entry.row.target { return push(stream, to: target, session, of: id) }
        let tracks = ConferencePlan.tracks(of: stream.tracks)
        guard !tracks.isEmpty else {
            await take(.failed(session: session, Self.nothingToSend), of: id)
            return await take(.closed(session: session), of: id)
        }
        if tracks.count < stream.tracks.count {
            services.logger.notice("a conference gets no AAC, which browsers do not take", metadata: metadata(entry.row))
        }
        let leg = ConferenceLeg(
            stream: stream, call: services.calls.call(entry.row.target, resource: nil),
            services: .init(
                launcher: services.launcher, hub: services.hub, allowed: allowed(entry.row.target),
                wayBack: wayBack(of: id, to: stream))
        ) { [weak self] news in await self?.hear(news, session, of: id) }
        entries[id]?.leg = leg
        Task { [transport, clock = services.clock] in
            await leg.run { servers in
                // What it names now is newer than what came with a former answer.
                let ice = transport.ice(of: id, naming: servers.isEmpty ? entry.iceServers : servers, at: clock.wall())
                let plan = ConferencePlan(tracks: tracks, identity: transport.identity, ice: ice)
                return PipelinePlan(pipeline: PipelineID("conference-\(RandomUUID.text())"), work: .conference(plan))
            }
        }
    }

    private func push(_ stream: LiveStream, to target: PushTarget, _ session: Int, of id: ConferenceID) {
        let leg = PushLeg(
            stream: stream, target: target,
            services: .init(launcher: services.launcher, hub: services.hub, places: services.places, trust: transport.trust)
        ) { [weak self] news in await self?.hear(news, session, of: id) }
        entries[id]?.leg = leg
        Task { await leg.run() }
    }

    private func allowed(_ target: ConferenceTarget) -> @Sendable (String) -> String {
        { [rules = transport.rules, host = target.host] sdp in rules.keepingAllowedCandidates(of: sdp, host: host) }
    }

    /// One for all sessions; nil where none was ordered.
    private func wayBack(of id: ConferenceID, to stream: LiveStream) -> WayBack? {
        guard let target = entries[id]?.row.target, let name = target.returnStream else { return nil }
        if let known = entries[id]?.wayBack { return known }
        let wayBack = WayBack(
            name, to: stream.context, plan: ListenPlan(identity: transport.identity),
            services: .init(
                launcher: services.launcher, streams: services.streams, cameras: services.cameras, clock: services.clock,
                logger: services.logger, allowed: allowed(target),
                ice: { [transport, clock = services.clock] in transport.ice(of: id, at: clock.wall()) }))
        entries[id]?.wayBack = wayBack
        return wayBack
    }

    private static let nothingToSend = ConferenceFault(
        BridgeError(.conferenceRefused, "The stream is AAC alone, which no conference takes: publish Opus or video, then join again."),
        isPermanent: true)

    private func hear(_ news: ConferenceLeg.News, _ session: Int, of id: ConferenceID) async {
        switch news {
        case .holding(let resource):
            guard entries[id]?.row.resource != resource else { return }
            entries[id]?.row.resource = resource
            await store(id)
        case .answered(let servers): entries[id]?.iceServers = servers
        case .connected: await take(.connected(session: session), of: id)
        case .interrupted: await take(.interrupted(session: session), of: id)
        case .restartRefused: services.logger.info("ICE could not begin anew", metadata: entries[id].map { metadata($0.row) } ?? [:])
        case .failed(let fault):
            if let row = entries[id]?.row { services.logger.info("a session in a conference failed", metadata: metadata(row, fault.error)) }
            await take(.failed(session: session, fault), of: id)
        case .sent(let bytes): entries[id]?.bytesNow = bytes
        case .warned(let flaw):
            guard let entry = entries[id], entry.flaw != flaw else { return }
            entries[id]?.flaw = flaw
            if let flaw { services.logger.warning("a stream does not get elsewhere as it is", metadata: metadata(entry.row, flaw)) }
        case .closed:
            guard var entry = entries[id] else { return }
            entry.bytesBefore += entry.bytesNow
            (entry.bytesNow, entry.leg, entry.flaw) = (0, nil, nil)
            entries[id] = entry
            await take(.closed(session: session), of: id)
        }
    }

    // MARK: - Durable

    private func store(_ id: ConferenceID) async {
        guard let entry = entries[id], entry.isStored else { return }
        let row = entry.row
        do throws(BridgeError) {
            try await services.store.save(row)
        } catch {
            services.logger.error("a conference could not be stored", metadata: metadata(row, error))
        }
    }

    private func report(_ event: BridgeEvent) async {
        do throws(BridgeError) {
            try await services.ledger.commit(services.outbox.changes(for: event))
            services.outbox.wake()
        } catch {
            services.logger.error("a conference's event could not be stored", metadata: ["error": "\(error.description)"])
        }
    }

    private func metadata(_ row: ConferenceRow, _ reason: BridgeError? = nil) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["conference": "\(row.id)", "stream": "\(row.stream)", "kind": "\(row.target.kind.rawValue)"]
        if let reason { metadata["reason"] = "\(reason.description)" }
        return metadata
    }
}

// MARK: - Commands

extension ConferenceDirector {
    package func join(
        _ stream: StreamID, _ target: ConferenceTarget
    ) async throws(BridgeError) -> (status: ConferenceStatus, isNew: Bool) {
        guard !isShutDown else { throw BridgeError(.unavailable, "The bridge shuts down; try again when it is back.") }
        let others = entries.values.filter { $0.row.stream == stream && $0.row.end == nil }
        if let same = others.first(where: { $0.row.target == target }) { return (await same.status, false) }
        guard others.count < Self.mostOfAStream else {
            throw BridgeError(.limitReached, "The stream is in \(others.count) conferences and pushes; end one of them first.")
        }
        try check(target.returnStream, of: stream)
        let row = ConferenceRow(id: ConferenceID(RandomUUID.text()), stream: stream, target: target, createdAt: services.clock.wall())
        enter(row)
        do throws(BridgeError) {
            try await services.store.save(row)
        } catch {
            entries[row.id]?.isStored = false
            await take(.remove, of: row.id)
            throw error
        }
        let status = ConferenceStatus(row: row, phase: .waiting, since: row.createdAt)
        if live[stream] != nil { await take(.streamLive, of: row.id) }
        return (await entries[row.id]?.status ?? status, true)
    }

    /// A stream has one source.
    private func check(_ name: StreamID?, of stream: StreamID) throws(BridgeError) {
        guard let name else { return }
        guard name != stream else { throw BridgeError(.invalidField, "`return_stream` is the stream itself; choose another name.") }
        let isTaken = entries.values.contains { $0.row.end == nil && $0.row.target.returnStream == name }
        if isTaken { throw BridgeError(.invalidField, "Another conference gives its sound to \(name); choose another `return_stream`.") }
    }

    package func conferences(of stream: StreamID) async -> [ConferenceStatus] {
        await statuses(of: entries.values.filter { $0.row.stream == stream && !$0.row.target.kind.isPush })
    }

    package func pushes() async -> [ConferenceStatus] { await statuses(of: entries.values.filter { $0.row.target.kind.isPush }) }

    private func statuses(of entries: [Entry]) async -> [ConferenceStatus] {
        var all: [ConferenceStatus] = []
        for entry in entries { all.append(await entry.status) }
        return all.sorted { ($0.row.createdAt, $0.row.id.rawValue) < ($1.row.createdAt, $1.row.id.rawValue) }
    }

    package func conference(_ id: ConferenceID) async -> ConferenceStatus? { await entries[id]?.status }

    package func leave(_ id: ConferenceID) async throws(BridgeError) {
        guard entries[id] != nil else { throw BridgeError(.notFound, "There is no such conference.") }
        entries[id]?.isStored = false
        do throws(BridgeError) {
            try await services.store.remove(id)
        } catch {
            entries[id]?.isStored = true
            throw error
        }
        guard entries[id] != nil else { return }
        await withCheckedContinuation { leaver in
            entries[id]?.leavers.append(leaver)
            Task { await take(.remove, of: id) }
        }
    }
}
