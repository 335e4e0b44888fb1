package import Bridge
package import BridgeModel

extension SessionRegister: SessionDirectory {
    package func createSession(
        for grant: Grant, direction: SessionContext.Direction, stream: StreamID
    ) throws(BridgeError) -> SessionContext {
        try create(account: grant.account, client: grant.client, direction: direction, stream: stream)
    }

    package func discardSession(_ id: SessionID) { discard(id) }

    package func session(_ id: SessionID) -> SessionContext? { context(of: id) }

    /// How many running sessions watch the stream.
    package func viewers(of stream: StreamID) -> Int { runningSessions.count { $0.direction == .watch && $0.stream == stream } }
}

/// The streams of the register with the hub's counters.
package struct LiveStreamCatalog: StreamCatalog {
    private let streams: StreamRegister
    private let viewers: @Sendable (StreamID) async -> Int
    private let hub: any MediaHub

    /// `viewers`: how many sessions watch a stream.
    package init(streams: StreamRegister, hub: any MediaHub, viewers: @escaping @Sendable (StreamID) async -> Int) {
        self.streams = streams
        self.viewers = viewers
        self.hub = hub
    }

    package func streams() async -> [StreamSummary] {
        var found: [StreamSummary] = []
        for stream in await streams.live.sorted(by: { $0.id.rawValue < $1.id.rawValue }) { found.append(await summary(of: stream)) }
        return found
    }

    package func stream(_ id: StreamID) async -> StreamSummary? {
        guard let stream = await streams.live.first(where: { $0.id == id }) else { return nil }
        return await summary(of: stream)
    }

    private func summary(of stream: LiveStream) async -> StreamSummary {
        StreamSummary(
            id: stream.id, account: stream.context.account, tracks: stream.tracks, since: stream.since,
            viewers: await viewers(stream.id),
            statistics: await hub.statistics(of: stream.id))
    }
}
