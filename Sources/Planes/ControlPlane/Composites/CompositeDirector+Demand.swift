internal import Bridge
internal import BridgeModel
internal import LinuxIO

/// Composites that are made while somebody takes them. The stream is there all the time, by sockets that nothing comes through while nobody does: whoever
/// comes then waits for the process, which takes the sockets' place.
extension CompositeDirector {
    private static let look = Duration.milliseconds(250)
    /// Whoever comes back soon finds it running.
    private static let patience = Duration.seconds(10)

    /// From the first announcement until it is taken away.
    func serve(_ id: CompositeID) async {
        // Closed when nobody reads from the other ends any more.
        var ends: [Int32] = []
        defer { ends.forEach(closeDescriptor) }
        while entries[id] != nil {
            guard let new = await rest(id) else { return }
            ends.forEach(closeDescriptor)
            ends = new
            guard await isTaken(id) else { return }
            if let entry = entries[id] {
                do throws(BridgeError) {
                    let pipeline = try await services.launcher.launch(plan(entry))
                    let watch = Task { [weak self] in await self?.stopWhenIdle(id, pipeline) }
                    let reason = await run(id, pipeline)
                    watch.cancel()
                    if entries[id]?.status.phase != .idle { entries[id]?.status.reason = reason }
                } catch {
                    entries[id]?.status.reason = error
                }
            }
            guard let entry = entries[id], entry.status.phase != .idle else { continue }
            guard (try? await services.clock.pause(Self.firstPause)) != nil else { return }
        }
    }

    /// Nothing comes by its stream from here on; the far ends of its sockets, to be closed when something else does. Nil when it is over.
    private func rest(_ id: CompositeID) async -> [Int32]? {
        guard let entry = entries[id] else { return nil }
        var pairs: [(near: Int32, far: Int32)] = []
        for _ in entry.plan.tracks { if let pair = try? SocketPair.datagram(bufferBytes: 4096) { pairs.append(pair) } }
        let sources = pairs.map { MediaDescriptor($0.near) }
        guard let first = sources.first, pairs.count == entry.plan.tracks.count else {
            for pair in pairs { [pair.near, pair.far].forEach(closeDescriptor) }
            return nil
        }
        let stream = LiveStream(
            context: entry.context, tracks: entry.plan.tracks, peer: PeerID("idle-\(RandomUUID.text())"), source: .child(first),
            since: services.clock.wall())
        guard await services.streams.publish(stream, sources: sources) else {
            for pair in pairs { [pair.near, pair.far].forEach(closeDescriptor) }
            return nil
        }
        await announced(id, .idle)
        return pairs.map(\.far)
    }

    /// Returns when somebody takes the stream; false when it is over.
    private func isTaken(_ id: CompositeID) async -> Bool {
        while let entry = entries[id] {
            if await subscribers(of: entry.context.stream) > 0 { return true }
            guard (try? await services.clock.pause(Self.look)) != nil else { return false }
        }
        return false
    }

    private func subscribers(of stream: StreamID) async -> Int { await services.hub.statistics(of: stream)?.subscribers ?? 0 }

    private func stopWhenIdle(_ id: CompositeID, _ pipeline: any RunningPipeline) async {
        var idleSince: MonotonicTime?
        while let entry = entries[id], !Task.isCancelled {
            let now = services.clock.now()
            let isIdle = await subscribers(of: entry.context.stream) == 0
            idleSince = isIdle ? idleSince ?? now : nil
            if let idleSince, now.duration(since: idleSince) >= Self.patience {
                entries[id]?.status.phase = .idle
                return pipeline.send(.stop(deadline: Self.stopDeadline))
            }
            guard (try? await services.clock.pause(Self.look)) != nil else { return }
        }
    }
}
