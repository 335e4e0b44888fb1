import Bridge
import BridgeModel
import NetworkTesting
import Testing

/// Whatever comes in whatever order and however late, a room keeps its promises.
@Suite struct RoomPropertyTests {
    @Test(arguments: 0..<10) func promisesHoldInRandomRooms(block: Int) {
        for seed in block * 50..<block * 50 + 50 {
            var life = RandomRoom(seed: UInt64(seed))
            for _ in 0..<100 where life.watch.broken.isEmpty { life.step() }
            if life.watch.broken.isEmpty { life.finish() }
            #expect(life.watch.broken.isEmpty, "seed \(seed): \(life.watch.broken)\n\(life.steps.joined(separator: "\n"))")
        }
    }

    /// The walk is worth something only if it goes everywhere.
    @Test func randomRoomsReachEverything() {
        var seen: Set<String> = []
        for seed in 0..<160 {
            var life = RandomRoom(seed: UInt64(seed))
            for _ in 0..<150 { life.step() }
            life.finish()
            seen.formUnion(life.watch.seen)
        }
        let notices = [
            "welcome", "waiting", "knocking", "knockEnded", "joined", "changed", "left", "published", "trackChanged", "unpublished",
            "speaker",
            "pinned", "spotlighted", "chat", "seat", "unseated", "board", "boardClosed", "annotated", "erased", "pointer", "refused",
            "ended", "recording", "clipMarked", "single",
        ]
        let departures = Departure.allCases.map { "departure \($0.rawValue)" }
        let refusals: [RoomError.Code] = [
            .linkRevoked, .removed, .denied, .knockTimeout, .roomFull, .roomClosed, .seatEnded, .notJoined, .forbidden, .notFound,
            .alreadyPublished, .alreadySeated, .limitReached, .rateLimited, .notRecorded,
        ]
        let ends = RoomEnd.allCases.map { "end \($0.rawValue)" }
        let seats = ["waiting to live", "live to away", "away to live"].map { "seat \($0)" }
        let expected = Set(notices + departures + refusals.map { "refusal \($0.rawValue)" } + ends + seats)
        #expect(expected.subtracting(seen) == [])
    }
}

/// A room among random people, cameras and commands.
private struct RandomRoom {
    private var machine: RoomMachine
    private var random: SeededRandom
    private var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private var wall = WallTime(milliseconds: 1_700_000_000_000)
    private var lastSocket: UInt64 = 0
    private(set) var watch: RoomWatch
    private var story: [(at: MonotonicTime, what: Any)] = []
    /// What happened, for a failure's report.
    var steps: [String] { story.map { "\($0.at.nanoseconds / 1_000_000) ms: \($0.what)" } }

    private static let people = ["anna", "ben", "carl", "dora", "emil", "fay", "gus"]

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        var settings = RoomSettings()
        settings.admission = seed.isMultiple(of: 2) ? .open : .knock
        settings.knockTime = .seconds(30)
        settings.idleEnd = .seconds(60)
        settings.limits.participants = 6
        settings.limits.tracks = 9
        settings.limits.tracksOfParticipant = 3
        settings.limits.seats = 2
        settings.limits.boards = 2
        settings.limits.annotationsOfBoard = 3
        settings.limits.chatHistory = 4
        settings.limits.chat = RateLimit.Rule(perSecond: 1, burst: 1)
        settings.limits.changes = RateLimit.Rule(perSecond: 1, burst: 8)
        machine = RoomMachine(room: RoomStage.room, account: RoomStage.account, settings: settings, now: now, wall: wall)
        watch = RoomWatch(settings: settings)
        watch.observe(machine.begin(), of: machine, now: now)
    }

    mutating func step() {
        advance()
        switch Int.random(in: 0..<26, using: &random) {
        case 0..<5: join()
        case 5: if let socket = socket() { give(.socketLost(socket)) }
        case 6: give(.publisherLost(person()))
        case 7: give(.subscriberLost(person()))
        case 8: give(.seatLive(seat(), [SeatTrack(.camera, mid: "v"), SeatTrack(.microphone, mid: "a")]))
        case 9: give(.seatLost(seat()))
        case 10, 11: give(.levels(levels()))
        case 12:
            if random.happens(0.1) { give(.revoke(link: "token-\(name())-worker")) }
            if let recording = machine.recording, random.happens(0.1) {
                give(.recordingFailed(recording.id, RoomError(.recordingUnavailable, "the disk is full")))
            }
        case 13: administer(command())
        case 14: if let socket = socket() { flood(from: socket) }
        case 15: give(.single(person(), isOpen: random.happens(0.8)))
        default: if let socket = socket() { give(.command(command(), from: socket)) }
        }
    }

    /// Closes the room; then nothing may be left, and nothing come.
    mutating func finish() {
        if !machine.isOver { administer(.close) }
        if !machine.isOver { watch.fail("the room did not end") }
        watch.checkEnd(deadline: machine.deadline)
        lastSocket += 1
        give(.join(RoomJoin(socket: RoomSocketID(lastSocket), grant: grant("anna", .host))))
    }

    private mutating func advance() {
        let wait: Duration =
            switch Int.random(in: 0..<40, using: &random) {
            case 0..<30: .milliseconds(Int.random(in: 0...40, using: &random))
            case 30..<38: .milliseconds(Int.random(in: 0...2000, using: &random))
            case 38: .seconds(Int.random(in: 0...25, using: &random))
            default: .seconds(Int.random(in: 0...90, using: &random))
            }
        let end = now.advanced(by: wait)
        // A machine that is called late must be right, too: one jump in four passes over its deadlines.
        if !random.happens(0.25) {
            while let deadline = machine.deadline, deadline <= end {
                move(to: max(now, deadline))
                give(.deadline)
            }
        }
        move(to: end)
    }

    private mutating func move(to time: MonotonicTime) {
        wall = wall.advanced(by: time.duration(since: now))
        now = time
    }

    private mutating func give(_ input: RoomMachine.Input) {
        story.append((now, input))
        watch.expect(input, in: machine)
        let before = machine
        let effects = machine.handle(input, now: now, wall: wall)
        watch.answered(input, by: effects, before: before)
        watch.observe(effects, of: machine, now: now)
        watch.observeSeats(SeatWatch.Step(input: input, before: before, after: machine, effects: effects, now: now))
    }

    private mutating func administer(_ command: RoomCommand) {
        story.append((now, command))
        let before = machine
        let (effects, refusal) = machine.administer(command, now: now, wall: wall)
        if refusal == nil { watch.done(command, by: nil, before: before) }
        watch.observe(effects, of: machine, now: now)
        watch.observeSeats(SeatWatch.Step(input: nil, before: before, after: machine, effects: effects, now: now))
    }
}

// What happens in it.
extension RandomRoom {
    private mutating func name() -> String { Self.people.randomElement(using: &random) ?? "anna" }

    private mutating func person() -> ParticipantID {
        machine.participants.randomElement(using: &random)?.id ?? ParticipantID(name())
    }

    private mutating func knocker() -> ParticipantID { machine.waiting.randomElement(using: &random) ?? person() }

    private mutating func socket() -> RoomSocketID? { watch.sockets.sorted().randomElement(using: &random) }

    private mutating func seat() -> SeatID {
        machine.seats.randomElement(using: &random)?.id ?? SeatID("seat-\(Int.random(in: 0..<4, using: &random))")
    }

    private mutating func track() -> RoomTrackID { machine.tracks.randomElement(using: &random)?.id ?? RoomTrackID("t0") }

    private mutating func board() -> BoardID { machine.boards.randomElement(using: &random)?.id ?? BoardID("b0") }

    private func grant(_ name: String, _ role: RoomRole) -> RoomGrant {
        var grant = RoomGrant(
            account: RoomStage.account, room: RoomStage.room, role: role, expiresAt: wall.advanced(by: .seconds(600)),
            tokenID: "token-\(name)-\(role)")
        grant.identity = ParticipantID(name)
        return grant
    }

    private mutating func join() {
        lastSocket += 1
        var grant = grant(name(), [.host, .host, .expert, .worker, .worker, .viewer].randomElement(using: &random) ?? .host)
        if random.happens(0.2) {
            let seat = seat()
            grant = self.grant(seat.rawValue, .camera)
            grant.identity = nil
            grant.seat = seat
        }
        var request = RoomJoin(socket: RoomSocketID(lastSocket), grant: grant, name: "N")
        request.keepsPeers = random.happens(0.5)
        watch.open(request.socket)
        give(.join(request))
    }

    private mutating func command() -> RoomCommand {
        switch Int.random(in: 0..<30, using: &random) {
        case 0: return random.happens(0.3) ? .leave : .chat("hello")
        case 1..<6:
            let kind = RoomTrackKind.allCases.randomElement(using: &random) ?? .camera
            return .publish(kind, mid: "\(Int.random(in: 0..<4, using: &random))")
        case 6: return .unpublish(track())
        case 7, 8: return .mute(track(), random.happens(0.6))
        case 9, 10: return .admit(knocker())
        case 11: return random.happens(0.5) ? .deny(knocker()) : .remove(random.happens(0.3) ? knocker() : person())
        case 12: return .hand(random.happens(0.5) ? nil : person(), isRaised: random.happens(0.6))
        case 13: return .pin(machine.tracks.prefix(2).map(\.id))
        case 14: return .spotlight([track()])
        case 15, 16:
            let view = TrackView(isVisible: random.happens(0.7), width: Int.random(in: 1...1920, using: &random))
            return .view([track(): view])
        case 17: return .describe(random.happens(0.7) ? nil : person(), name: "M", metadata: ["k": random.happens(0.5) ? "v" : ""])
        case 18: return .chat("text")
        case 19, 20: return seating()
        case 21: return .unseat(seat())
        case 22: return .freeze(track(), at: wall)
        case 23: return random.happens(0.4) ? .closeBoard(board()) : .annotate(board(), drawing(), RoomStage.arrow, colour: 0)
        case 24: return .annotate(board(), drawing(), RoomStage.arrow, colour: 0xFF0000)
        case 25: return .erase(board(), random.happens(0.5) ? nil : drawing())
        case 26: return .point(track(), PicturePoint(x: 0.5, y: 0.5))
        case 27: return keeping()
        case 28: return .single(random.happens(0.7))
        default: return random.happens(0.02) ? .close : .chat("more")
        }
    }

    private mutating func keeping() -> RoomCommand {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: .record(nil)
        case 1: .record(RoomRecordingOrder(id: RoomRecordingID("\(random.next())")))
        case 2: .snapshot(track())
        default: .clip(random.happens(0.5) ? nil : track(), seconds: 10)
        }
    }

    private mutating func flood(from socket: RoomSocketID) {
        for _ in 0..<3 where watch.sockets.contains(socket) { give(.command(.chat("again"), from: socket)) }
    }

    /// Mostly one who speaks and others who do not.
    private mutating func levels() -> [RoomLevel] {
        let isNoise = random.happens(0.2)
        return machine.tracks.enumerated().map { index, track in
            RoomLevel(track.id, isNoise ? UInt8.random(in: 0...127, using: &random) : index < 3 ? 20 : 110)
        }
    }

    private mutating func drawing() -> AnnotationID { AnnotationID("d\(Int.random(in: 0..<5, using: &random))") }

    private mutating func seating() -> RoomCommand {
        let number = Int.random(in: 0..<4, using: &random)
        var order = SeatOrder(source: .stream(StreamID("stream-\(number)")), displayName: "Camera \(number)")
        if random.happens(0.5) { order.receives = [.audio] }
        if random.happens(0.3) { order.until = wall.advanced(by: .seconds(20)) }
        return .seat(SeatID("seat-\(number)"), order)
    }
}
