import Bridge
import BridgeModel
import Logging
import Signaling
import WebServerKit

/// One RTM socket from upgrade to close: reads its frames in order, polices them and hands them to its session.
actor RTMConnection {
    private let port: SocketPort
    private let grant: Grant
    private let path: RTMPath
    private let registry: SessionRegistry
    private let clock: RTMClock
    private let logger: Logger
    private var machine: SocketMachine
    private var session: RTMSession?
    private var startTimer: Task<Void, Never>?

    init(port: SocketPort, grant: Grant, path: RTMPath, registry: SessionRegistry, environment: RTMEnvironment) {
        self.port = port
        self.grant = grant
        self.path = path
        self.registry = registry
        clock = environment.clock
        logger = environment.logger
        let settings = environment.settings
        machine = SocketMachine(
            client: grant.client, path: path, form: RTMForm(urls: settings.urls), limits: settings.socket, now: clock.now())
    }

    /// Serves the socket until it is closed, by whichever side.
    func run(_ events: AsyncStream<WebSocketEvent>) async {
        armStartTimer()
        var code: UInt16 = 1006  // RFC 6455 section 7.4.1: no close frame came
        reading: for await event in events {
            switch event {
            case .text(let text) where !port.isClosed: await receive(text)
            case .text: break
            case .binary: await close(.unsupportedData)
            case .closed(let reported):
                code = reported
                break reading
            }
        }
        startTimer?.cancel()
        await session?.socketClosed(port.id, SessionMachine.SocketEnd(code: code))
        await registry.closed(port.id)
    }

    private func receive(_ text: String) async {
        var known = machine.session
        do {
            try machine.admit(now: clock.now())
            let (envelope, named) = try machine.envelope(of: try? JSONValue.read(text.utf8))
            let context = try await context(of: named, for: envelope.kind)
            known = named
            let request = try machine.request(in: envelope, of: named)
            try await deliver(request, to: context)
        } catch {
            await refuse(error, in: known)
        }
    }

    private func context(of named: SessionID, for kind: RTMRequest.Kind) async throws(RTMFault) -> SessionContext {
        if let session, machine.session == named { return session.context }
        switch await registry.find(named, grant: grant, path: path) {
        case .found(let context): return context
        case .ended:
            let error = RTMError(.sessionEnded, "the session has ended; create a new one", field: "session_id")
            throw RTMFault(error, inReplyTo: kind.rawValue, close: .sessionEnded)
        case .unknown:
            let error = RTMError(.sessionNotFound, "no such session of this token", field: "session_id")
            throw RTMFault(error, inReplyTo: kind.rawValue, close: .notFound)
        }
    }

    private func deliver(_ request: RTMRequest, to context: SessionContext) async throws(RTMFault) {
        if session == nil { session = await registry.session(context) }
        guard let session else {
            let error = RTMError(.internal, "the bridge takes no more sessions now; try again later")
            throw RTMFault(error, inReplyTo: request.kind.rawValue, close: .tryAgainLater)
        }
        machine.bind(to: context.session)
        let isStarted = await session.receive(request, from: port)
        if isStarted || request.opensSession { sessionWasStarted() }
    }

    /// Tells the client, in its turn where the socket is bound; closes the socket where the fault says so.
    private func refuse(_ fault: RTMFault, in known: SessionID?) async {
        let fault = machine.counted(fault, now: clock.now())
        logger.debug("message refused", metadata: ["code": "\(fault.error.code.rawValue)"])
        if let session, fault.close == nil, fault.error.code != .rateLimited { return await session.receive(fault, from: port) }
        port.send(fault.reply, session: known)
        if let code = fault.close { await close(code) }
    }

    /// Closes for a fault: the session is told at once, since the code that comes back says nothing about what the client wants.
    private func close(_ code: CloseCode) async {
        port.close(code)
        await session?.socketClosed(port.id, .lost)
    }

    // MARK: 4408

    private func armStartTimer() {
        guard let deadline = machine.deadline else { return }
        startTimer = Task { [weak self, clock] in
            guard (try? await clock.sleep(deadline)) != nil else { return }
            await self?.startDeadlineReached()
        }
    }

    private func sessionWasStarted() {
        machine.sessionWasStarted()
        startTimer?.cancel()
    }

    private func startDeadlineReached() async {
        if machine.isLate(now: clock.now()) { await close(.startTimeout) }
    }
}

extension RTMRequest {
    fileprivate var opensSession: Bool { kind == .sessionStart || kind == .supervisorJoin }
}
