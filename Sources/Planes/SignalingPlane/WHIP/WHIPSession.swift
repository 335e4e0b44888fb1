import Bridge
import BridgeModel
import Logging
import Signaling

/// One WHIP or WHEP session: runs its machine and does what it says. Inputs are taken one at a time; calls on the bridge are made one after
/// another beside them, so that a slow one delays no request, event or deadline.
actor WHIPSession: SessionHandle {
    /// Who waits for the machine.
    private struct Waiters {
        var opening: CheckedContinuation<Result<WHIPAnswer, WHIPError>, Never>?
        var patches: [WHIPRequestID: CheckedContinuation<Result<WHIPPatchOutcome, WHIPError>, Never>] = [:]
        var ends: [CheckedContinuation<Void, Never>] = []
        var lastRequest: UInt64 = 0
    }

    nonisolated let context: SessionContext
    private var machine: WHIPMachine
    private let engine: any PeerEngine
    private let clock: RTMClock
    private let logger: Logger
    private let inbox = SessionInbox<WHIPMachine.Input>()
    /// Bounded by the machine: a session has at most its candidates, its restarts and an end to call for.
    private let calls: AsyncStream<WHIPMachine.Call>.Continuation
    /// Both tasks' parts until `start` takes them.
    private var pendingStart: (queue: AsyncStream<WHIPMachine.Call>, calls: WHIPCalls)?
    private var work: [Task<Void, Never>] = []
    private var timer: DeadlineTimer
    private var waiters = Waiters()
    private var events = WHEPEventStreams()

    init(_ context: SessionContext, offer: WHIPOffer?, ports: WHIPPorts, limits: WHIPLimits, environment: (clock: RTMClock, logger: Logger))
    {
        self.context = context
        engine = ports.engine
        clock = environment.clock
        timer = DeadlineTimer(clock: environment.clock)
        var logger = environment.logger
        logger[metadataKey: "session"] = "\(context.session)"
        logger[metadataKey: "stream"] = "\(context.stream)"
        self.logger = logger
        machine = WHIPMachine(context: context, offer: offer, abilities: ports.engine.abilities, limits: limits)
        let (queue, calls) = AsyncStream.makeStream(of: WHIPMachine.Call.self)
        self.calls = calls
        pendingStart = (
            queue,
            WHIPCalls(
                services: ports.services, engine: ports.engine, offering: ports.offering, context: context, report: inbox.report)
        )
    }

    // MARK: - Life

    /// Begins, and returns with what the POST is answered with. `retired` is told when the session is over. Call once.
    func open(retired: @escaping @Sendable () async -> Void) async throws(WHIPError) -> WHIPAnswer {
        guard let (queue, calls) = pendingStart else { throw .notFound }
        pendingStart = nil
        let inputs = inbox.inputs
        work = [
            Task {
                for await input in inputs { self.step(input) }
                self.step(.end(.internalError))  // only an overflow ends the inbox before the session
            },
            Task {
                for await call in queue {
                    guard let outcome = await calls.perform(call, handle: self) else { continue }
                    self.step(.outcome(outcome))
                }
                await retired()
            },
        ]
        return try await withCheckedContinuation { continuation in
            waiters.opening = continuation
            step(.open)
        }.get()
    }

    /// Ends the session; returns when its end is durable.
    func end(_ cause: TerminationCause) async {
        step(.end(cause))
        guard machine.phase != .over else { return }
        await withCheckedContinuation { waiters.ends.append($0) }
    }

    /// Returns when the session is over and its peer is closed.
    func finished() async {
        for task in work { await task.value }
    }

    var phase: WHIPPhase { machine.phase }

    // MARK: - PATCH

    func patch(_ change: WHIPChange, if condition: EntityTagCondition) async throws(WHIPError) -> WHIPPatchOutcome {
        waiters.lastRequest += 1
        let request = WHIPRequestID(waiters.lastRequest)
        return try await withCheckedContinuation { continuation in
            waiters.patches[request] = continuation
            step(.patch(change, condition, request))
        }.get()
    }

    // MARK: - Events and layers

    func openEvents(_ kinds: Set<WHEPEvent.Kind>) throws(WHIPError) -> WHEPEventStreamID {
        guard machine.viewing != nil else { throw .notFound }
        return try events.open(kinds)
    }

    func readEvents(_ stream: WHEPEventStreamID?) throws(WHIPError) -> AsyncStream<WHEPEvent> {
        guard machine.viewing != nil else { throw .notFound }
        return try events.read(stream)
    }

    func closeEvents(_ stream: WHEPEventStreamID) throws(WHIPError) { try events.close(stream) }

    /// Whether anybody reads its events.
    var hasReaders: Bool { events.hasReaders }

    func note(isActive: Bool) { events.note(isActive: isActive) }

    /// Looks at what changes little by little.
    func refresh(viewers: Int) async {
        guard let viewing = machine.viewing else { return }
        let layers = await engine.layers(of: viewing.peer)
        events.note(viewers: viewers)
        events.note(
            layers: viewing.sections.map { section in
                WHEPEvent.SectionLayers(section: section.section, layers: layers.filter { $0.mid == section.mid })
            })
    }

    func selectLayer(_ choice: LayerChoice, section: Int?) async throws(WHIPError) {
        guard let viewing = machine.viewing else { throw .notFound }
        let meant = section.map { place in viewing.sections.first { $0.section == place } } ?? viewing.sections.first
        guard let meant else { throw .unsupported("The answer has no such video section.") }
        var choice = choice
        choice.mid = meant.mid
        do throws(BridgeError) {
            try await engine.select(choice, for: viewing.peer)
        } catch {
            throw error.code == .invalidField ? .unsupported(error.message) : error.code == .notFound ? .notFound : .bridge(error)
        }
    }

    // MARK: - The machine

    private func step(_ input: WHIPMachine.Input) {
        let before = machine.phase
        for effect in machine.handle(input, now: clock.now()) { perform(effect) }
        if machine.phase != before {
            logger.info("whip session state changed", metadata: ["from": "\(before.rawValue)", "to": "\(machine.phase.rawValue)"])
        }
        rearm()
    }

    private func perform(_ effect: WHIPMachine.Effect) {
        switch effect {
        case .call(let call):
            // Who hears of the stream tells so too, and may be later than the end that comes of it.
            if case .endSession(.monitoredSessionEnded) = call { note(isActive: false) }
            calls.yield(call)
        case .answer(let result):
            waiters.opening?.resume(returning: result)
            waiters.opening = nil
        case .reply(let request, let result): waiters.patches.removeValue(forKey: request)?.resume(returning: result)
        case .retire: retire()
        }
    }

    private func retire() {
        calls.finish()
        inbox.finish()
        events.closeAll()
        for waiter in waiters.ends { waiter.resume() }
        waiters.ends = []
    }

    // MARK: - The deadline

    private func rearm() {
        timer.arm(for: machine.deadline) { [weak self] deadline in await self?.deadlineReached(deadline) }
    }

    private func deadlineReached(_ deadline: MonotonicTime) {
        if timer.takes(deadline) { step(.time) }
    }
}
