package import Bridge
package import BridgeModel
package import Logging

/// The cameras whose agents are connected, or were in this run of the bridge.
package actor CameraRegistry {
    /// A camera came, went, or can other things than before.
    package struct Change: Sendable {
        package var camera: DirectedCamera
        package var account: AccountID
    }

    private struct Key: Hashable {
        var account: AccountID
        var camera: ClientID
    }

    private struct Entry {
        var machine: CameraMachine
        var presence = CameraPresence()
        var since: WallTime
        var timer: (deadline: MonotonicTime, task: Task<Void, Never>)?
        /// What was said last of how it is, and by which socket.
        var word: (report: CameraReport, socket: CameraSocketID)?

        var deadline: MonotonicTime? { [machine.deadline, presence.deadline].compactMap { $0 }.min() }
        /// Its end is told before it is forgotten.
        var isForgettable: Bool { machine.isForgettable && presence.deadline == nil }
        /// Of the agent that is there.
        var report: CameraReport? { word.flatMap { $0.socket == machine.socket ? $0.report : nil } }
    }

    /// Cameras that are away are remembered as far as that.
    private static let longestMemory = 1000

    private let clock: BridgeClock
    private let logger: Logger
    private let journal: RoomJournal
    private var entries: [Key: Entry] = [:]
    private var sockets: [CameraSocketID: (key: Key, tell: @Sendable (CameraSocketEvent) -> Void)] = [:]
    private var lastSocket: UInt64 = 0
    private var waiters: [CameraMachine.Ticket: CheckedContinuation<BridgeError?, Never>] = [:]
    private var lastTicket: CameraMachine.Ticket = 0
    /// In the order in which they happen; one listener.
    package nonisolated let changes: AsyncStream<Change>
    private let news: AsyncStream<Change>.Continuation
    private var isShutDown = false

    package init(journal: RoomJournal, clock: BridgeClock, logger: Logger) {
        self.journal = journal
        self.clock = clock
        self.logger = logger
        (changes, news) = AsyncStream.makeStream()
    }

    private func take(_ input: CameraMachine.Input, _ key: Key) {
        var entry = entries[key] ?? Entry(machine: CameraMachine(key.camera), since: clock.wall())
        let effects = entry.machine.handle(input, now: clock.now())
        entries[key] = entry
        armTimer(key)
        for effect in effects { carryOut(effect, key) }
    }

    private func take(_ input: CameraPresence.Input, _ key: Key) {
        guard !isShutDown, let event = entries[key]?.presence.handle(input, now: clock.now()) else { return armTimer(key) }
        armTimer(key)
        journal.post(.camera(key.camera, key.account, event))
    }

    /// Tells of all cameras that they are gone. No event follows: `RoomJournal.finish` may be called.
    package func shutDown() {
        for key in entries.keys { take(CameraPresence.Input.stop(clock.wall()), key) }
        isShutDown = true
    }

    private func carryOut(_ effect: CameraMachine.Effect, _ key: Key) {
        switch effect {
        case .send(let number, let order, let socket): sockets[socket]?.tell(.order(number, order))
        case .close(let socket): sockets.removeValue(forKey: socket)?.tell(.closed)
        case .settle(let tickets, let error):
            for ticket in tickets { waiters.removeValue(forKey: ticket)?.resume(returning: error) }
        case .reportChange: report(key)
        }
    }

    private func report(_ key: Key) {
        entries[key]?.since = clock.wall()
        guard let camera = camera(key) else { return }
        logger.info("camera agent", metadata: ["camera": "\(key.camera)", "online": "\(camera.isOnline)"])
        news.yield(Change(camera: camera, account: key.account))
        forgetOldest()
    }

    private func forgetOldest() {
        guard entries.count > Self.longestMemory else { return }
        let oldest = entries.filter(\.value.isForgettable).min { $0.value.since.nanoseconds < $1.value.since.nanoseconds }
        if let oldest { entries[oldest.key] = nil }
    }

    private func camera(_ key: Key) -> DirectedCamera? {
        entries[key].map { entry in
            DirectedCamera(
                id: key.camera, abilities: entry.machine.abilities, isOnline: entry.machine.socket != nil, since: entry.since,
                report: entry.report)
        }
    }

    // MARK: - Time

    private func armTimer(_ key: Key) {
        let deadline = entries[key]?.deadline
        guard deadline != entries[key]?.timer?.deadline else { return }
        entries[key]?.timer?.task.cancel()
        entries[key]?.timer = deadline.map { deadline in
            let task = Task { [weak self, clock] in
                guard (try? await clock.sleep(deadline)) != nil else { return }
                await self?.expire(deadline, key)
            }
            return (deadline, task)
        }
    }

    private func expire(_ deadline: MonotonicTime, _ key: Key) {
        guard entries[key]?.timer?.deadline == deadline else { return }
        entries[key]?.timer = nil
        take(CameraMachine.Input.deadline, key)
        take(CameraPresence.Input.deadline, key)
    }
}

extension CameraRegistry: SeatedCameras {
    package func cameras(of account: AccountID) -> [DirectedCamera] {
        // A seat may wait for a camera that nobody has seen.
        entries.keys.filter { $0.account == account }.compactMap { seen($0) }.sorted { $0.id.rawValue < $1.id.rawValue }
    }

    package func camera(_ id: ClientID, of account: AccountID) -> DirectedCamera? { seen(Key(account: account, camera: id)) }

    package func perform(_ order: CameraOrder, on camera: ClientID, of account: AccountID) async throws(BridgeError) {
        let key = Key(account: account, camera: camera)
        guard seen(key) != nil else {
            throw BridgeError(
                .notFound, "No agent of a camera \"\(camera)\" has been seen; start it with viaduct camera, or check the name.")
        }
        lastTicket += 1
        let ticket = lastTicket
        let refusal = await withCheckedContinuation { waiter in
            waiters[ticket] = waiter
            take(.order(order, ticket), key)
        }
        if let refusal { throw refusal }
    }

    package func spoken(to camera: ClientID, of account: AccountID) -> StreamID? {
        entries[Key(account: account, camera: camera)]?.machine.spoken
    }

    package func set(_ need: CameraNeed?, by seat: CameraHold, of camera: ClientID, of account: AccountID) {
        let key = Key(account: account, camera: camera)
        guard need != nil || entries[key] != nil else { return }
        take(.need(need, seat), key)
        if entries[key]?.machine.isForgettable == true, entries[key]?.machine.wasSeen == false { entries[key] = nil }
    }

    private func seen(_ key: Key) -> DirectedCamera? { entries[key]?.machine.wasSeen == true ? camera(key) : nil }
}

extension CameraRegistry: CameraDoor {
    package func open(
        _ camera: ClientID, of account: AccountID, tell: @escaping @Sendable (CameraSocketEvent) -> Void
    ) -> CameraSocketID {
        lastSocket += 1
        let socket = CameraSocketID(lastSocket)
        sockets[socket] = (Key(account: account, camera: camera), tell)
        return socket
    }

    package func receive(_ message: CameraSocketMessage, from socket: CameraSocketID) {
        guard let key = sockets[socket]?.key else { return }
        switch message {
        case .hello(let abilities):
            take(.hello(abilities, socket), key)
            take(.came(abilities), key)
        case .done(let number): take(.done(number, socket), key)
        case .refused(let number, let error): take(.refused(number, error, socket), key)
        // The newest counts, and nobody is told: whoever wants to know asks.
        case .health(let health): entries[key]?.word = (CameraReport(health, at: clock.wall()), socket)
        }
    }

    package func lost(_ socket: CameraSocketID, _ end: CameraEnd) {
        guard let key = sockets.removeValue(forKey: socket)?.key, entries[key] != nil else { return }
        take(.gone(socket), key)
        if entries[key]?.machine.socket == nil { take(.went(end, clock.wall()), key) }
    }
}
