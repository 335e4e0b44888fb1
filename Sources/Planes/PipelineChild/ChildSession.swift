internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// One plan's life in the child: commands in order, one runner, one last word.
///
/// Lives on the GLib loop. The control socket is read on a thread of its own; `ping` is answered from the loop, so that a loop that hangs is seen.
actor ChildSession {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let channel: ControlChannel
    private let hasGStreamer: Bool
    private let inputs: AsyncStream<Input>
    private let inbox: AsyncStream<Input>.Continuation
    private var runner: (any PipelineRunner)?
    /// Nobody watches a child whose bridge died: a teardown that hangs must not keep the process.
    private var lastResort: Task<Void, Never>?

    /// How often counters are reported.
    private static let statisticsInterval: Duration = .seconds(5)
    /// What a runner gets to end in when nobody set a deadline: the bridge died or the pipeline failed.
    private static let unaskedDeadline: Duration = .seconds(5)

    /// What can happen to a session.
    private enum Input: Sendable {
        case command(PipelineCommand, descriptors: [Int32])
        case bridgeClosed
        case runnerFailed(BridgeError)
        /// A finisher has done its work; nobody needs to tell it to stop.
        case runnerFinished
        case statisticsDue
    }

    init(channel: ControlChannel, loop: GLibLoop, hasGStreamer: Bool) {
        self.channel = channel
        self.hasGStreamer = hasGStreamer
        self.loop = loop
        (inputs, inbox) = AsyncStream.makeStream()
    }

    /// Says `ready` and runs to the end; the result is the exit status.
    func run() async -> Int32 {
        guard let reader = try? DescriptorLoop(tick: .seconds(60), onTick: {}) else { return 1 }
        reader.add(channel.descriptor) { [channel, inbox, loop] in
            Self.readCommands(channel, reader, into: inbox, loop)
        }
        let inbox = self.inbox
        let timer = loop.scheduleRepeating(every: Self.statisticsInterval) { inbox.yield(.statisticsDue) }
        defer {
            timer.cancel()
            reader.stop()
        }
        channel.send(.ready)
        for await input in inputs {
            if let status = await take(input) { return status }
        }
        return 1
    }

    /// On the reader's thread: everything that has come.
    private static func readCommands(
        _ channel: ControlChannel, _ reader: DescriptorLoop, into inbox: AsyncStream<Input>.Continuation, _ loop: GLibLoop
    ) {
        while true {
            switch channel.receive() {
            case .command(.ping, let descriptors):
                descriptors.forEach(closeDescriptor)
                loop.post { channel.send(.alive) }
            case .command(let command, let descriptors): inbox.yield(.command(command, descriptors: descriptors))
            case .nothingYet: return
            case .closed:
                reader.remove(channel.descriptor)
                inbox.yield(.bridgeClosed)
                return
            }
        }
    }

    /// Does what an input asks for; a result ends the process with it.
    private func take(_ input: Input) async -> Int32? {
        switch input {
        case .command(.plan(let plan), let descriptors): return await begin(plan, media: descriptors)
        case .command(.stop(let deadline), let descriptors):
            descriptors.forEach(closeDescriptor)
            return await end(deadline: deadline)
        case .runnerFinished: return await end(deadline: Self.unaskedDeadline)
        case .command(.addInput(let input), let descriptors): await add(input, media: descriptors)
        case .command(let command, let descriptors):
            descriptors.forEach(closeDescriptor)
            await runner?.handle(command)
        case .bridgeClosed:
            lastResort = Self.endProcessLater()
            _ = await runner?.stop(deadline: Self.unaskedDeadline)
            return 0
        case .runnerFailed(let error): return await fail(error)
        case .statisticsDue: await reportStatistics()
        }
        return nil
    }

    private func begin(_ plan: PipelinePlan, media: [Int32]) async -> Int32? {
        guard runner == nil, media.count == plan.tracks.count else {
            media.forEach(closeDescriptor)
            return await fail(BridgeError(.internal, "A plan came twice or without its media sockets."))
        }
        guard hasGStreamer || !plan.needsGStreamer else {
            media.forEach(closeDescriptor)
            return await fail(BridgeError(.internal, "A plan that needs GStreamer came to a process without it."))
        }
        let (channel, inbox) = (channel, inbox)
        let events = EventSink { event in
            switch event {
            case .failed(let error): inbox.yield(.runnerFailed(error))
            case .finished: inbox.yield(.runnerFinished)
            default: channel.send(event)
            }
        }
        if hasGStreamer {
            let typefinders = ElementAllowList.needsTypefinders(plan.work)
            GStreamer.allowOnly(ElementAllowList.elements(for: plan.work), keepingTypefinders: typefinders)
        }
        let context = RunnerContext(media: media.map(DatagramSocket.init(descriptor:)), events: events, loop: loop)
        let runner = plan.makeRunner(context)
        self.runner = runner
        do throws(BridgeError) {
            try await runner.start()
            return nil
        } catch {
            return await fail(error)
        }
    }

    private func add(_ input: CompositeInput, media: [Int32]) async {
        guard let runner = runner as? any InputTaker, media.count == input.tracks.count else { return media.forEach(closeDescriptor) }
        await runner.add(input, sockets: media.map(DatagramSocket.init(descriptor:)))
    }

    private func end(deadline: Duration) async -> Int32 {
        let result = await runner?.stop(deadline: deadline) ?? PipelineResult()
        channel.send(.finished(bytes: result.bytes, duration: result.duration))
        return 0
    }

    /// The last word goes out first: taking a broken pipeline down may take its time.
    private func fail(_ error: BridgeError) async -> Int32 {
        HostFacts.logLine("viaduct-pipeline: \(error)")
        channel.send(.failed(error))
        _ = await runner?.stop(deadline: Self.unaskedDeadline)
        return 1
    }

    /// On no executor of ours, since the loop may be what hangs.
    private static func endProcessLater() -> Task<Void, Never> {
        Task { @concurrent in
            guard (try? await Task.sleep(for: unaskedDeadline * 2)) != nil else { return }
            HostFacts.endProcess(status: 1)
        }
    }

    private func reportStatistics() async {
        guard let runner else { return }
        var statistics = await runner.statistics()
        statistics.residentBytes = HostFacts.residentBytes
        channel.send(.stats(statistics))
    }
}
