import Bridge
import BridgeModel
import Signaling
import Testing

/// What pages say in a room: what is read, and how exactly what is not is refused.
@Suite struct RoomFormTests {
    private static func frame(_ type: String, _ data: JSONValue = [:]) -> JSONValue { ["type": .string(type), "data": data] }

    struct Good: Sendable {
        var frame: JSONValue
        var request: RoomRequest
    }

    private static let half = PicturePoint(x: 0.5, y: 0.25)
    private static let halfText: JSONValue = ["x": .number(0.5), "y": .number(0.25)]

    private static func annotate(_ shape: JSONValue) -> JSONValue {
        frame("annotate", ["board": "b1", "annotation": "a", "shape": shape, "colour": "#ff8000"])
    }

    private static func annotated(_ shape: AnnotationShape) -> RoomRequest {
        .command(.annotate(BoardID("b1"), AnnotationID("a"), shape, colour: 0xFF8000))
    }

    static let good: [Good] = [
        Good(frame: ["type": "join"], request: .join(name: nil, keepsPeers: false)),
        Good(frame: frame("join", ["name": "Anna", "keeps_peers": true, "else": 1]), request: .join(name: "Anna", keepsPeers: true)),
        Good(frame: ["type": "leave", "data": nil], request: .command(.leave)),
        Good(frame: frame("publish", ["kind": "screen", "mid": "2"]), request: .command(.publish(.screen, mid: "2"))),
        Good(frame: frame("unpublish", ["track": "t1"]), request: .command(.unpublish(RoomTrackID("t1")))),
        Good(frame: frame("mute", ["track": "t1", "muted": false]), request: .command(.mute(RoomTrackID("t1"), false))),
        Good(frame: frame("admit", ["participant": "p"]), request: .command(.admit(ParticipantID("p")))),
        Good(frame: frame("deny", ["participant": "p"]), request: .command(.deny(ParticipantID("p")))),
        Good(frame: frame("remove", ["participant": "p"]), request: .command(.remove(ParticipantID("p")))),
        Good(frame: frame("hand", ["raised": true]), request: .command(.hand(nil, isRaised: true))),
        Good(
            frame: frame("hand", ["raised": false, "participant": "p"]), request: .command(.hand(ParticipantID("p"), isRaised: false))),
        Good(frame: frame("pin", ["tracks": []]), request: .command(.pin([]))),
        Good(
            frame: frame("spotlight", ["tracks": ["t1", "t2"]]), request: .command(.spotlight([RoomTrackID("t1"), RoomTrackID("t2")]))),
        Good(
            frame: frame("view", ["tracks": [["track": "t1", "visible": true, "width": 640, "frame_rate": 15]]]),
            request: .command(.view([RoomTrackID("t1"): TrackView(isVisible: true, width: 640, frameRate: 15)]))),
        Good(
            frame: frame("describe", ["name": "N", "metadata": ["a": "1", "b": nil]]),
            request: .command(.describe(nil, name: "N", metadata: ["a": "1", "b": ""]))),
        Good(frame: frame("chat", ["text": "hello\nworld"]), request: .command(.chat("hello\nworld"))),
        Good(
            frame: frame("camera_seat", ["stream": "drone", "display_name": "D"]),
            request: .seat(SeatOrder(source: .stream(StreamID("drone")), displayName: "D"))),
        Good(
            frame: frame(
                "camera_seat",
                [
                    "camera": "c", "display_name": "C", "send": ["video"], "receive": ["audio"], "max_height": 720,
                    "until": "2031-05-01T00:00:00Z",
                ]),
            request: .seat(
                SeatOrder(
                    source: .camera(ClientID("c")), displayName: "C", sends: [.video], receives: [.audio], greatestHeight: 720,
                    until: WallTime(milliseconds: 1_935_360_000_000)))),
        Good(frame: frame("camera_unseat", ["seat": "s"]), request: .command(.unseat(SeatID("s")))),
        Good(
            frame: frame("freeze", ["track": "t1", "at": "2031-05-01T00:00:00.5Z"]),
            request: .command(.freeze(RoomTrackID("t1"), at: WallTime(milliseconds: 1_935_360_000_500)))),
        Good(frame: frame("board_close", ["board": "b1"]), request: .command(.closeBoard(BoardID("b1")))),
        Good(
            frame: annotate(["type": "arrow", "from": halfText, "to": ["x": 0, "y": 1]]),
            request: annotated(.arrow(from: half, to: .init(x: 0, y: 1)))),
        Good(
            frame: annotate(["type": "pen", "points": [[0, 1], [1, 0]]]), request: annotated(.pen([.init(x: 0, y: 1), .init(x: 1, y: 0)]))),
        Good(frame: annotate(["type": "circle", "center": halfText, "radius": 1]), request: annotated(.circle(center: half, radius: 1))),
        Good(frame: annotate(["type": "text", "text": "here", "at": halfText]), request: annotated(.text("here", at: half))),
        Good(frame: frame("erase", ["board": "b1"]), request: .command(.erase(BoardID("b1"), nil))),
        Good(frame: frame("erase", ["board": "b1", "annotation": "a"]), request: .command(.erase(BoardID("b1"), AnnotationID("a")))),
        Good(frame: frame("point", ["track": "t1", "at": halfText]), request: .command(.point(RoomTrackID("t1"), half))),
        Good(frame: frame("point", ["track": "t1", "at": nil]), request: .command(.point(RoomTrackID("t1"), nil))),
        Good(frame: frame("record", ["on": true]), request: .record(true)),
        Good(frame: frame("clip", ["seconds": 30]), request: .command(.clip(nil, seconds: 30))),
        Good(frame: frame("clip", ["track": "t1", "seconds": 1]), request: .command(.clip(RoomTrackID("t1"), seconds: 1))),
        Good(frame: frame("snapshot", ["track": "t1"]), request: .command(.snapshot(RoomTrackID("t1")))),
        Good(frame: frame("single", ["on": true]), request: .command(.single(true))),
        Good(frame: frame("room_close"), request: .command(.close)),
    ]

    @Test(arguments: good) func framesAreRead(good: Good) throws {
        #expect(try RoomForm.frame(in: good.frame) == RoomFrame(.init(type: good.frame["type"]?.string), .request(good.request)))
    }

    private static func description(_ peer: JSONValue, _ type: JSONValue, _ sdp: JSONValue = "v=0") -> JSONValue {
        ["peer": peer, "sdp": ["type": type, "sdp": sdp]]
    }

    @Test func descriptionsAreRead() throws {
        let offer = try RoomForm.frame(in: Self.frame("sdp_update", Self.description("publish", "offer")))
        #expect(offer.message == .publishOffer(sdp: "v=0"))
        let answer = try RoomForm.frame(in: Self.frame("sdp_update", Self.description("subscribe", "answer")))
        #expect(answer.message == .subscribeAnswer(sdp: "v=0"))
    }

    @Test func aReferenceIsRead() throws {
        let frame = try RoomForm.frame(in: ["type": "leave", "ref": "7"])
        #expect(frame.name == RoomFrame.Name(type: "leave", reference: "7"))
        #expect(RoomForm.reference(in: ["type": 5, "ref": "7"]) == "7")
        #expect(RoomForm.reference(in: ["ref": 7]) == nil && RoomForm.reference(in: [7]) == nil && RoomForm.reference(in: nil) == nil)
    }

    @Test func everyTypeIsAmongThem() {
        let types = Set(Self.good.compactMap { $0.frame["type"]?.string })
        #expect(types == Set(RoomFrame.Kind.allCases.map(\.rawValue)).subtracting(["sdp_update", "camera_order"]))
    }

    struct Bad: Sendable {
        var frame: JSONValue?
        var code: RTMError.Code
        var field: String?

        init(_ frame: JSONValue?, _ code: RTMError.Code, _ field: String?) {
            (self.frame, self.code, self.field) = (frame, code, field)
        }

        init(_ type: String, _ data: JSONValue, _ code: RTMError.Code, _ field: String) {
            self.init(RoomFormTests.frame(type, data), code, "data" + (field.isEmpty ? "" : ".\(field)"))
        }
    }

    private static func long(_ count: Int) -> JSONValue { .string(String(repeating: "x", count: count)) }
    private static let manyPoints = JSONValue.array(Array(repeating: [0, 0], count: 1001))

    static let bad: [Bad] = [
        Bad(nil, .malformedJSON, nil), Bad([1], .malformedJSON, nil), Bad("join", .malformedJSON, nil),
        Bad([:], .missingField, "type"), Bad(["type": nil], .missingField, "type"), Bad(["type": 1], .invalidField, "type"),
        Bad(["type": "session_start"], .unknownType, "type"), Bad(["type": ""], .unknownType, "type"),
        Bad(["type": "leave", "data": []], .invalidField, "data"),
        Bad(["type": "leave", "ref": 1], .invalidField, "ref"), Bad(["type": "leave", "ref": ""], .invalidField, "ref"),
        Bad(["type": "leave", "ref": long(65)], .invalidField, "ref"),
        Bad("sdp_update", ["sdp": ["type": "offer", "sdp": "v"]], .missingField, "peer"),
        Bad("sdp_update", description("both", "offer"), .invalidField, "peer"),
        Bad("sdp_update", ["peer": "publish"], .missingField, "sdp"),
        Bad("sdp_update", ["peer": "publish", "sdp": "v"], .invalidField, "sdp"),
        Bad("sdp_update", ["peer": "publish", "sdp": ["sdp": "v"]], .missingField, "sdp.type"),
        Bad("sdp_update", description("publish", "rollback"), .invalidField, "sdp.type"),
        Bad("sdp_update", description("publish", "answer"), .invalidField, "sdp.type"),
        Bad("sdp_update", description("subscribe", "offer"), .invalidField, "sdp.type"),
        Bad("sdp_update", description("publish", "offer", nil), .missingField, "sdp.sdp"),
        Bad("sdp_update", description("publish", "offer", ""), .invalidField, "sdp.sdp"),
        Bad("sdp_update", description("publish", "offer", long(131_073)), .invalidField, "sdp.sdp"),
        Bad("join", ["name": ""], .invalidField, "name"), Bad("join", ["name": long(129)], .invalidField, "name"),
        Bad("join", ["keeps_peers": 1], .invalidField, "keeps_peers"),
        Bad("publish", ["mid": "0"], .missingField, "kind"), Bad("publish", ["kind": "smell", "mid": "0"], .invalidField, "kind"),
        Bad("publish", ["kind": "camera"], .missingField, "mid"),
        Bad("publish", ["kind": "camera", "mid": long(65)], .invalidField, "mid"),
        Bad("unpublish", [:], .missingField, "track"), Bad("unpublish", ["track": 1], .invalidField, "track"),
        Bad("mute", ["track": "t"], .missingField, "muted"), Bad("mute", ["track": "t", "muted": "yes"], .invalidField, "muted"),
        Bad("admit", [:], .missingField, "participant"), Bad("deny", ["participant": ""], .invalidField, "participant"),
        Bad("remove", ["participant": long(201)], .invalidField, "participant"),
        Bad("hand", [:], .missingField, "raised"),
        Bad("pin", [:], .missingField, "tracks"), Bad("pin", ["tracks": "t"], .invalidField, "tracks"),
        Bad("spotlight", ["tracks": [1]], .invalidField, "tracks"),
        Bad("spotlight", ["tracks": .array(Array(repeating: "t", count: 501))], .invalidField, "tracks"),
        Bad("view", ["tracks": [["track": "t"]]], .missingField, "tracks[0].visible"),
        Bad("view", ["tracks": [1]], .missingField, "tracks[0].track"),
        Bad("view", ["tracks": [["track": "t", "visible": true, "width": 0]]], .invalidField, "tracks[0].width"),
        Bad("view", ["tracks": [["track": "t", "visible": true, "height": 16385]]], .invalidField, "tracks[0].height"),
        Bad("view", ["tracks": [["track": "t", "visible": true, "frame_rate": .number(0.5)]]], .invalidField, "tracks[0].frame_rate"),
        Bad("describe", ["metadata": ["a": 1]], .invalidField, "metadata"), Bad("describe", ["metadata": []], .invalidField, "metadata"),
        Bad("chat", [:], .missingField, "text"), Bad("chat", ["text": ""], .invalidField, "text"),
        Bad("chat", ["text": long(2001)], .invalidField, "text"),
        Bad("camera_seat", ["display_name": "D"], .invalidField, "stream"),
        Bad("camera_seat", ["display_name": "D", "stream": "s", "camera": "c"], .invalidField, "stream"),
        Bad("camera_seat", ["display_name": "D", "stream": "a\nb"], .invalidField, "stream"),
        Bad("camera_seat", ["stream": "s"], .missingField, "display_name"),
        Bad("camera_seat", ["stream": "s", "display_name": "D", "send": ["smell"]], .invalidField, "send"),
        Bad("camera_seat", ["stream": "s", "display_name": "D", "receive": "audio"], .invalidField, "receive"),
        Bad("camera_seat", ["stream": "s", "display_name": "D", "max_height": -1], .invalidField, "max_height"),
        Bad("camera_seat", ["stream": "s", "display_name": "D", "until": "tomorrow"], .invalidField, "until"),
        Bad("camera_unseat", [:], .missingField, "seat"),
        Bad("camera_order", ["order": ["type": "idle"]], .missingField, "seat"),
        Bad("camera_order", ["seat": "s"], .missingField, "order"),
        Bad("camera_order", ["seat": "s", "order": "idle"], .invalidField, "order"),
        Bad("camera_order", ["seat": "s", "order": ["type": "dance"]], .invalidField, "order.type"),
        Bad("camera_order", ["seat": "s", "order": ["type": "zoom", "factor": 0]], .invalidField, "order.factor"),
        Bad("freeze", ["track": "t"], .missingField, "at"), Bad("freeze", ["track": "t", "at": 1], .invalidField, "at"),
        Bad("board_close", [:], .missingField, "board"),
        Bad("annotate", ["board": "b", "annotation": "a", "colour": "#000000"], .missingField, "shape"),
        Bad("annotate", ["board": "b", "annotation": "a", "shape": 1], .invalidField, "shape"),
        Bad(annotate(["type": "star"]), .invalidField, "data.shape.type"),
        Bad(annotate(["type": "arrow"]), .missingField, "data.shape.from"),
        Bad(annotate(["type": "arrow", "from": ["x": 2, "y": 0]]), .invalidField, "data.shape.from.x"),
        Bad(annotate(["type": "pen", "points": []]), .invalidField, "data.shape.points"),
        Bad(annotate(["type": "pen", "points": [[0]]]), .invalidField, "data.shape.points"),
        Bad(annotate(["type": "pen", "points": [[0, -1]]]), .invalidField, "data.shape.points"),
        Bad(annotate(["type": "pen", "points": manyPoints]), .invalidField, "data.shape.points"),
        Bad(annotate(["type": "circle", "center": halfText]), .missingField, "data.shape.radius"),
        Bad(annotate(["type": "text", "text": long(281), "at": halfText]), .invalidField, "data.shape.text"),
        Bad(
            "annotate", ["board": "b", "annotation": "a", "shape": ["type": "pen", "points": [[0, 0]]], "colour": "red"], .invalidField,
            "colour"),
        Bad(
            "annotate", ["board": "b", "annotation": "a", "shape": ["type": "pen", "points": [[0, 0]]], "colour": "#+12345"], .invalidField,
            "colour"),
        Bad("erase", ["annotation": "a"], .missingField, "board"),
        Bad("erase", ["board": "b", "annotation": long(65)], .invalidField, "annotation"),
        Bad("record", [:], .missingField, "on"), Bad("record", ["on": 1], .invalidField, "on"),
        Bad("clip", [:], .missingField, "seconds"), Bad("clip", ["seconds": 0], .invalidField, "seconds"),
        Bad("clip", ["seconds": 301], .invalidField, "seconds"), Bad("clip", ["seconds": 1, "track": 1], .invalidField, "track"),
        Bad("snapshot", [:], .missingField, "track"), Bad("single", [:], .missingField, "on"),
        Bad("single", ["on": 1], .invalidField, "on"),
        Bad("point", ["track": "t", "at": [0, 0]], .invalidField, "at"),
        Bad("point", ["track": "t", "at": ["x": 0]], .missingField, "at.y"),
    ]

    @Test func anOrderForACameraIsRead() throws {
        let frame = Self.frame("camera_order", ["seat": "s", "order": ["type": "zoom", "factor": 2]])
        #expect(try RoomForm.frame(in: frame).message == .cameraOrder(SeatID("s"), .zoom(2)))
    }

    @Test(arguments: bad) func malformedFramesAreRefused(bad: Bad) {
        do throws(RTMFault) {
            let request = try RoomForm.frame(in: bad.frame)
            Issue.record("read as \(request)")
        } catch {
            #expect(error.error.code == bad.code)
            #expect(error.error.field == bad.field)
            #expect(error.isBadMessage == (bad.code != .unknownType))
        }
    }

    @Test func aLongTypeMakesNoLongReply() {
        #expect(throws: RTMFault.self) { try RoomForm.frame(in: ["type": Self.long(100_000)]) }
        do throws(RTMFault) { _ = try RoomForm.frame(in: ["type": Self.long(100_000)]) } catch {
            #expect(error.inReplyTo?.utf8.count == 64)
        }
    }
}
