package import Bridge
package import BridgeModel
package import SignalingPlane

/// A room behind its door: the real machine, with peers that answer every offer at once.
package actor BenchRoom: RoomDoor {
    /// Who comes by a token.
    package typealias Links = [String: RoomGrant]

    private struct Guest {
        let grant: RoomGrant
        let tell: @Sendable (RoomSocketEvent) -> Void
    }

    private struct Peers {
        var answers = 0
        /// The sections of each participant's subscribing peer.
        var sections: [ParticipantID: [RoomTrackID]] = [:]
        /// Whose answer is waited for.
        var offered: Set<ParticipantID> = []
        /// The last one that was described.
        var newest: (kind: RoomPeerKind, tell: @Sendable (RoomSocketEvent) -> Void)?
    }

    /// Offers that hold this text are refused.
    package static let unacceptable = "unacceptable"
    /// When a bench's time begins.
    package static let epoch = WallTime(milliseconds: 1_700_000_000_000)

    private var machine: RoomMachine
    private let links: Links
    private let clock: RTMClock
    private let begin: MonotonicTime
    private var guests: [RoomSocketID: Guest] = [:]
    private var lastSocket: UInt64 = 0
    private var peers = Peers()
    private var seats = 0
    /// Sockets that were lost, as the service has told.
    package private(set) var lost: [RoomSocketID] = []
    private var isHeld = false
    private var held: [CheckedContinuation<Void, Never>] = []
    /// What came in, in order.
    package private(set) var received: [RoomSocketMessage] = []

    package init(_ room: RoomID, settings: RoomSettings, links: Links, clock: RTMClock) {
        begin = clock.now()
        machine = RoomMachine(room: room, account: PlaneBench.account, settings: settings, now: begin, wall: Self.epoch)
        self.links = links
        self.clock = clock
        _ = machine.begin()
    }

    // MARK: RoomDoor

    package func open(
        _ room: RoomID, token: String, tell: @escaping @Sendable (RoomSocketEvent) -> Void
    ) async throws(BridgeError) -> RoomSocketID {
        guard room == machine.room else { throw BridgeError(.notFound, "There is no such room, or it is over.") }
        guard let grant = links[token], grant.room == room else {
            throw BridgeError(.forbidden, "The link is not for this room; ask whoever sent it for another one.")
        }
        // Whether an expired link still leads to its bearer's place is the room's to say.
        lastSocket += 1
        let socket = RoomSocketID(lastSocket)
        guests[socket] = Guest(grant: grant, tell: tell)
        return socket
    }

    package func receive(_ message: RoomSocketMessage, from socket: RoomSocketID) async {
        received.append(message)
        if isHeld { await withCheckedContinuation { held.append($0) } }
        guard let guest = guests[socket] else { return }
        switch message {
        case .request(.join(let name, let keepsPeers)):
            var join = RoomJoin(socket: socket, grant: guest.grant, name: name)
            join.keepsPeers = keepsPeers
            step(.join(join))
        case .request(.seat(let order)):
            seats += 1
            step(.command(.seat(SeatID("seat-\(seats)"), order), from: socket))
        case .request(.record(let isOn)):
            step(.command(.record(isOn ? RoomRecordingOrder(id: RoomRecordingID("recording-\(received.count)")) : nil), from: socket))
        case .request(.command(let command)): step(.command(command, from: socket))
        case .cameraOrder: break
        case .publishOffer(let sdp): publish(sdp, guest)
        case .subscribeAnswer(let sdp): accept(sdp, guest)
        }
    }

    /// Each camera does what it is told when it may be told.
    package func direct(_ order: CameraOrder, _ seat: SeatID, from socket: RoomSocketID) async -> RoomSocketEvent? {
        if isHeld { await withCheckedContinuation { held.append($0) } }
        let (effects, refusal) = machine.command(.commandCamera(seat, order), from: socket, now: now, wall: wall)
        for effect in effects { perform(effect) }
        return refusal.map { .notice(.refused($0)) }
    }

    package func lost(_ socket: RoomSocketID) async {
        lost.append(socket)
        step(.socketLost(socket))
        guests[socket] = nil
    }

    // MARK: The test's side

    /// Does what is due by now.
    package func wake() { step(.deadline) }

    /// When something is due next.
    package var deadline: MonotonicTime? { machine.deadline }

    /// The peer that was described last changes.
    package func peer(_ state: RoomPeerState) { peers.newest.map { $0.tell(.peer($0.kind, state)) } }

    /// From now on frames are held until `letGo`.
    package func hold() { isHeld = true }

    package func letGo() {
        isHeld = false
        for continuation in held { continuation.resume() }
        held = []
    }

    // MARK: Peers

    private func publish(_ sdp: String, _ guest: Guest) {
        guard !sdp.contains(Self.unacceptable) else {
            return guest.tell(.failed(BridgeError(.unacceptableOffer, "The offer holds nothing that the bridge can carry.")))
        }
        peers.answers += 1
        guest.tell(.publishAnswer(sdp: "answer \(peers.answers)"))
        peers.newest = (.publish, guest.tell)
    }

    private func accept(_ sdp: String, _ guest: Guest) {
        guard peers.offered.remove(guest.grant.participant) != nil else {
            return guest.tell(.failed(BridgeError(.notFound, "There is no offer to answer; wait for the next one.")))
        }
        peers.newest = (.subscribe, guest.tell)
    }

    private func subscribe(_ participant: ParticipantID, _ update: SubscriptionUpdate) {
        guard !update.added.isEmpty || !update.removed.isEmpty else { return }
        peers.sections[participant, default: []].removeAll(where: update.removed.contains)
        peers.sections[participant, default: []] += update.added.map(\.track)
        let tracks = peers.sections[participant, default: []].enumerated().map { ("\($0.offset)", $0.element) }
        peers.offered.insert(participant)
        for guest in guests.values where guest.grant.participant == participant {
            guest.tell(.subscribeOffer(sdp: "offer \(tracks.count)", tracks: Dictionary(uniqueKeysWithValues: tracks)))
        }
    }

    // MARK: The machine

    private var now: MonotonicTime { clock.now() }
    private var wall: WallTime { Self.epoch.advanced(by: now.duration(since: begin)) }

    private func step(_ input: RoomMachine.Input) {
        for effect in machine.handle(input, now: now, wall: wall) { perform(effect) }
    }

    private func perform(_ effect: RoomMachine.Effect) {
        switch effect {
        case .tell(let sockets, let notice): for socket in sockets { guests[socket]?.tell(.notice(notice)) }
        case .closeSocket(let socket, let end): guests.removeValue(forKey: socket)?.tell(.closed(end))
        case .subscribe(let participant, let update): subscribe(participant, update)
        case .renewSubscriber(let participant), .closePeers(let participant):
            peers.sections[participant] = nil
            peers.offered.remove(participant)
        case .openTrack, .forward, .dropTrack, .seatCamera, .releaseCamera, .beginRecording, .endRecording, .keep, .keepClip,
            .takePicture, .takeFrame, .dropPicture, .beginSingle, .endSingle, .revokeLink, .event, .retire:
            break
        }
    }
}
