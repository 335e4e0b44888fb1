import Bridge
import BridgeModel
import Signaling
import Testing

/// What a room says, word by word: a room is played, and what a page was told is compared with its text.
@Suite struct RoomMessageTests {
    private static let now = MonotonicTime(nanoseconds: 1_000_000_000)
    private static let wall = WallTime(milliseconds: 1_700_000_000_000)
    private static let time = "2023-11-14T22:13:20.000Z"

    /// A room with anna, a host, on socket 1, after these inputs; what her page was told after her welcome.
    private func told(_ inputs: [RoomMachine.Input]) -> [String] {
        var machine = RoomMachine(
            room: RoomID("r"), account: AccountID("a"), settings: RoomSettings(), now: Self.now, wall: Self.wall)
        var told: [String] = []
        for input in [Self.join("anna", .host, 1)] + inputs {
            for case .tell(let sockets, let notice) in machine.handle(input, now: Self.now, wall: Self.wall)
            where sockets.contains(RoomSocketID(1)) {
                told.append(RoomMessage.frame(notice).text)
            }
        }
        return Array(told.dropFirst())
    }

    private static func join(_ name: String, _ role: RoomRole, _ socket: UInt64) -> RoomMachine.Input {
        var grant = RoomGrant(
            account: AccountID("a"), room: RoomID("r"), role: role, expiresAt: wall.advanced(by: .seconds(60)), tokenID: "t-\(name)")
        grant.identity = ParticipantID(name)
        return .join(RoomJoin(socket: RoomSocketID(socket), grant: grant, name: name.uppercased()))
    }

    private static func by(_ socket: UInt64, _ command: RoomCommand) -> RoomMachine.Input { .command(command, from: RoomSocketID(socket)) }

    private static func person(_ id: String, _ role: String, hand: String = "null", metadata: String = "{}") -> String {
        #"{"hand":\#(hand),"id":"\#(id)","metadata":\#(metadata),"name":"\#(id.uppercased())","presence":"here","role":"\#(role)"}"#
    }

    private static let track = #"{"id":"t1","kind":"camera","muted":false,"muted_by_host":false,"participant":"ben"}"#

    private static func refusal(_ code: String, _ message: String, _ rest: String = #""in_reply_to":null"#, ref: String = "null") -> String
    {
        #"{"data":{"code":"\#(code)","field":null,\#(rest),"msg":"\#(message)","ref":\#(ref)},"type":"refused"}"#
    }

    @Test func signals() {
        #expect(
            RoomMessage.answer("v=0").text == #"{"data":{"peer":"publish","sdp":{"sdp":"v=0","type":"answer"}},"type":"sdp_update"}"#)
        #expect(
            RoomMessage.offer("v=0", tracks: ["0": RoomTrackID("t1"), "a": RoomTrackID("t2")]).text
                == #"{"data":{"peer":"subscribe","sdp":{"sdp":"v=0","type":"offer"},"tracks":{"0":"t1","a":"t2"}},"type":"sdp_update"}"#)
        #expect(
            RoomMessage.peer(.subscribe, .disconnected).text
                == #"{"data":{"peer":"subscribe","state":"disconnected"},"type":"peer_state"}"#)
        let name = RoomFrame.Name(type: "chat", reference: "7")
        #expect(RoomMessage.done(name).text == #"{"data":{"in_reply_to":"chat","ref":"7"},"type":"done"}"#)
        #expect(
            RoomMessage.frame(RoomRefusal(BridgeError(.unacceptableOffer, "no")), of: name).text
                == Self.refusal("unacceptable_offer", "no", #""in_reply_to":"chat""#, ref: #""7""#))
    }

    @Test func aCloseCodeForEveryEnd() {
        #expect([RoomSocketEnd.normal, .takenOver, .removed, .refused].map { CloseCode($0).rawValue } == [1000, 4409, 4411, 4403])
        #expect(CloseCode.allCases.allSatisfy { (1...123).contains($0.reasonInRoom.utf8.count) })
    }

    @Test func peopleAndTracks() {
        let ben = [Self.join("ben", .worker, 2), Self.by(2, .publish(.camera, mid: "0"))]
        let news = told(
            ben + [
                Self.by(2, .hand(nil, isRaised: true)), Self.by(1, .spotlight([RoomTrackID("t1")])),
                Self.by(1, .mute(RoomTrackID("t1"), true)), Self.by(1, .pin([RoomTrackID("t9")])), Self.by(2, .leave),
            ])
        #expect(
            news == [
                #"{"data":{"participant":\#(Self.person("ben", "worker"))},"type":"joined"}"#,
                #"{"data":{"track":\#(Self.track)},"type":"published"}"#,
                #"{"data":{"participant":\#(Self.person("ben", "worker", hand: "1"))},"type":"changed"}"#,
                #"{"data":{"tracks":["t1"]},"type":"spotlighted"}"#,
                #"{"data":{"track":{"id":"t1","kind":"camera","muted":true,"muted_by_host":true,"participant":"ben"}},"type":"track_changed"}"#,
                Self.refusal("not_found", "track t9 is not in the room any more"),
                #"{"data":{"track":"t1"},"type":"unpublished"}"#,
                #"{"data":{"tracks":[]},"type":"spotlighted"}"#,
                #"{"data":{"cause":"left","participant":"ben"},"type":"left"}"#,
            ])
    }

    @Test func oneInsteadOfEachTrack() {
        #expect(
            told([Self.by(1, .single(true)), .single(ParticipantID("anna"), isOpen: true)])
                == [#"{"data":{"on":true,"picture":"picture","sound":"sound-anna"},"type":"single"}"#])
    }

    @Test func talkAndPictures() {
        let news = told([
            Self.join("ben", .worker, 2), Self.by(2, .publish(.camera, mid: "0")), Self.by(1, .chat("a \"b\"")),
            Self.by(2, .freeze(RoomTrackID("t1"), at: Self.wall)),
            Self.by(2, .annotate(BoardID("b1"), AnnotationID("d"), .pen([PicturePoint(x: 0, y: 0.5)]), colour: 0xFF)),
            Self.by(2, .point(RoomTrackID("t1"), PicturePoint(x: 0.25, y: 1))), Self.by(2, .point(RoomTrackID("t1"), nil)),
            Self.by(2, .erase(BoardID("b1"), nil)), Self.by(2, .closeBoard(BoardID("b1"))),
        ])
        let drawing =
            ##"{"at":"\##(Self.time)","colour":"#0000ff","id":"d","participant":"ben","shape":{"points":[[0,0.5]],"type":"pen"}}"##
        let board = #"{"annotations":[],"at":"\#(Self.time)","frame":null,"id":"b1","owner":"ben","subject":"ben","track":"t1"}"#
        let message = #"{"at":"\#(Self.time)","name":"ANNA","number":1,"participant":"anna","text":"a \"b\""}"#
        #expect(
            Array(news.dropFirst(2)) == [
                #"{"data":{"message":\#(message)},"type":"chat"}"#, #"{"data":{"board":\#(board)},"type":"board"}"#,
                #"{"data":{"annotation":\#(drawing),"board":"b1"},"type":"annotated"}"#,
                #"{"data":{"at":{"x":0.25,"y":1},"participant":"ben","track":"t1"},"type":"pointer"}"#,
                #"{"data":{"at":null,"participant":"ben","track":"t1"},"type":"pointer"}"#,
                #"{"data":{"annotations":["d"],"board":"b1"},"type":"erased"}"#, #"{"data":{"board":"b1"},"type":"board_closed"}"#,
            ])
    }

    @Test func seatsAndTheEnd() {
        let order = SeatOrder(source: .stream(StreamID("drone")), displayName: "Drone", receives: [.audio], greatestHeight: 720)
        let news = told([Self.by(1, .seat(SeatID("s"), order)), Self.by(1, .unseat(SeatID("s"))), Self.by(1, .close)])
        let seat =
            #"{"abilities":null,"camera":null,"display_name":"Drone","id":"s","max_height":720,"owner":"anna","participant":"camera:s","receive":["audio"],"#
            + #""send":["audio","video"],"state":"waiting","stream":"drone","until":null}"#
        #expect(
            news == [
                #"{"data":{"seat":\#(seat)},"type":"seat"}"#, #"{"data":{"cause":"removed","seat":"s"},"type":"unseated"}"#,
                #"{"data":{"cause":"closed"},"type":"ended"}"#,
            ])
    }

    @Test func whoComesInIsToldEverything() {
        let snapshot = RoomMessage.frame(
            .welcome(
                RoomSnapshot(
                    you: ParticipantID("x"), participants: [], tracks: [], seats: [], spotlight: [], pins: [], speaker: nil, chat: [],
                    boards: [])))
        let members =
            #"{"boards":[],"chat":[],"participants":[],"pins":[],"recording":null,"seats":[],"speaker":null,"spotlight":[],"tracks":[],"you":"x"}"#
        #expect(snapshot.text == #"{"data":\#(members),"type":"welcome"}"#)
    }
}
