internal import BridgeModel
internal import LinuxIO
package import LoadGeneration
internal import SDP
package import SecureTransport

/// One run of `viaduct load`: publishers, then viewers as the scenario has them, what they saw, and everybody's goodbye.
package struct LoadRun: Sendable {
    private let scenario: LoadScenario
    private let client: LoadClient
    private let publishing: (any LoadSignaling)?
    private let watching: (any LoadSignaling)?
    private let loop: LoadLoop
    private let ledger: LoadLedger
    /// Everybody leaves: viewers, then publishers.
    private let viewersLeave = Latch()
    private let publishersLeave = Latch()

    /// Streams that viewers are spread over: as many as publishers, one without any.
    private var streams: Int { max(1, scenario.publishers) }

    private static let progressInterval: Duration = .seconds(1)

    /// Starts the thread of the peers. `context` has the certificate that `client` names.
    package init(
        _ scenario: LoadScenario, client: LoadClient, publishing: (any LoadSignaling)?, watching: (any LoadSignaling)?, context: DTLSContext
    ) throws {
        self.scenario = scenario
        self.client = client
        self.publishing = publishing
        self.watching = watching
        loop = try LoadLoop(context: context, streams: max(1, scenario.publishers))
        ledger = LoadLedger()
    }

    /// Runs to the end of the scenario, or until `stop` is opened; `report` gets a line each second. Call it once.
    package func run(stop: Latch, report: @escaping @Sendable (LoadProgress) -> Void) async -> LoadReport {
        let startedAt = Self.now
        let window = await withDiscardingTaskGroup(returning: WindowTally?.self) { helpers in
            helpers.addTask { await showProgress(since: startedAt, report) }
            helpers.addTask {
                await stop.wait()
                if stop.isOpen { loop.abandonJoins() }
            }
            let window = await runPeers(stop: stop)
            helpers.cancelAll()
            return window
        }
        let tally = await ledger.tally
        loop.stop()
        return LoadReport(
            scenario: scenario, tally: tally, window: window, elapsed: Self.now.duration(since: startedAt), wasStopped: stop.isOpen)
    }

    private func runPeers(stop: Latch) async -> WindowTally? {
        await withDiscardingTaskGroup(returning: WindowTally?.self) { publishers in
            await start(scenario.publishers, at: scenario.publisherTime, in: &publishers, stop: stop) { await publish($0, stop: stop) }
            let window = await withDiscardingTaskGroup(returning: WindowTally?.self) { viewers in
                await waitForPublishers(stop: stop)
                await start(scenario.viewers, at: scenario.joinTime, in: &viewers, stop: stop) { await watch($0, stop: stop) }
                let window = await measure(stop: stop)
                viewersLeave.open()
                return window
            }
            publishersLeave.open()
            return window
        }
    }

    /// Adds `count` tasks at their times; those that the run is stopped before are left out.
    private func start(
        _ count: Int, at time: (Int) -> Duration, in group: inout DiscardingTaskGroup, stop: Latch,
        _ body: @escaping @Sendable (Int) async -> Void
    ) async {
        let startedAt = Self.now
        for index in 0..<count {
            let wait = time(index) - Self.now.duration(since: startedAt)
            // Behind the time, or nearly there: at a thousand joins a second timers cost more than they give.
            if wait > .milliseconds(1), await stop.wait(atMost: wait) { return }
            guard !stop.isOpen else { return }
            group.addTask { await body(index) }
        }
    }

    /// Viewers of our own publishers come when these send.
    private func waitForPublishers(stop: Latch) async {
        guard scenario.publishers > 0 else { return }
        while !stop.isOpen, await ledger.settledPublishers < scenario.publishers { _ = await stop.wait(atMost: Self.pollInterval) }
        _ = await stop.wait(atMost: Self.publishersLead)
    }

    /// What publishers sent before the first viewer comes, so that their streams are known.
    private static let publishersLead: Duration = .milliseconds(500)
    private static let pollInterval: Duration = .milliseconds(20)

    /// Waits until all viewers have joined or failed, and measures them: steady and storm. Churn is over when the last one has left.
    private func measure(stop: Latch) async -> WindowTally? {
        while !stop.isOpen, await ledger.settledViewers < scenario.viewers { _ = await stop.wait(atMost: Self.pollInterval) }
        guard scenario.kind != .churn, !stop.isOpen, await ledger.watching > 0 || scenario.viewers == 0 else { return nil }
        guard await !stop.wait(atMost: scenario.settle) else { return nil }
        loop.beginWindow()
        if let duration = scenario.duration { _ = await stop.wait(atMost: duration) } else { await stop.wait() }
        return await loop.endWindow()
    }

    private func showProgress(since startedAt: MonotonicTime, _ report: @Sendable (LoadProgress) -> Void) async {
        var last = (packets: await loop.packets(), time: Self.now)
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.progressInterval)
            guard !Task.isCancelled else { return }
            let now = (packets: await loop.packets(), time: Self.now)
            let seconds = Double(now.time.duration(since: last.time).wholeNanoseconds) / 1e9
            let rate = seconds > 0 ? Double(now.packets - last.packets) / seconds : 0
            report(await ledger.progress(elapsed: now.time.duration(since: startedAt), packetsPerSecond: rate))
            last = now
        }
    }

    private static var now: MonotonicTime { MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds) }
}

// MARK: - One peer

extension LoadRun {
    private func publish(_ index: Int, stop: Latch) async {
        guard let publishing else { return }
        await ledger.beginPublisher()
        let offer = client.publishingOffer()
        do throws(JoinFailure) {
            let joined = try await join(offer, by: publishing, stream: index, stop: stop) { answer throws(JoinFailure) in
                try client.publishingRole(offer, answer)
            }
            await ledger.settlePublisher(nil)
            await publishersLeave.wait()
            await ledger.endPublisher(await leave(joined))
        } catch {
            await ledger.settlePublisher(error)
        }
    }

    private func watch(_ index: Int, stop: Latch) async {
        guard let watching else { return }
        await ledger.beginViewer(at: Self.now)
        let offer = client.watchingOffer()
        let stream = scenario.stream(ofViewer: index, streams: streams)
        do throws(JoinFailure) {
            let joined = try await join(offer, by: watching, stream: stream, stop: stop) { answer throws(JoinFailure) in
                try client.watchingRole(answer, stream: stream)
            }
            await ledger.settleViewer(nil, at: Self.now)
            if scenario.kind == .churn { _ = await stop.wait(atMost: scenario.hold) } else { await viewersLeave.wait() }
            await ledger.endViewer(await leave(joined))
        } catch {
            await ledger.settleViewer(error, at: Self.now)
        }
    }

    /// A peer that has joined, and the session that the server keeps for it.
    private struct Joined {
        var id: PeerID
        var session: OpenSession
    }

    private func join(
        _ offer: ClientOffer, by signaling: any LoadSignaling, stream: Int, stop: Latch,
        role: (ClientAnswer) throws(JoinFailure) -> PeerPlan.Role
    ) async throws(JoinFailure) -> Joined {
        let startedAt = Self.now
        let session = try await signaling.open(offer.print(), stream: stream)
        do throws(JoinFailure) {
            guard !stop.isOpen else { throw .stopped }
            let answer = try Self.read(session.answer, to: offer)
            var plan = PeerPlan(
                answer: answer, offer: offer, role: try role(answer), startedAt: startedAt, answeredAt: Self.now)
            plan.profiles = client.profiles
            plan.joinBy = startedAt.advanced(by: client.patience)
            plan.seed = UInt64.random(in: .min ... .max)
            return Joined(id: try await loop.join(plan), session: session)
        } catch {
            await session.close()
            throw error
        }
    }

    private static func read(_ text: String, to offer: ClientOffer) throws(JoinFailure) -> ClientAnswer {
        guard let answer = try? ClientAnswer(text, to: offer) else { throw .badAnswer }
        return answer
    }

    private func leave(_ joined: Joined) async -> PeerRecord? {
        let record = await loop.leave(joined.id, saysGoodbye: !joined.session.isToldOfEnd)
        await joined.session.close()
        return record
    }
}
