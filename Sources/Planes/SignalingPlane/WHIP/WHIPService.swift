package import Bridge
package import BridgeModel
package import Logging
package import Signaling

/// What WHIP and WHEP stand on.
package struct WHIPPorts: Sendable {
    package var services: any SessionServices
    package var engine: any PeerEngine
    /// The same engine, where it makes offers.
    package var offering: (any OfferingEngine)?
    package var directory: any SessionDirectory
    /// Whose source feeds a stream now; nil while it has none.
    package var publisher: @Sendable (StreamID) async -> SessionContext?
    /// How many sessions watch a stream.
    package var viewers: @Sendable (StreamID) async -> Int

    package init(
        services: any SessionServices, engine: any PeerEngine, offering: (any OfferingEngine)? = nil, directory: any SessionDirectory,
        publisher: @escaping @Sendable (StreamID) async -> SessionContext?, viewers: @escaping @Sendable (StreamID) async -> Int
    ) {
        self.services = services
        self.engine = engine
        self.offering = offering
        self.directory = directory
        self.publisher = publisher
        self.viewers = viewers
    }
}

/// What bounds WHIP and WHEP.
package struct WHIPSettings: Sendable, Equatable {
    package var session = WHIPLimits()
    /// Sessions at once; more are refused.
    package var maximumSessions = 10_000
    /// Offers that are being answered at once; more are refused, so that a flood of them stays bounded (RFC 9725 section 5).
    package var maximumOpening = 512
    /// How often viewers hear of layers and of each other.
    package var newsInterval: Duration = .seconds(2)

    package init() {}
}

/// Every WHIP and WHEP session of the bridge.
package actor WHIPService: WHIPSessions {
    private let ports: WHIPPorts
    private let settings: WHIPSettings
    private let clock: RTMClock
    private let logger: Logger
    private var sessions: [SessionID: WHIPSession] = [:]
    private var ended = EndedSessions()
    /// Sessions whose viewer has not answered the bridge's offer.
    private var unanswered: Set<SessionID> = []
    /// POSTs that are not answered yet.
    private var opening = 0
    private var reporter: Task<Void, Never>?
    private var isDraining = false

    package init(ports: WHIPPorts, settings: WHIPSettings = WHIPSettings(), clock: RTMClock, logger: Logger) {
        self.ports = ports
        self.settings = settings
        self.clock = clock
        self.logger = logger
    }

    // MARK: - Sessions

    package func create(_ order: WHIPOrder) async throws(WHIPError) -> WHIPAnswer {
        let offer = try usableOffer(of: order)
        guard !isDraining, opening < settings.maximumOpening, sessions.count < settings.maximumSessions else { throw Self.full }
        opening += 1
        defer { opening -= 1 }
        try await checkOccupation(by: order)
        let context = try await makeContext(for: order)
        // The waits above are over: from here to the entry nothing comes between.
        guard !isDraining, sessions.count < settings.maximumSessions, !isOccupied(context) else {
            await ports.directory.discardSession(context.session)
            throw isDraining ? Self.full : .occupied
        }
        let session = WHIPSession(context, offer: offer, ports: ports, limits: settings.session, environment: (clock, logger))
        sessions[context.session] = session
        do throws(WHIPError) {
            let answer = try await session.open { [weak self] in await self?.retired(context) }
            guard !Task.isCancelled else {
                // Whoever asked has gone: nobody will ever know the session's URL.
                await session.end(.connectionError)
                throw .notFound
            }
            if answer.isCounterOffer, sessions[context.session] != nil { unanswered.insert(context.session) }
            return answer
        } catch {
            await ports.directory.discardSession(context.session)
            throw error
        }
    }

    /// nil: the offer is well-formed, but breaks a rule, and the bridge answers it with one of its own.
    private func usableOffer(of order: WHIPOrder) throws(WHIPError) -> WHIPOffer? {
        do throws(WHIPError) {
            return try WHIPOffer(order.offer, direction: order.direction)
        } catch {
            guard case .unacceptable = error, order.direction == .watch, ports.offering != nil else { throw error }
            return nil
        }
    }

    private static let full = WHIPError.bridge(BridgeError(.unavailable, "The bridge takes no more sessions now; try again."))

    package func session(_ id: SessionID) async -> WHIPSessionSummary? {
        if let session = sessions[id] {
            let phase = await session.phase
            // Before its answer nobody can know it.
            guard phase != .opening else { return nil }
            return WHIPSessionSummary(
                context: session.context, isOver: phase == .ending || phase == .over, awaitsAnswer: phase == .offered)
        }
        return ended.context(of: id).map { WHIPSessionSummary(context: $0, isOver: true) }
    }

    package func patch(
        _ id: SessionID, _ change: WHIPChange, if condition: EntityTagCondition
    ) async throws(WHIPError) -> WHIPPatchOutcome {
        let outcome = try await find(id).patch(change, if: condition)
        if case .accepted = outcome { unanswered.remove(id) }
        return outcome
    }

    package func end(_ id: SessionID) async throws(WHIPError) {
        guard let session = sessions[id] else {
            guard ended.context(of: id) != nil else { throw .notFound }
            return
        }
        await session.end(.clientStop)
        // Until its peer is closed: whoever asked may count on the stream being free.
        await session.finished()
    }

    private func find(_ id: SessionID) throws(WHIPError) -> WHIPSession {
        guard let session = sessions[id] else { throw .notFound }
        return session
    }

    private func retired(_ context: SessionContext) async {
        sessions[context.session] = nil
        ended.insert(context)
        if unanswered.remove(context.session) != nil { await ports.directory.discardSession(context.session) }
    }

    /// How many sessions there are.
    package var count: Int { sessions.count }

    // MARK: - One publisher a stream

    /// The owner of a stream is the client that publishes it: its next session takes the place of the one before, another client's has to wait.
    private func checkOccupation(by order: WHIPOrder) async throws(WHIPError) {
        guard order.direction == .publish, let publisher = await ports.publisher(order.stream) else { return }
        guard publisher.account == order.grant.account, publisher.client == order.publisherName else { throw .occupied }
    }

    /// Sessions of this plane count from their offer on, before their media is up.
    private func isOccupied(_ context: SessionContext) -> Bool {
        guard context.direction == .publish else { return false }
        return sessions.values.contains { session in
            let other = session.context
            return other.direction == .publish && other.stream == context.stream
                && (other.account != context.account || other.client != context.client)
        }
    }

    private func makeContext(for order: WHIPOrder) async throws(WHIPError) -> SessionContext {
        var grant = order.grant
        grant.client = order.direction == .publish ? order.publisherName : order.viewerName
        do throws(BridgeError) {
            return try await ports.directory.createSession(for: grant, direction: order.direction, stream: order.stream)
        } catch {
            throw error.code == .limitReached ? .tooMany(error.message) : .bridge(error)
        }
    }

    // MARK: - Events and layers

    package func openEvents(of id: SessionID, _ kinds: Set<WHEPEvent.Kind>) async throws(WHIPError) -> WHEPEventStreamID {
        try await find(id).openEvents(kinds)
    }

    package func events(of id: SessionID, stream: WHEPEventStreamID?) async throws(WHIPError) -> AsyncStream<WHEPEvent> {
        let session = try find(id)
        // What there is to say is known before the reader is served, so that its first events tell all of it.
        await session.note(isActive: ports.publisher(session.context.stream) != nil)
        await session.refresh(viewers: ports.viewers(session.context.stream))
        let events = try await session.readEvents(stream)
        startReporter()
        return events
    }

    package func closeEvents(_ stream: WHEPEventStreamID, of id: SessionID) async throws(WHIPError) {
        try await find(id).closeEvents(stream)
    }

    package func selectLayer(_ choice: LayerChoice, section: Int?, for id: SessionID) async throws(WHIPError) {
        try await find(id).selectLayer(choice, section: section)
    }

    /// Tells viewers of a stream what happened to it.
    package func streamChanged(_ change: StreamTable.Change) async {
        switch change {
        case .started(let stream), .returned(let stream): await note(stream.id, isActive: true)
        case .lost(let id), .ended(let id): await note(id, isActive: false)
        }
    }

    private func note(_ stream: StreamID, isActive: Bool) async {
        for session in sessions.values where session.context.stream == stream && session.context.direction == .watch {
            await session.note(isActive: isActive)
        }
    }

    /// Runs while anybody reads events.
    private func startReporter() {
        guard reporter == nil, !isDraining else { return }
        reporter = Task { [weak self, clock, interval = settings.newsInterval] in
            while (try? await clock.sleep(clock.now().advanced(by: interval))) != nil {
                guard await self?.report() == true else { return }
            }
        }
    }

    private func report() async -> Bool {
        var viewers: [StreamID: Int] = [:]
        var hasReaders = false
        for session in sessions.values where await session.hasReaders {
            let stream = session.context.stream
            if viewers[stream] == nil { viewers[stream] = await ports.viewers(stream) }
            await session.refresh(viewers: viewers[stream] ?? 0)
            hasReaders = true
        }
        if !hasReaders { reporter = nil }
        return hasReaders
    }

    // MARK: - The end

    /// Ends all sessions with `SERVER_SHUTDOWN` and takes no more; returns when their ends are durable and their peers closed.
    package func shutdown() async {
        isDraining = true
        reporter?.cancel()
        await withTaskGroup(of: Void.self) { group in
            for session in sessions.values {
                group.addTask {
                    await session.end(.serverShutdown)
                    await session.finished()
                }
            }
        }
    }
}

extension WHIPOrder {
    /// Who publishes: the grant's client; the operator, who may publish everything, is of each stream another.
    fileprivate var publisherName: ClientID { grant.role == .admin ? ClientID(stream.rawValue) : grant.client }

    /// Viewers that share a token are many clients: none takes another's place.
    fileprivate var viewerName: ClientID { ClientID("\(grant.client)-\(RandomName.make().prefix(12))") }
}
