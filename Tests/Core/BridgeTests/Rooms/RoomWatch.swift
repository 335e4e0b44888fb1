import Bridge
import BridgeModel

/// Looks at all that a room does, and notes every promise that it breaks. It knows the effects and what everybody may see, nothing else.
struct RoomWatch {
    private let settings: RoomSettings
    /// Sockets that the room has not closed and that were not lost.
    private(set) var sockets: Set<RoomSocketID> = []
    private var welcomed: Set<RoomSocketID> = []
    private var people: [RoomSocketID: ParticipantID] = [:]
    private var openFacts: Set<EventPairing.Subject> = []
    private var tracks: [RoomTrackID: RoomTrack] = [:]
    private var diedAt: [RoomTrackID: MonotonicTime] = [:]
    private var forwarded: Set<RoomTrackID> = []
    private var subscriptions: [ParticipantID: Set<RoomTrackID>] = [:]
    /// When the peer was renewed last that each is sent by.
    private var lostAt: [ParticipantID: MonotonicTime] = [:]
    private var hostMuted: [ParticipantID: Set<RoomTrackKind>] = [:]
    private var barred: Set<ParticipantID> = []
    private var seats: Set<SeatID> = []
    private var recordings: Set<RoomRecordingID> = []
    /// For whom the room is made into one picture and one sound.
    private var singles: Set<ParticipantID> = []
    private var seating: SeatWatch
    private var lastNow = MonotonicTime(nanoseconds: 0)
    private var isRetired = false
    private(set) var seen: Set<String> = []
    private(set) var broken: [String] = []

    init(settings: RoomSettings) {
        self.settings = settings
        seating = SeatWatch(settings: settings)
    }

    mutating func fail(_ text: String) { broken.append(text) }

    mutating func open(_ socket: RoomSocketID) { sockets.insert(socket) }

    /// Notes what an input does outside of the machine.
    mutating func expect(_ input: RoomMachine.Input, in machine: RoomMachine) {
        switch input {
        case .socketLost(let socket):
            sockets.remove(socket)
            welcomed.remove(socket)
        case .join(let request): sockets.insert(request.socket)
        default: break
        }
    }

    /// Notes a command that was not refused.
    mutating func answered(_ input: RoomMachine.Input, by effects: [RoomMachine.Effect], before: RoomMachine) {
        guard case .command(let command, let socket) = input, let actor = people[socket] else { return }
        for case .tell([socket], .refused) in effects { return }
        done(command, by: actor, before: before)
    }

    /// Notes what a command has done that no effect tells.
    mutating func done(_ command: RoomCommand, by actor: ParticipantID?, before: RoomMachine) {
        switch command {
        case .mute(let id, let isMuted):
            guard let track = before.tracks.first(where: { $0.id == id }), track.owner != actor else { return }
            if isMuted { hostMuted[track.owner, default: []].insert(track.kind) } else { hostMuted[track.owner]?.remove(track.kind) }
        case .remove(let id): if !id.rawValue.hasPrefix("camera:") { barred.insert(id) }
        default: break
        }
    }

    mutating func observe(_ effects: [RoomMachine.Effect], of machine: RoomMachine, now: MonotonicTime) {
        lastNow = now
        if isRetired { checkAfterEnd(effects) }
        for effect in effects { note(effect, machine) }
        check(machine)
    }

    /// Looks at what a step has made of the seats.
    mutating func observeSeats(_ step: SeatWatch.Step) {
        seating.check(step)
        broken += seating.broken
        seen.formUnion(seating.seen)
    }

    private mutating func note(_ effect: RoomMachine.Effect, _ machine: RoomMachine) {
        switch effect {
        case .tell(let receivers, let notice): told(receivers, notice)
        case .closeSocket(let socket, _):
            if sockets.remove(socket) == nil { fail("\(socket) closed twice, or never open") }
            welcomed.remove(socket)
        case .openTrack(let track):
            if tracks.updateValue(track, forKey: track.id) != nil || diedAt[track.id] != nil { fail("\(track.id) used again") }
        case .forward(let id, let isForwarded): forward(id, isForwarded)
        case .dropTrack(let id):
            if tracks.removeValue(forKey: id) == nil { fail("\(id) dropped twice") }
            forwarded.remove(id)
            diedAt[id] = lastNow
        case .subscribe(let participant, let update): subscribe(participant, update)
        case .closePeers(let participant): subscriptions[participant] = nil
        case .renewSubscriber(let participant):
            subscriptions[participant] = nil
            lostAt[participant] = lastNow
        case .seatCamera(let seat): if !seats.insert(seat.id).inserted { fail("\(seat.id) seated twice") }
        case .releaseCamera(let seat): if seats.remove(seat) == nil { fail("\(seat) released, but not seated") }
        case .keep, .keepClip, .revokeLink, .takePicture, .takeFrame, .dropPicture: break
        case .beginRecording(let recording, _): if !recordings.insert(recording.id).inserted { fail("\(recording) begun twice") }
        case .endRecording(let id): if recordings.remove(id) == nil { fail("\(id) ended, but not begun") }
        case .beginSingle(let id): if !singles.insert(id).inserted { fail("one picture for \(id) begun twice") }
        case .endSingle(let id): endSingle(id)
        case .event(let event): happened(event)
        case .retire:
            if isRetired { fail("retired twice") }
            if !recordings.isEmpty { fail("retired while \(recordings) run") }
            isRetired = true
        }
    }

    private mutating func told(_ receivers: [RoomSocketID], _ notice: RoomNotice) {
        // A case without a value has no child, and its own name as its text.
        seen.insert(Mirror(reflecting: notice).children.first?.label ?? "\(notice)")
        for socket in receivers {
            if !sockets.contains(socket) { fail("\(notice) told to closed \(socket)") }
            switch notice {
            case .welcome(let snapshot):
                welcomed.insert(socket)
                people[socket] = snapshot.you
                if barred.contains(snapshot.you) { fail("\(snapshot.you) came back after being removed") }
            case .waiting, .ended: break
            case .refused(let error): seen.insert("refusal \(error.code.rawValue)")
            default: if !welcomed.contains(socket) { fail("\(notice) told to \(socket), which is not in") }
            }
        }
    }

    private mutating func forward(_ id: RoomTrackID, _ isForwarded: Bool) {
        guard let track = tracks[id] else { return fail("dead \(id) forwarded") }
        if !isForwarded { forwarded.remove(id) } else { forwarded.insert(id) }
        if isForwarded, hostMuted[track.owner]?.contains(track.kind) == true { fail("\(id) is forwarded, but muted by a host") }
    }

    private mutating func endSingle(_ id: ParticipantID) {
        if singles.remove(id) == nil { fail("one picture for \(id) ended, but not begun") }
        if subscriptions[id]?.contains(.picture) == true { fail("\(id) is sent one picture that is over") }
    }

    private static func single(_ id: ParticipantID) -> Set<RoomTrackID> { [.picture, .sound(for: id)] }

    private mutating func subscribe(_ participant: ParticipantID, _ update: SubscriptionUpdate) {
        var mine = subscriptions[participant] ?? []
        for subscription in update.added {
            if !mine.insert(subscription.track).inserted { fail("\(participant) got \(subscription.track) twice") }
            if singles.contains(participant), Self.single(participant).contains(subscription.track) { continue }
            guard let track = tracks[subscription.track] else {
                fail("\(participant) got dead \(subscription.track)")
                continue
            }
            if track.owner == participant { fail("\(participant) got itself") }
        }
        for id in update.removed where mine.remove(id) == nil { fail("\(participant) lost \(id), which it did not have") }
        for changed in update.changed where !mine.contains(changed.track) { fail("\(participant): bounds of unknown \(changed.track)") }
        if update.isEmpty { fail("\(participant): an empty update") }
        subscriptions[participant] = mine
    }

    private mutating func happened(_ event: RoomEvent) {
        let pairing = event.pairing(in: RoomStage.room)
        switch pairing.side {
        case .begins: if !openFacts.insert(pairing.subject).inserted { fail("\(event) begins twice") }
        case .ends: if openFacts.remove(pairing.subject) == nil { fail("\(event) ends what did not begin") }
        }
        switch event {
        case .left(let participant, let cause):
            seen.insert("departure \(cause.rawValue)")
            if tracks.values.contains(where: { $0.owner == participant.id }) { fail("\(participant.id) left before its tracks") }
        case .ended(let cause):
            seen.insert("end \(cause.rawValue)")
            if !openFacts.isEmpty { fail("the room ended before \(openFacts)") }
        default: break
        }
    }
}

// What holds after every step.
extension RoomWatch {
    private mutating func check(_ machine: RoomMachine) {
        let participants = machine.participants
        let people = participants.filter { $0.role != .camera }
        if Set(participants.map(\.id)).count != participants.count { fail("a participant twice") }
        if Set(machine.seats.map(\.order.source)).count != machine.seats.count { fail("a camera twice") }
        if Set(machine.seats.map(\.id)) != seats { fail("seats \(seats), but the room has \(machine.seats.map(\.id))") }
        if Set(machine.tracks.map(\.id)) != Set(tracks.keys) { fail("tracks \(tracks.keys), but the room has \(machine.tracks.map(\.id))") }
        if forwarded != Set(machine.tracks.filter { !$0.isMuted }.map(\.id)) { fail("forwarded: \(forwarded)") }
        let limits = settings.limits
        if people.count + machine.seats.count > limits.participants { fail("too many participants") }
        if machine.tracks.count > limits.tracks { fail("too many tracks") }
        for person in participants where machine.tracks.count(where: { $0.owner == person.id }) > limits.tracksOfParticipant {
            fail("too many tracks of \(person.id)")
        }
        if machine.boards.count > limits.boards { fail("too many boards") }
        if machine.boards.contains(where: { $0.annotations.count > limits.annotationsOfBoard }) { fail("too many annotations") }
        for track in machine.tracks where !participants.contains(where: { $0.id == track.owner }) { fail("\(track.id) without owner") }
        checkSeats(machine)
        checkSubscriptions(machine)
        checkDeadline(machine)
    }

    private mutating func checkSeats(_ machine: RoomMachine) {
        for participant in machine.participants where participant.role == .camera {
            if !machine.seats.contains(where: { $0.participant == participant.id }) { fail("\(participant.id) without seat") }
        }
        for seat in machine.seats {
            let camera = machine.participants.first { $0.id == seat.participant }
            switch seat.state {
            case .waiting: if camera != nil { fail("\(seat.id) waits, but its camera is in") }
            case .live: if camera?.presence != .here { fail("\(seat.id) is live, but its camera is not here") }
            case .away: if camera?.presence == .here { fail("\(seat.id) is away, but its camera is here") }
            }
        }
    }

    private mutating func checkSubscriptions(_ machine: RoomMachine) {
        for (participant, subscribed) in subscriptions.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            if !subscribed.isEmpty, !machine.participants.contains(where: { $0.id == participant }) {
                fail("\(participant) left, but is sent to")
            }
            let made = singles.contains(participant) ? Self.single(participant) : []
            for id in subscribed.subtracting(made) where tracks[id] == nil {
                let since = diedAt[id].map { lastNow.duration(since: $0) } ?? .seconds(1000)
                if since >= settings.batch { fail("\(participant) is sent \(id), dead for \(since)") }
            }
        }
        // When nothing is to be told soon, everybody has all there is, save who was lost again and again: theirs takes up to 5 s.
        guard (machine.deadline.map { $0.duration(since: lastNow) > settings.batch } ?? true) else { return }
        for person in machine.participants where person.role != .camera {
            if let lostAt = lostAt[person.id], lastNow.duration(since: lostAt) <= .seconds(5) { continue }
            if singles.contains(person.id), subscriptions[person.id] == Self.single(person.id) { continue }
            let all = Set(machine.tracks.filter { $0.owner != person.id }.map(\.id))
            if subscriptions[person.id] ?? [] != all { fail("\(person.id) has \(subscriptions[person.id] ?? []) of \(all)") }
        }
    }

    private mutating func checkDeadline(_ machine: RoomMachine) {
        if let deadline = machine.deadline, deadline <= lastNow { fail("the deadline is in the past") }
        let isAway = machine.participants.contains { $0.role != .camera && $0.presence == .away }
        if isAway, machine.deadline.map({ $0.duration(since: lastNow) > settings.grace }) ?? true { fail("nobody waits for who is away") }
        if !machine.waiting.isEmpty, machine.deadline.map({ $0.duration(since: lastNow) > settings.knockTime }) ?? true {
            fail("nobody waits for who knocks")
        }
        let isEmpty = machine.waiting.isEmpty && machine.participants.allSatisfy { $0.role == .camera }
        if isEmpty, !machine.isOver, machine.deadline == nil { fail("an empty room never ends") }
    }

    /// After the last step nothing is left.
    mutating func checkEnd(deadline: MonotonicTime?) {
        if !isRetired { fail("not retired") }
        if !openFacts.isEmpty { fail("left open: \(openFacts)") }
        if !tracks.isEmpty || !subscriptions.values.allSatisfy(\.isEmpty) || !seats.isEmpty {
            fail("left: \(tracks), \(subscriptions), \(seats)")
        }
        if !singles.isEmpty { fail("one picture left for \(singles)") }
        if !sockets.isEmpty { fail("sockets left: \(sockets)") }
        if deadline != nil { fail("a deadline after the end") }
    }

    private mutating func checkAfterEnd(_ effects: [RoomMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .tell(_, .refused(let error)): if error.code != .roomClosed { fail("\(error) after the end") }
            case .closeSocket(_, .refused): break
            default: fail("\(effect) after the end")
            }
        }
    }
}
