package import Bridge
package import BridgeModel

extension SessionRegister: SessionDirectory {
    package func createSession(
        for grant: Grant, direction: SessionContext.Direction, stream: StreamID
    ) throws(BridgeError) -> SessionContext {
        try create(account: grant.account, client: grant.client, direction: direction, stream: stream)
    }

    package func session(_ id: SessionID) -> SessionContext? { context(of: id) }
}

/// The streams of the register with the hub's counters.
package struct LiveStreamCatalog: StreamCatalog {
    private let streams: StreamRegister
    private let hub: any MediaHub

    package init(streams: StreamRegister, hub: any MediaHub) {
        self.streams = streams
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
            statistics: await hub.statistics(of: stream.id))
    }
}
