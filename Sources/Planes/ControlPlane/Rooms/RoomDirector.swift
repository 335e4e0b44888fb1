internal import Bridge
internal import BridgeModel
internal import DequeModule

/// One room that runs: gives its machine what happens, and does what the machine says, one thing after another in its order.
actor RoomDirector {
    nonisolated let order: RoomOrder
    private nonisolated let environment: RoomEnvironment
    private let openedAt: WallTime
    private let retired: @Sendable () async -> Void
    var machine: RoomMachine
    private var doormen = RoomSockets()
    private var peers = RoomPeerBook()
    var cameras = RoomCameras()
    private var queue = Deque<RoomWork>()
    var tasks = RoomTasks()
    /// News of peers, to be heard in their order.
    private nonisolated let mailbox: AsyncStream<RoomNews>.Continuation

    /// `retired` is called once, when the room is over and everybody was told.
    init(_ order: RoomOrder, services: RoomServices, surroundings: RoomSurroundings, retired: @escaping @Sendable () async -> Void) {
        (self.order, self.retired) = (order, retired)
        environment = RoomEnvironment(services: services, surroundings: surroundings, media: services.makeMedia())
        openedAt = services.clock.wall()
        machine = RoomMachine(
            room: order.id, account: order.account, settings: order.settings, now: services.clock.now(), wall: openedAt)
        let (news, mailbox) = AsyncStream<RoomNews>.makeStream()
        self.mailbox = mailbox
        tasks.news = news
    }

    nonisolated var room: RoomID { order.id }
    nonisolated var account: AccountID { order.account }
    nonisolated var services: RoomServices { environment.services }
    nonisolated var media: any RoomMedia { environment.media }
    nonisolated var surroundings: RoomSurroundings { environment.surroundings }

    var status: RoomStatus { RoomStatus(machine, openedAt: openedAt) }

    /// Call once, first.
    func begin() {
        if let news = tasks.news {
            tasks.listener = Task { [weak self] in
                for await item in news { await self?.hear(item) }
            }
        }
        follow(machine.begin())
        if order.settings.record != nil {
            let (now, wall) = (services.clock.now(), services.clock.wall())
            follow(machine.administer(.record(usualRecording()), now: now, wall: wall).effects)
        }
    }

    var recordingRun: RoomRecordingRun? { tasks.recording }
    func keepRun(_ run: RoomRecordingRun?) { tasks.recording = run }
    /// One that was taken while the room is recorded outlives it.
    func keepPicture(_ id: String) { if tasks.recording != nil { tasks.pictures.insert(id) } }
    func liveStream(_ id: StreamID) -> LiveStream? { surroundings.live(id) }

    // MARK: - The machine

    func take(_ input: RoomMachine.Input) {
        follow(machine.handle(input, now: services.clock.now(), wall: services.clock.wall()))
    }

    /// Does what the account wants, and returns when it is done.
    func administer(_ command: RoomCommand) async throws(RoomError) {
        try await check(command)
        let (effects, refusal) = machine.administer(command, now: services.clock.now(), wall: services.clock.wall())
        follow(effects)
        if let refusal { throw refusal }
        await drained()
        if case .record(let order?) = command, let failed = tasks.failedRecording, failed.id == order.id { throw failed.error }
    }

    /// What the machine has decided holds at once; what is to be done waits for its turn.
    func follow(_ effects: [RoomMachine.Effect]) {
        var newSeats: [RoomSeat] = []
        for effect in effects {
            doormen.note(effect)
            switch effect {
            case .seatCamera(let seat):
                cameras.seated(seat, keptBy: keeper(of: seat))
                newSeats.append(seat)
            case .releaseCamera(let seat): cameras.released(seat)
            case .beginRecording(let recording, let order):
                enqueue(.beginRecording(recording, order, status))
                continue
            case .tell(_, .welcome(let snapshot)):
                enqueue(.effect(effect))
                if let offer = peers.unansweredOffer(to: snapshot.you) { enqueue(.tell(snapshot.you, offer)) }
                continue
            default: break
            }
            if let work = cameras.work(for: effect, hasSocket: { doormen.socket(of: $0) != nil }) { enqueue(work) }
        }
        showLater()
        surroundings.setPeople(machine.isOver ? nil : machine.participants.count { $0.role != .camera }, in: room, of: account)
        armTimer()
        for seat in newSeats {
            tellAbilities(of: seat)
            bring(seat)
        }
    }

    private func armTimer() {
        guard let deadline = machine.deadline, deadline != tasks.deadline else {
            if machine.deadline == nil { tasks.disarm() }
            return
        }
        tasks.arm(deadline) { [weak self, clock = services.clock] in
            guard (try? await clock.sleep(deadline)) != nil else { return }
            await self?.expire(deadline)
        }
    }

    private func expire(_ deadline: MonotonicTime) {
        guard tasks.deadline == deadline else { return }
        tasks.disarm()
        take(.deadline)
    }

    // MARK: - The queue

    func enqueue(_ work: RoomWork) {
        queue.append(work)
        guard tasks.worker == nil else { return }
        tasks.worker = Task { await workOff() }
    }

    /// Nothing waits to be done.
    var isIdle: Bool { queue.isEmpty }

    private func workOff() async {
        while let work = queue.popFirst() { await perform(work) }
        tasks.worker = nil
    }

    func drained() async { await withCheckedContinuation { enqueue(.bell($0)) } }

    /// The last thing: whoever stands at the door goes, too.
    func retire() async {
        for socket in doormen.all { close(socket, .normal) }
        tasks.disarm()
        tasks.viewers.finish()
        mailbox.finish()
        await services.recorder?.retired(room, keeping: tasks.pictures)
        await retired()
    }
}

// MARK: - Sockets

extension RoomDirector {
    /// A socket by a verified link; throws `limit_reached`.
    func enter(_ socket: RoomSocketID, _ entry: RoomSocket) throws(BridgeError) {
        guard !machine.isOver else { throw Self.gone }
        let limits = machine.settings.limits
        guard doormen.count < limits.participants + limits.knocking + Self.spareSockets else {
            throw BridgeError(.limitReached, "Too many sockets are open to this room; close one or try again in a minute.")
        }
        doormen.open(socket, entry)
    }

    /// Sockets beyond those of a full room: who returns may have an older one that nobody misses yet.
    private static let spareSockets = 32
    static let gone = BridgeError(.notFound, "There is no such room, or it is over; ask whoever ran it for a link to another one.")

    func receive(_ message: RoomSocketMessage, from socket: RoomSocketID, headroom: Int?) async {
        guard let entry = doormen[socket] else { return }
        switch message {
        case .request(.join(let name, let keepsPeers)):
            var join = RoomJoin(socket: socket, grant: entry.grant, name: name)
            join.keepsPeers = keepsPeers
            join.accountHeadroom = headroom
            take(.join(join))
        case .request(.seat(let order)): seat(order, from: socket)
        case .request(.record(let isOn)): await record(isOn, from: socket)
        // By `direct`: nobody else waits for a camera.
        case .cameraOrder: break
        case .request(.command(let command)): take(.command(command, from: socket))
        case .publishOffer(let sdp): enqueue(.publish(sdp, by: socket))
        case .subscribeAnswer(let sdp): enqueue(.accept(sdp, by: socket))
        }
        await drained()
    }

    func lost(_ socket: RoomSocketID) {
        guard doormen.forget(socket) else { return }
        take(.socketLost(socket))
    }

    func tell(_ socket: RoomSocketID, _ event: RoomSocketEvent) { doormen[socket]?.tell(event) }

    /// Whoever is away sees the whole room when they return.
    func tell(_ participant: ParticipantID, _ event: RoomSocketEvent) {
        if let socket = doormen.socket(of: participant) { tell(socket, event) }
    }

    func close(_ socket: RoomSocketID, _ end: RoomSocketEnd) {
        let entry = doormen[socket]
        _ = doormen.forget(socket)
        entry?.tell(.closed(end))
    }

    /// Who is in by this socket; nil when nobody is.
    func participant(of socket: RoomSocketID) -> ParticipantID? { doormen.participant(of: socket) }

    func mayPublish(_ socket: RoomSocketID) -> Bool {
        guard let role = doormen[socket]?.grant.role else { return false }
        return RoomTrackKind.allCases.contains { $0.publishing.permission(of: role) != .never }
    }
}

// MARK: - Peers

extension RoomDirector {
    func newNumber() -> Int { peers.next() }
    func enter(_ key: RoomPeerBook.Key, _ number: Int) -> Bool { peers.enter(key, number) }
    func forget(_ key: RoomPeerBook.Key) { peers.remove(key) }
    func answered(_ participant: ParticipantID) { peers.answered(participant) }

    /// Of the subscribing peer that there is, or that the next update makes.
    func subscriberNumber(_ key: RoomPeerBook.Key) -> Int {
        if let number = peers.number(key) { return number }
        let number = peers.next()
        _ = peers.enter(key, number)
        return number
    }

    nonisolated func hearing(_ key: RoomPeerBook.Key, _ number: Int) -> @Sendable (RoomMediaEvent) -> Void {
        { [post = mailbox] event in post.yield(.peer(key, number, event)) }
    }

    nonisolated var seatHearing: @Sendable (RoomLevel) -> Void {
        { [post = mailbox] level in post.yield(.level(level)) }
    }

    private func hear(_ news: RoomNews) {
        switch news {
        case .level(let level): take(.levels([level]))
        case .peer(let key, let number, let event): if peers.number(key) == number { hear(event, of: key) }
        }
    }

    private func hear(_ event: RoomMediaEvent, of key: RoomPeerBook.Key) {
        let participant = key.participant
        switch event {
        case .offer(let sdp, let tracks):
            let offer = RoomSocketEvent.subscribeOffer(sdp: sdp, tracks: tracks)
            peers.keep(offer, for: participant)
            enqueue(.tell(participant, offer))
        case .connected(let kind):
            enqueue(.tell(participant, .peer(kind, .connected)))
            showLater()
        case .disconnected(let kind): enqueue(.tell(participant, .peer(kind, .disconnected)))
        case .levels(let levels): take(.levels(levels))
        case .ended(let kind, let error):
            peers.remove(key)
            // It was closed by us.
            guard error != nil else { return }
            enqueue(.tell(participant, .peer(kind, .ended)))
            take(kind == .publish ? .publisherLost(participant) : .subscriberLost(participant))
        }
    }

    /// A track that the media could not open is no track.
    func unpublish(_ track: RoomTrack, _ error: BridgeError) {
        guard let socket = doormen.socket(of: track.owner) else { return take(.publisherLost(track.owner)) }
        tell(socket, .failed(error))
        take(.command(.unpublish(track.id), from: socket))
    }
}
