import Bridge
import BridgeModel

/// Looks at the seats after each input: what brings a camera or takes it away is followed, told to all, and nothing else moves a seat.
struct SeatWatch {
    /// What has become of a room by an input; nil: by a command of its account.
    struct Step {
        let input: RoomMachine.Input?
        let before: RoomMachine
        let after: RoomMachine
        let effects: [RoomMachine.Effect]
        let now: MonotonicTime

        /// A machine that is called late does what was due first: a place may be given up, a seat end.
        var isLate: Bool { before.deadline.map { $0 <= now } ?? false }

        /// The seats that were there and are, as they were and as they are.
        var seats: [(before: RoomSeat, after: RoomSeat)] {
            before.seats.compactMap { old in after.seats.first { $0.id == old.id }.map { (old, $0) } }
        }
    }

    let settings: RoomSettings
    /// The sockets of agents that are in their seats by themselves.
    private var agents: [RoomSocketID: ParticipantID] = [:]
    /// How long the places are kept of those that dropped.
    private var keptUntil: [ParticipantID: MonotonicTime] = [:]
    private(set) var seen: Set<String> = []
    private(set) var broken: [String] = []

    init(settings: RoomSettings) { self.settings = settings }

    mutating func check(_ step: Step) {
        for (before, after) in step.seats {
            if before.state != after.state { checkChange(from: before, to: after, step) }
            switch step.input {
            case .seatLive(after.id, let tracks): checkLive(after, was: before, tracks, step)
            case .seatLost(after.id): checkLost(after, was: before, step)
            case .join(let request) where request.grant.seat == after.id: checkReturn(request, after, step)
            default: break
            }
        }
        note(step)
    }

    /// Whether an agent has the seat for itself: then it is not the bridge that brings the camera.
    private func isTaken(_ seat: RoomSeat, _ now: MonotonicTime) -> Bool {
        agents.values.contains(seat.participant) || keptUntil[seat.participant].map { $0 > now } ?? false
    }

    private mutating func checkChange(from before: RoomSeat, to after: RoomSeat, _ step: Step) {
        seen.insert("seat \(before.state) to \(after.state)")
        if after.state == .waiting || before.state == .waiting && after.state == .away {
            broken.append("\(after.id) went from \(before.state) to \(after.state)")
        }
        let isTold = step.effects.contains { effect in
            guard case .tell(_, .seat(let seat)) = effect else { return false }
            return seat.id == after.id && seat.state == after.state
        }
        if !isTold, step.after.participants.contains(where: { $0.presence == .here && $0.id != after.participant && $0.role != .camera }) {
            broken.append("nobody was told that \(after.id) is \(after.state)")
        }
        guard !step.isLate else { return }
        switch step.input {
        case .seatLive(after.id, _), .seatLost(after.id), .socketLost, .revoke, .command(.leave, _): break
        case .join(let request) where request.grant.seat == after.id: break
        default: broken.append("\(after.id) became \(after.state), though nothing happened to it")
        }
    }

    /// The camera is in its seat again, with new tracks in place of those it had.
    private mutating func checkLive(_ seat: RoomSeat, was: RoomSeat, _ offered: [SeatTrack], _ step: Step) {
        guard !isTaken(was, step.now) else { return checkUntouched(seat, was, step) }
        if seat.state != .live { broken.append("the camera of \(seat.id) is back, but the seat is \(seat.state)") }
        let tracks = step.after.tracks.filter { $0.owner == seat.participant }
        let old = Set(step.before.tracks.map(\.id))
        if tracks.contains(where: { old.contains($0.id) }) { broken.append("\(seat.id) has a track of a camera that was lost") }
        let room = min(settings.limits.tracksOfParticipant, settings.limits.tracks - (step.after.tracks.count - tracks.count))
        let sent = offered.filter { seat.order.sends.contains($0.kind.media) }.prefix(max(0, room))
        if tracks.map(\.mid) != sent.map(\.mid) { broken.append("\(seat.id) has \(tracks.map(\.mid)) of \(sent.map(\.mid))") }
    }

    /// The camera is gone, and nothing more comes of it; the seat stays.
    private mutating func checkLost(_ seat: RoomSeat, was: RoomSeat, _ step: Step) {
        guard !isTaken(was, step.now), was.state == .live else { return checkUntouched(seat, was, step) }
        if seat.state != .away { broken.append("the camera of \(seat.id) is lost, but the seat is \(seat.state)") }
        if step.after.tracks.contains(where: { $0.owner == seat.participant }) { broken.append("\(seat.id) has tracks without a camera") }
    }

    private mutating func checkUntouched(_ seat: RoomSeat, _ was: RoomSeat, _ step: Step) {
        if seat.state != was.state, !step.isLate { broken.append("\(seat.id) was \(was.state), and no bridge could make it \(seat.state)") }
    }

    /// An agent that is let in has its own seat, whatever became of it meanwhile.
    private mutating func checkReturn(_ request: RoomJoin, _ seat: RoomSeat, _ step: Step) {
        for case .tell([request.socket], .refused(let error)) in step.effects where error.code == .seatEnded {
            broken.append("an agent was told that \(seat.id) had ended, which has not")
        }
        let isIn = step.effects.contains { effect in
            guard case .tell([request.socket], .welcome(let room)) = effect else { return false }
            return room.you == seat.participant
        }
        if isIn, seat.state != .live { broken.append("the agent of \(seat.id) is in, but the seat is \(seat.state)") }
    }

    private mutating func note(_ step: Step) {
        if case .socketLost(let socket) = step.input, let camera = agents.removeValue(forKey: socket) {
            keptUntil[camera] = step.now.advanced(by: settings.grace)
        }
        for effect in step.effects {
            switch effect {
            case .tell(let sockets, .welcome(let room)) where room.participants.contains { $0.id == room.you && $0.role == .camera }:
                for socket in sockets { agents[socket] = room.you }
                keptUntil[room.you] = nil
            case .closeSocket(let socket, _): agents[socket] = nil
            default: break
            }
        }
    }
}
