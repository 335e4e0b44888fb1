internal import CWebSockets
internal import CWebSocketsShims
import Synchronization

/// The sockets of one loop, for a server or for clients. An actor on the loop's own thread: nothing in here is ever touched from another.
///
/// Other threads use `post`, not `await`: a call costs one hop, not two, and is safe after the loop has ended.
actor SocketHost {
    nonisolated let limits: WebServerLimits
    nonisolated let counters = StatisticsCounters()
    nonisolated private let loop = ServiceLoop()
    private var connections: [ConnectionID: Connection] = [:]
    private var lastNumber = ConnectionID.firstConnection
    private var admission: Admission
    var virtualHosts: VirtualHostTable?
    var door: Door?
    private var timer: UnsafeMutablePointer<viaduct_lws_timer>?
    private var windDownWait: WindDownWait?
    /// Whether the host is on its way out.
    private(set) var isWindingDown = false
    /// Whether open WebSockets are being closed as well.
    private(set) var isClosingWebSockets = false

    init(limits: WebServerLimits) {
        self.limits = limits
        admission = Admission(limits: limits)
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Runs `body` on the loop, in the order of the calls.
    nonisolated func post(_ body: @escaping @Sendable (isolated SocketHost) -> Void) {
        loop.post { self.assumeIsolated(body) }
    }

    /// Starts the loop and its clock; from then on it must be stopped. False when libwebsockets fails.
    nonisolated func startLoop() -> Bool {
        guard loop.start(owner: self) else { return false }
        post { host in host.scheduleCheck() }
        return true
    }

    /// Ends the loop and closes what is still open.
    nonisolated func stopLoop() {
        post { host in
            host.door?.close()
            host.door = nil
            host.cancelCheck()
        }
        loop.stop()
    }

    /// The libwebsockets context, on the loop and while it runs.
    var context: OpaquePointer? { loop.context }

    /// The connection of that id, while it is open.
    func connection(_ id: ConnectionID) -> Connection? { connections[id] }

    /// A new name for a connection.
    func nextID() -> ConnectionID {
        lastNumber += 1
        return ConnectionID(number: lastNumber)
    }

    /// Keeps a connection from now until `closed`.
    func add(_ connection: Connection) {
        connections[connection.id] = connection
        admission.enter(connection.remoteAddress)
        counters.setOpenConnections(connections.count)
    }

    /// Takes in a socket that the listener has accepted.
    func admit(_ accepted: AcceptedSocket, through door: Door) {
        let verdict = admission.verdict(on: accepted.address, open: connections.count)
        guard verdict != .drop else { return accepted.close() }
        let role: any ConnectionRole =
            verdict == .admit
            ? HTTPServerRole(handler: door.handler, limits: limits, isSecure: door.isSecure) : RefusingRole(patience: limits.requestTimeout)
        if verdict == .refuse { counters.countRefusal() }
        let id = nextID()
        guard let vhost = virtualHosts?.serving, let socket = accepted.adopt(into: vhost, id: id) else { return }
        add(Connection(id: id, socket: socket, remoteAddress: accepted.address, isSecure: door.isSecure, role: role))
    }

    // Calls of libwebsockets, by way of `serviceCallback`.

    func received(_ bytes: UnsafeRawBufferPointer, by id: ConnectionID) {
        guard let connection = connections[id] else { return }
        connection.role.received(bytes, on: connection, of: self)
    }

    func becameWritable(_ id: ConnectionID) { connections[id]?.becameWritable(of: self) }

    func connected(_ id: ConnectionID) {
        guard let connection = connections[id], let role = connection.role as? ClientHandshakeRole else { return }
        role.connected(on: connection)
    }

    func failedToConnect(_ id: ConnectionID, reason: String) {
        (connections[id]?.role as? ClientHandshakeRole)?.fail(.connectFailed(reason: reason))
        closed(id)
    }

    func acceptConnections() {
        guard let door, !isWindingDown else { return }
        door.accept { admit($0, through: door) }
    }

    func closed(_ id: ConnectionID) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        admission.leave(connection.remoteAddress)
        counters.setOpenConnections(connections.count)
        connection.role.closed(by: self)
        checkWindDown()
    }

    // Deadlines.

    private func scheduleCheck() {
        guard let context else { return }
        let timer = self.timer ?? UnsafeMutablePointer<viaduct_lws_timer>.allocate(capacity: 1)
        if self.timer == nil {
            timer.initialize(to: viaduct_lws_timer())
            timer.pointee.owner = Unmanaged.passUnretained(self).toOpaque()
            self.timer = timer
        }
        viaduct_lws_timer_schedule(context, timer, limits.checkInterval) { entry in
            guard let entry else { return }
            // The entry is the first member of the timer.
            let timer = UnsafeMutableRawPointer(entry).assumingMemoryBound(to: viaduct_lws_timer.self)
            guard let owner = timer.pointee.owner else { return }
            Unmanaged<SocketHost>.fromOpaque(owner).takeUnretainedValue().assumeIsolated { $0.checkDeadlines() }
        }
    }

    private func cancelCheck() {
        guard let timer else { return }
        lws_sul_cancel(&timer.pointee.entry)
        timer.deallocate()
        self.timer = nil
    }

    private func checkDeadlines() {
        let now = ContinuousClock.now
        for connection in connections.values { connection.check(now: now, of: self) }
        door?.resume()
        checkWindDown()
        scheduleCheck()
    }

    // The end.

    /// Tells every connection that the host is on its way out, and waits until those that `wait` names are done.
    func windDown(_ wait: WindDownWait) {
        isWindingDown = true
        if wait.target == .everything { isClosingWebSockets = true }
        door?.close()
        door = nil
        windDownWait = wait
        for connection in connections.values { connection.role.windDown(on: connection, of: self) }
        checkWindDown()
    }

    private func checkWindDown() {
        guard let wait = windDownWait else { return }
        let isDone =
            switch wait.target {
            case .responses: !connections.values.contains { $0.role.isBusy }
            case .everything: connections.isEmpty
            }
        guard isDone || ContinuousClock.now > wait.deadline else { return }
        windDownWait = nil
        wait.continuation.resume()
    }
}

/// What a shutdown waits for at the moment, and how long.
struct WindDownWait: Sendable {
    enum Target {
        /// Responses that are being made or sent.
        case responses
        /// All connections, WebSockets included.
        case everything
    }

    let target: Target
    let deadline: ContinuousClock.Instant
    let continuation: CheckedContinuation<Void, Never>
}

extension WebServerLimits {
    /// How often deadlines are looked at, in microseconds: fine enough for the shortest of them, and once a second at most.
    fileprivate var checkInterval: Int64 {
        let shortest =
            [idleTimeout, requestTimeout, slowReaderTimeout, pingInterval, silenceTimeout, closeTimeout, connectTimeout].min()
            ?? .seconds(4)
        let quarter = shortest / 4
        return Int64(min(max(quarter / .microseconds(1), 10_000), 1_000_000))
    }
}
