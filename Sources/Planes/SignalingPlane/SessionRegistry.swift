import Bridge
import BridgeModel
import Logging
import Signaling

/// Finds the session that a frame names, and keeps every open socket's port for the shutdown.
actor SessionRegistry {
    /// What became of a session id.
    enum Lookup: Sendable {
        case found(SessionContext)
        case ended
        case unknown
    }

    private let ports: RTMPorts
    private let environment: RTMEnvironment
    private var sessions: [SessionID: RTMSession] = [:]
    private var ended = EndedSessions()
    private var sockets: [SocketID: SocketPort] = [:]
    private var lastSocket: UInt64 = 0
    private var isDraining = false

    init(ports: RTMPorts, environment: RTMEnvironment) {
        self.ports = ports
        self.environment = environment
    }

    var sessionCount: Int { sessions.count }

    func phase(of session: SessionID) async -> SessionPhase? { await sessions[session]?.phase }

    // MARK: Sockets

    /// Takes a socket in; nil while draining.
    func open(_ transport: any RTMTransport, client: ClientID) -> SocketPort? {
        guard !isDraining else { return nil }
        lastSocket += 1
        let port = SocketPort(id: SocketID(lastSocket), client: client, transport: transport)
        sockets[port.id] = port
        return port
    }

    func closed(_ socket: SocketID) { sockets[socket] = nil }

    // MARK: Sessions

    /// The session of this id, if it is the token's and belongs to the path.
    func find(_ id: SessionID, grant: Grant, path: RTMPath) async -> Lookup {
        if let running = sessions[id] { return allow(running.context, grant, path) }
        if ended.contains(id, of: grant) { return .ended }
        guard let context = await ports.directory(id, grant) else { return .unknown }
        // While the directory was asked, the session may have begun and even ended.
        return ended.contains(id, of: grant) ? .ended : allow(context, grant, path)
    }

    /// The running session of this context, which begins now if there is none; nil while draining or full.
    func session(_ context: SessionContext) async -> RTMSession? {
        if let session = sessions[context.session] { return session }
        guard !isDraining, sessions.count < environment.settings.maximumSessions else { return nil }
        let session = RTMSession(context, ports: ports, environment: environment)
        sessions[context.session] = session
        await session.start { [weak self] retirement in await self?.retired(context, retirement) }
        return session
    }

    private func allow(_ context: SessionContext, _ grant: Grant, _ path: RTMPath) -> Lookup {
        guard context.account == grant.account, context.client == grant.client else { return .unknown }
        switch path {
        case .client: return context.direction == .publish ? .found(context) : .unknown
        case .supervisor: return context.direction == .watch ? .found(context) : .unknown
        case .native: return .found(context)
        }
    }

    private func retired(_ context: SessionContext, _ retirement: SessionMachine.Retirement) {
        sessions[context.session] = nil
        if retirement == .ended { ended.insert(context) }
    }

    /// Ends every session and closes every socket; returns when all ends are durable and all peers closed.
    func shutdown() async {
        isDraining = true
        await withTaskGroup(of: Void.self) { group in
            for session in sessions.values {
                group.addTask {
                    await session.end(.serverShutdown)
                    await session.finished()
                }
            }
        }
        for port in sockets.values { port.close(.goingAway) }
    }
}

/// Remembers sessions that ended lately, so that latecomers hear `session_ended` and not `session_not_found`.
struct EndedSessions: Sendable {
    private static let capacity = 4096
    private var contexts: [SessionID: SessionContext] = [:]
    /// Oldest at `oldest`, round about.
    private var order: [SessionID] = []
    private var oldest = 0

    mutating func insert(_ context: SessionContext) {
        guard contexts.updateValue(context, forKey: context.session) == nil else { return }
        guard order.count == Self.capacity else { return order.append(context.session) }
        contexts[order[oldest]] = nil
        order[oldest] = context.session
        oldest = (oldest + 1) % Self.capacity
    }

    /// Who the session was; nil when it is unknown or forgotten.
    func context(of id: SessionID) -> SessionContext? { contexts[id] }

    func contains(_ id: SessionID, of grant: Grant) -> Bool {
        guard let context = contexts[id] else { return false }
        return context.account == grant.account && context.client == grant.client
    }
}
