package import BridgeModel

/// A room as a machine: facts and wishes in, effects out, no clock and no IO. `Rooms.md` tells its rules.
///
/// Call `begin` first, `handle` for every fact and `administer` for what the account wants; and `handle(.deadline)` when `deadline` has passed.
/// What is due is done before anything else, however late the machine is called.
package struct RoomMachine: Sendable {
    package let room: RoomID
    package let account: AccountID
    package let settings: RoomSettings

    /// It takes nothing any more.
    package internal(set) var isOver = false

    /// Everybody, in the order in which they came.
    package var participants: [RoomParticipant] { members.map(\.info) }
    /// Who speaks, or did last; nil when nobody has for a while.
    package var speaker: ParticipantID? { floor.speaker }
    /// Those who wait to be let in, in the order in which they came.
    package var waiting: [ParticipantID] { knocks.map(\.id) }

    var members: [RoomMember] = []
    var knocks: [RoomKnock] = []
    /// In the order in which they were published.
    package internal(set) var tracks: [RoomTrack] = []
    package internal(set) var seats: [RoomSeat] = []
    var seatEnds: [SeatID: MonotonicTime] = [:]
    package internal(set) var boards: [RoomBoard] = []
    /// nil: it is not recorded.
    package internal(set) var recording: RoomRecording?
    var chat: ChatLog
    var floor = ActiveSpeaker()
    package internal(set) var spotlight: [RoomTrackID] = []
    /// What a host has muted stays so, also for who publishes or comes anew.
    var hostMutes: [ParticipantID: Set<RoomTrackKind>] = [:]
    var barredLinks: Set<String> = []
    var barredPeople: Set<ParticipantID> = []
    var denied: [ParticipantID: MonotonicTime] = [:]
    /// Whose socket it is, of those who are in.
    var sockets: [RoomSocketID: ParticipantID] = [:]

    var flushAt: MonotonicTime?
    var idleAt: MonotonicTime?
    var lastTrack = 0
    var lastBoard = 0
    var lastClip = 0
    var lastHand = 0

    /// The moment of the step that runs.
    var now: MonotonicTime
    var wall: WallTime
    /// What the step has decided so far.
    var output: [Effect] = []

    package init(room: RoomID, account: AccountID, settings: RoomSettings, now: MonotonicTime, wall: WallTime) {
        self.room = room
        self.account = account
        self.settings = settings
        self.now = now
        self.wall = wall
        chat = ChatLog(limit: settings.limits.chatHistory)
    }

    /// When to call `handle(.deadline)`; nil when nothing is waited for.
    package var deadline: MonotonicTime? {
        let ofPeople = members.compactMap(\.awayUntil) + knocks.map(\.until) + seatEnds.values
        return ([flushAt, idleAt, floor.deadline].compactMap { $0 } + ofPeople).min()
    }

    /// Tells that the room is open; people may come.
    package mutating func begin() -> [Effect] {
        output.append(.event(.started))
        return finishStep()
    }

    /// Takes one fact. `now` and `wall` are the same moment on two clocks.
    package mutating func handle(_ input: Input, now: MonotonicTime, wall: WallTime) -> [Effect] {
        setTime(now: now, wall: wall)
        // A socket that is gone hears of nothing that was due meanwhile.
        if case .socketLost(let socket) = input { socketLost(socket) }
        doWhatIsDue()
        switch input {
        case .join(let request): join(request)
        case .command(let command, let socket): obey(command, from: socket)
        case .publisherLost(let participant): unpublishAll(of: participant)
        case .subscriberLost(let participant): subscriberLost(participant)
        case .seatLive(let seat, let tracks): seatLive(seat, tracks: tracks)
        case .seatLost(let seat): seatLost(seat)
        case .seatAbilities(let seat, let abilities): setAbilities(abilities, of: seat)
        case .single(let participant, let isOpen): singleAnswered(participant, isOpen: isOpen)
        case .levels(let levels): heard(levels)
        case .revoke(let link): revoke(link)
        case .framed(let board, let frame): framed(board, frame)
        case .clipKept(let mark): tellAll(.clipMarked(mark))
        case .recordingFailed(let id, let error): recordingFailed(id, error)
        case .socketLost, .deadline: break
        }
        return finishStep()
    }

    /// Does what the room's account wants; with a refusal it was not done, and the effects are what was due anyway.
    package mutating func administer(_ command: RoomCommand, now: MonotonicTime, wall: WallTime) -> (effects: [Effect], refusal: RoomError?)
    {
        setTime(now: now, wall: wall)
        doWhatIsDue()
        do throws(RoomError) {
            guard !isOver else { throw Self.over }
            try perform(command, by: .account)
        } catch {
            return (finishStep(), error)
        }
        return (finishStep(), nil)
    }

    /// Takes what somebody asks for by their socket; with a refusal, which nobody was told yet, it was not done.
    package mutating func command(
        _ command: RoomCommand, from socket: RoomSocketID, now: MonotonicTime, wall: WallTime
    ) -> (effects: [Effect], refusal: RoomError?) {
        setTime(now: now, wall: wall)
        doWhatIsDue()
        do throws(RoomError) {
            try perform(command, by: .participant(try requireInside(socket)))
        } catch {
            return (finishStep(), error)
        }
        return (finishStep(), nil)
    }

    static let over = RoomError(.roomClosed, "the room is closed; ask whoever ran it for a link to another one")
}
