package import Bridge
package import BridgeModel

/// Keeps the table of streams, tells the hub when one is over, and tells followers what changes.
package actor StreamRegister {
    /// What changes, in order; for one consumer.
    package nonisolated let changes: AsyncStream<StreamTable.Change>
    /// How loud streams are that come by peers, where somebody has asked the engine for it.
    package nonisolated let levels = StreamLevels()

    private let announce: AsyncStream<StreamTable.Change>.Continuation
    private let hub: any MediaHub
    private let edge: (any EdgePeers)?
    private let clock: BridgeClock
    private var table: StreamTable
    private var graceTimer: Task<Void, Never>?

    /// `grace`: how long a stream outlives its source. `edge`: where sources that are peers live.
    package init(hub: any MediaHub, edge: (any EdgePeers)? = nil, clock: BridgeClock, grace: Duration = .seconds(10)) {
        self.hub = hub
        self.edge = edge
        self.clock = clock
        table = StreamTable(grace: grace)
        (changes, announce) = AsyncStream.makeStream()
    }

    /// Streams whose source is there now.
    package var live: [LiveStream] { table.live }

    /// The stream, also while its source is away for a moment; nil when it is not published.
    package func stream(_ id: StreamID) -> LiveStream? { table.stream(id) }

    /// The session's stream, while its source is there.
    package func liveStream(of context: SessionContext) -> LiveStream? {
        table.live.first { $0.id == context.stream && $0.context.session == context.session }
    }

    /// The stream that a new session would watch, nil for one that would publish. Throws `not_found` when there is nothing to watch, and
    /// `unacceptable_offer` when the name belongs to another account.
    package func admit(_ context: SessionContext) throws(BridgeError) -> LiveStream? {
        let known = table.stream(context.stream)
        switch (context.direction, known) {
        case (.watch, nil): throw BridgeError(.notFound, "The stream is not published now; try again when its camera is back.")
        case (.watch, let stream?): return stream
        case (.publish, let stream?) where stream.context.account != context.account: throw Self.nameTaken
        case (.publish, _): return nil
        }
    }

    /// Why a publisher may not have its stream.
    package static let nameTaken = BridgeError(.unacceptableOffer, "Another account publishes a stream of this name.")

    /// Lets a connected source into the hub, a child's by its sockets, and enters the stream. False, and nothing done, when another account has
    /// a stream of this name.
    package func publish(_ stream: LiveStream, sources: [MediaDescriptor] = []) -> Bool {
        let replaced = table.stream(stream.id)
        guard replaced == nil || replaced?.context.account == stream.context.account else { return false }
        let effects = table.published(stream)
        if let replaced, effects.contains(.announce(.ended(stream.id))) { hub.unpublish(stream.id, source: replaced.source) }
        switch stream.source {
        case .child: hub.publish(stream.id, tracks: stream.tracks, sources: sources)
        case .peer(let peer): edge?.publish(peer)
        }
        carryOut(effects)
        return true
    }

    /// A source's transport is over; its stream waits for a return.
    package func sourceEnded(_ peer: PeerID, of stream: StreamID) {
        carryOut(table.sourceEnded(peer, of: stream, forGood: false, now: clock.now()))
    }

    /// The session that published is over. `forGood`: nobody waits for a return.
    package func sessionEnded(_ context: SessionContext, forGood: Bool) {
        guard let stream = table.stream(context.stream), stream.context.session == context.session else { return }
        carryOut(table.sourceEnded(stream.peer, of: stream.id, forGood: forGood, now: clock.now()))
    }

    /// Ends the stream of changes, when nothing is published any more.
    package func shutDown() {
        graceTimer?.cancel()
        announce.finish()
    }

    private func carryOut(_ effects: [StreamTable.Effect]) {
        for effect in effects {
            switch effect {
            case .announce(let change): announce.yield(change)
            case .unpublish(let stream, let source): hub.unpublish(stream, source: source)
            }
        }
        armTimer()
    }

    private func armTimer() {
        graceTimer?.cancel()
        guard let deadline = table.deadline else { return }
        graceTimer = Task { [weak self, clock] in
            guard (try? await clock.sleep(deadline)) != nil else { return }
            await self?.expire()
        }
    }

    private func expire() {
        carryOut(table.expire(now: clock.now()))
    }
}
