import Bridge
import BridgeModel

/// A room with people in virtual time: gives facts, keeps what everybody was told.
struct RoomStage {
    static let room = RoomID("room-1")
    static let account = AccountID("account-1")
    static let arrow = AnnotationShape.arrow(from: PicturePoint(x: 0, y: 0), to: PicturePoint(x: 1, y: 1))

    /// To be set before the first use.
    var settings = RoomSettings()
    private(set) var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private(set) var wall = WallTime(milliseconds: 1_700_000_000_000)
    private var started: RoomMachine?
    private var lastSocket: UInt64 = 0
    private(set) var sockets: [String: RoomSocketID] = [:]
    /// What each socket was told, since `forget`.
    private(set) var told: [RoomSocketID: [RoomNotice]] = [:]
    private(set) var effects: [RoomMachine.Effect] = []

    var machine: RoomMachine { started ?? RoomMachine(room: Self.room, account: Self.account, settings: settings, now: now, wall: wall) }

    @discardableResult mutating func give(_ input: RoomMachine.Input) -> [RoomMachine.Effect] {
        var machine = begun()
        let new = machine.handle(input, now: now, wall: wall)
        started = machine
        note(new)
        return new
    }

    /// What the account wants; the refusal.
    mutating func administer(_ command: RoomCommand) -> RoomError? {
        var machine = begun()
        let (new, refusal) = machine.administer(command, now: now, wall: wall)
        started = machine
        note(new)
        return refusal
    }

    private mutating func begun() -> RoomMachine {
        if let started { return started }
        var machine = machine
        note(machine.begin())
        return machine
    }

    private mutating func note(_ new: [RoomMachine.Effect]) {
        effects += new
        for case .tell(let sockets, let notice) in new {
            for socket in sockets { told[socket, default: []].append(notice) }
        }
    }

    /// Lets time pass, and calls the machine whenever it wants to be.
    mutating func pass(_ duration: Duration) {
        let end = now.advanced(by: duration)
        while let deadline = machine.deadline, deadline <= end {
            advance(to: max(deadline, now))
            give(.deadline)
        }
        advance(to: end)
    }

    private mutating func advance(to time: MonotonicTime) {
        wall = wall.advanced(by: time.duration(since: now))
        now = time
    }

    mutating func forget() { (told, effects) = ([:], []) }

    // MARK: - People

    func grant(_ name: String, _ role: RoomRole) -> RoomGrant {
        var grant = RoomGrant(
            account: Self.account, room: Self.room, role: role, expiresAt: wall.advanced(by: .seconds(3600)),
            tokenID: "token-\(name)-\(role)")
        grant.identity = ParticipantID(name)
        return grant
    }

    /// Somebody comes to the door with a new socket.
    @discardableResult mutating func knock(
        _ name: String, _ role: RoomRole, _ change: (inout RoomJoin) -> Void = { _ in }
    ) -> RoomSocketID {
        lastSocket += 1
        let socket = RoomSocketID(lastSocket)
        var request = RoomJoin(socket: socket, grant: grant(name, role), name: name)
        change(&request)
        sockets[name] = socket
        give(.join(request))
        return socket
    }

    /// Somebody comes in and publishes what they may: a microphone and a camera.
    mutating func enter(_ name: String, _ role: RoomRole, admittedBy host: String? = nil) {
        knock(name, role)
        if let host { command(.admit(ParticipantID(name)), by: host) }
        command(.publish(.microphone, mid: "0"), by: name)
        command(.publish(.camera, mid: "1"), by: name)
    }

    /// A camera's agent comes to its seat and publishes.
    mutating func seatAgent(_ name: String) {
        _ = administer(.seat(SeatID(name), SeatOrder(source: .camera(ClientID(name)), displayName: name)))
        knock(name, .camera) {
            $0.grant.identity = nil
            $0.grant.seat = SeatID(name)
        }
        command(.publish(.microphone, mid: "0"), by: name)
        command(.publish(.camera, mid: "1"), by: name)
    }

    mutating func command(_ command: RoomCommand, by name: String) {
        guard let socket = sockets[name] else { return }
        give(.command(command, from: socket))
    }

    /// Gives a command; why it was refused.
    mutating func refusal(of command: RoomCommand, by name: String) -> RoomError.Code? {
        guard let socket = sockets[name] else { return .notJoined }
        for case .tell([socket], .refused(let error)) in give(.command(command, from: socket)) { return error.code }
        return nil
    }

    func id(_ name: String) -> ParticipantID {
        machine.seats.contains { $0.id.rawValue == name } ? .camera(of: SeatID(name)) : ParticipantID(name)
    }

    func track(of name: String, _ kind: RoomTrackKind = .microphone) -> RoomTrackID? {
        machine.tracks.first { $0.owner == id(name) && $0.kind == kind }?.id
    }

    /// What somebody was told since `forget`.
    func news(of name: String) -> [RoomNotice] { sockets[name].flatMap { told[$0] } ?? [] }

    /// The updates of somebody's subscriptions since `forget`.
    func updates(of name: String) -> [SubscriptionUpdate] {
        effects.compactMap { if case .subscribe(id(name), let update) = $0 { update } else { nil } }
    }

    var events: [RoomEvent] { effects.compactMap { if case .event(let event) = $0 { event } else { nil } } }
}
