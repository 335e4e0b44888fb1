import Bridge
import BridgeModel
import Logging
import Signaling

/// One session: runs its machine and does what it says. Inputs are taken one at a time; calls on the bridge are made one after another
/// beside them, so that a slow one delays no socket, event or deadline.
actor RTMSession: SessionHandle {
    nonisolated let context: SessionContext
    private var machine: SessionMachine
    /// Sockets that have sent something and are not closed yet: the owner, and for a moment its predecessor.
    private var ports: [SocketID: SocketPort] = [:]
    private let clock: RTMClock
    private let logger: Logger
    private let inbox: SessionInbox<SessionMachine.Input>
    /// Holds the one call that a message waits for and the closing of at most three peers; the machine makes no more.
    private let calls: AsyncStream<SessionMachine.ServiceCall>.Continuation
    /// Both tasks' parts until `start` takes them.
    private var pendingStart: (queue: AsyncStream<SessionMachine.ServiceCall>, calls: SessionCalls)?
    private var work: [Task<Void, Never>] = []
    private var timer: DeadlineTimer
    private var endWaiters: [CheckedContinuation<Void, Never>] = []
    private var retirement: SessionMachine.Retirement?

    init(_ context: SessionContext, ports: RTMPorts, environment: RTMEnvironment) {
        self.context = context
        clock = environment.clock
        timer = DeadlineTimer(clock: environment.clock)
        var logger = environment.logger
        logger[metadataKey: "session"] = "\(context.session)"
        self.logger = logger
        machine = SessionMachine(context: context, limits: environment.settings.session, now: clock.now())
        inbox = SessionInbox()
        let (queue, calls) = AsyncStream.makeStream(of: SessionMachine.ServiceCall.self)
        self.calls = calls
        pendingStart = (
            queue, SessionCalls(services: ports.services, layers: ports.layers, context: context, report: inbox.report)
        )
    }

    /// Starts the session's two tasks: events in, calls out. `retired` is told when both are through.
    func start(retired: @escaping @Sendable (SessionMachine.Retirement) async -> Void) {
        guard let (queue, calls) = pendingStart else { return }
        pendingStart = nil
        let events = inbox.inputs
        work = [
            Task {
                for await input in events { self.step(input) }
                self.step(.end(.internalError))  // only an overflow ends the inbox before the session
            },
            Task {
                for await call in queue {
                    guard let outcome = await calls.perform(call, handle: self) else { continue }
                    self.step(.outcome(outcome))
                }
                await retired(self.retirement ?? .ended)
            },
        ]
        rearm()
    }

    var phase: SessionPhase { machine.phase }

    // MARK: Inputs

    /// A message of a bound socket; true when the session has been started.
    func receive(_ request: RTMRequest, from port: SocketPort) -> Bool {
        ports[port.id] = port
        step(.request(request, from: port.id))
        return machine.phase != .new
    }

    /// A refused frame of a bound socket, whose error takes its turn.
    func receive(_ fault: RTMFault, from port: SocketPort) {
        ports[port.id] = port
        step(.fault(fault, from: port.id))
    }

    /// The socket is gone.
    func socketClosed(_ socket: SocketID, _ end: SessionMachine.SocketEnd) {
        step(.socketClosed(socket, end))
        ports[socket] = nil
    }

    /// Ends the session; returns when its end is durable.
    func end(_ cause: TerminationCause) async {
        step(.end(cause))
        guard retirement == nil else { return }
        await withCheckedContinuation { endWaiters.append($0) }
    }

    /// Returns when the session is over and its peers are closed.
    func finished() async {
        for task in work { await task.value }
    }

    // MARK: The machine

    private func step(_ input: SessionMachine.Input) {
        let before = machine.phase
        for effect in machine.handle(input, now: clock.now()) { perform(effect) }
        if machine.phase != before {
            logger.info("session state changed", metadata: ["from": "\(before.rawValue)", "to": "\(machine.phase.rawValue)"])
        }
        rearm()
    }

    private func perform(_ effect: SessionMachine.Effect) {
        switch effect {
        case .send(let reply, let socket): ports[socket]?.send(reply, session: context.session)
        case .close(let socket, let code): ports.removeValue(forKey: socket)?.close(code)
        case .call(let call): calls.yield(call)
        case .retire(let how): retire(how)
        }
    }

    private func retire(_ how: SessionMachine.Retirement) {
        retirement = how
        calls.finish()
        inbox.finish()
        for waiter in endWaiters { waiter.resume() }
        endWaiters = []
    }

    // MARK: The deadline

    private func rearm() {
        timer.arm(for: machine.deadline) { [weak self] deadline in await self?.deadlineReached(deadline) }
    }

    private func deadlineReached(_ deadline: MonotonicTime) {
        if timer.takes(deadline) { step(.time) }
    }
}
