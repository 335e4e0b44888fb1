import Bridge
import BridgeModel
import Testing

/// Hands, words, names, drawings and pointers.
@Suite struct RoomTalkTests {
    @Test func handsStandInTheOrderInWhichTheyWereRaised() {
        var stage = RoomStage()
        for name in ["host", "anna", "ben"] { stage.enter(name, name == "host" ? .host : .viewer) }
        stage.command(.hand(nil, isRaised: true), by: "ben")
        stage.command(.hand(nil, isRaised: true), by: "anna")
        #expect(stage.machine.participants.map(\.hand) == [nil, 2, 1])
        stage.command(.hand(ParticipantID("ben"), isRaised: false), by: "host")
        stage.command(.hand(nil, isRaised: true), by: "ben")
        #expect(stage.machine.participants.map(\.hand) == [nil, 2, 3])
        #expect(stage.refusal(of: .hand(ParticipantID("anna"), isRaised: true), by: "host") == .forbidden)
    }

    @Test func whoComesLaterReadsTheLastMessages() {
        var stage = RoomStage()
        stage.settings.limits.chatHistory = 3
        stage.enter("anna", .worker)
        for number in 1...5 { stage.command(.chat("\(number)"), by: "anna") }
        stage.knock("ben", .viewer)
        guard case .welcome(let snapshot)? = stage.news(of: "ben").first else { return #expect(Bool(false), "no welcome") }
        #expect(snapshot.chat.map(\.text) == ["3", "4", "5"])
        #expect(snapshot.chat.map(\.number) == [3, 4, 5])
    }

    @Test func whoWritesTooMuchIsHeldBackAlone() {
        var stage = RoomStage()
        stage.enter("anna", .worker)
        stage.enter("ben", .worker)
        for _ in 0..<5 { #expect(stage.refusal(of: .chat("x"), by: "anna") == nil) }
        #expect(stage.refusal(of: .chat("x"), by: "anna") == .rateLimited)
        #expect(stage.refusal(of: .chat("x"), by: "ben") == nil)
        stage.pass(.seconds(1))
        #expect(stage.refusal(of: .chat("x"), by: "anna") == nil)
        #expect(stage.refusal(of: .chat("x"), by: "anna") == .rateLimited)
        #expect(stage.refusal(of: .chat(""), by: "anna") == .invalidField)
        #expect(stage.refusal(of: .chat(String(repeating: "x", count: 2001)), by: "ben") == .invalidField)
    }

    @Test func metadataIsMergedAndBounded() {
        var stage = RoomStage()
        stage.enter("anna", .worker)
        stage.command(.describe(nil, name: nil, metadata: ["a": "1", "b": "2"]), by: "anna")
        stage.command(.describe(nil, name: "Anna B.", metadata: ["a": "", "c": "3"]), by: "anna")
        #expect(stage.machine.participants.first?.metadata == ["b": "2", "c": "3"])
        #expect(stage.machine.participants.first?.name == "Anna B.")
        let big = RoomCommand.describe(nil, name: nil, metadata: ["a": String(repeating: "x", count: 2048)])
        #expect(stage.refusal(of: big, by: "anna") == .invalidField)
        let many = Dictionary(uniqueKeysWithValues: (0..<17).map { ("k\($0)", "v") })
        #expect(stage.refusal(of: .describe(nil, name: nil, metadata: many), by: "anna") == .invalidField)
        #expect(stage.refusal(of: .describe(nil, name: "a\nb", metadata: [:]), by: "anna") == .invalidField)
        #expect(stage.machine.participants.first?.metadata == ["b": "2", "c": "3"])
    }

    // MARK: - Boards

    private func frozen() throws -> (RoomStage, BoardID) {
        var stage = RoomStage()
        stage.enter("expert", .expert)
        stage.enter("worker", .worker)
        stage.command(.freeze(try #require(stage.track(of: "worker", .camera)), at: stage.wall), by: "expert")
        return (stage, try #require(stage.machine.boards.first?.id))
    }

    private static let place = PicturePoint(x: 0.5, y: 0.5)

    static let malformed: [AnnotationShape] = [
        .arrow(from: PicturePoint(x: -0.1, y: 0), to: place), .arrow(from: place, to: PicturePoint(x: 0, y: 1.1)),
        .arrow(from: PicturePoint(x: .nan, y: 0), to: place), .pen([]), .pen(Array(repeating: place, count: 1001)),
        .pen([PicturePoint(x: .infinity, y: 0)]), .circle(center: place, radius: 0), .circle(center: place, radius: 1.5),
        .circle(center: place, radius: .nan), .circle(center: PicturePoint(x: 2, y: 0), radius: 0.1), .text("", at: place),
        .text(String(repeating: "x", count: 281), at: place), .text("x", at: PicturePoint(x: 0, y: .nan)),
    ]

    @Test(arguments: malformed) func whatCannotBeDrawnIsRefused(shape: AnnotationShape) throws {
        var (stage, board) = try frozen()
        #expect(stage.refusal(of: .annotate(board, AnnotationID("a"), shape, colour: 0), by: "expert") == .invalidField)
        #expect(stage.machine.boards.first?.annotations.isEmpty == true)
    }

    @Test func aStrokeGrowsAndIsItsAuthorsOwn() throws {
        var (stage, board) = try frozen()
        let id = AnnotationID("a")
        stage.command(.annotate(board, id, .pen([Self.place]), colour: 1), by: "expert")
        stage.command(.annotate(board, id, .pen([Self.place, Self.place]), colour: 1), by: "expert")
        #expect(stage.machine.boards.first?.annotations.map(\.shape) == [.pen([Self.place, Self.place])])
        #expect(stage.refusal(of: .annotate(board, id, RoomStage.arrow, colour: 0), by: "worker") == .forbidden)
        #expect(stage.refusal(of: .erase(board, id), by: "worker") == .forbidden)
        #expect(stage.refusal(of: .erase(board, nil), by: "worker") == nil)
        #expect(stage.machine.boards.first?.annotations.count == 1)
        #expect(stage.refusal(of: .erase(board, nil), by: "expert") == nil)
        #expect(stage.machine.boards.first?.annotations.isEmpty == true)
        let kept = stage.effects.count { if case .keep = $0 { true } else { false } }
        #expect(kept == 4)
    }

    @Test func aFloodOfDrawingsEndsAtTheBudgetAndTheBoard() throws {
        var (stage, board) = try frozen()
        var refusals: [RoomError.Code?] = []
        for number in 0..<100 {
            refusals.append(stage.refusal(of: .annotate(board, AnnotationID("\(number)"), RoomStage.arrow, colour: 0), by: "expert"))
        }
        #expect(refusals.count { $0 == nil } == 60)
        #expect(refusals.count { $0 == .rateLimited } == 40)
        for number in 100..<600 {
            stage.pass(.milliseconds(34))
            stage.command(.annotate(board, AnnotationID("\(number)"), RoomStage.arrow, colour: 0), by: "expert")
        }
        #expect(stage.machine.boards.first?.annotations.count == 500)
    }

    /// Who comes in is sent all of a board at once.
    @Test func aBoardHoldsSoManyPointsAndNoMore() throws {
        var (stage, board) = try frozen()
        let long = AnnotationShape.pen(Array(repeating: Self.place, count: AnnotationShape.greatestPointCount))
        for number in 0..<20 {
            stage.pass(.milliseconds(100))
            #expect(stage.refusal(of: .annotate(board, AnnotationID("\(number)"), long, colour: 0), by: "expert") == nil)
        }
        #expect(stage.refusal(of: .annotate(board, AnnotationID("more"), RoomStage.arrow, colour: 0), by: "expert") == .limitReached)
        // One that takes another's place takes its points, too.
        #expect(stage.refusal(of: .annotate(board, AnnotationID("7"), RoomStage.arrow, colour: 0), by: "expert") == nil)
        #expect(stage.refusal(of: .annotate(board, AnnotationID("more"), RoomStage.arrow, colour: 0), by: "expert") == nil)
    }

    /// Everybody draws on one picture, whoever comes later, too.
    @Test func aFrozenFrameGetsItsPicture() throws {
        var (stage, board) = try frozen()
        let track = try #require(stage.machine.tracks.first { $0.owner == ParticipantID("worker") && $0.kind == .camera })
        #expect(stage.effects.contains(.takeFrame(track, of: board)))
        stage.command(.annotate(board, AnnotationID("a"), RoomStage.arrow, colour: 0), by: "expert")
        stage.forget()
        let frame = BoardFrame(id: "p", path: "/p.jpg", at: stage.wall, width: 1920, height: 1080)
        stage.give(.framed(board, frame))
        let now = try #require(stage.machine.boards.first)
        #expect(now.frame == frame && now.annotations.count == 1)
        #expect(stage.news(of: "worker") == [.board(now)] && stage.news(of: "expert") == [.board(now)])
        stage.knock("late", .viewer)
        guard case .welcome(let snapshot)? = stage.news(of: "late").first else { return #expect(Bool(false), "no welcome") }
        #expect(snapshot.boards == [now])
        stage.command(.closeBoard(board), by: "expert")
        #expect(stage.effects.contains(.dropPicture("p")))
    }

    @Test func aPictureThatComesTooLateIsDropped() throws {
        var (stage, board) = try frozen()
        stage.command(.closeBoard(board), by: "expert")
        stage.forget()
        let frame = BoardFrame(id: "p", path: "/p.jpg", at: stage.wall, width: 1920, height: 1080)
        #expect(stage.give(.framed(board, frame)) == [.dropPicture("p")])
        #expect(stage.administer(.close) == nil)
        #expect(stage.give(.framed(board, frame)).isEmpty)
    }

    @Test func whoeverGoesAwayPointsNowhere() throws {
        var (stage, _) = try frozen()
        let track = try #require(stage.track(of: "worker", .camera))
        let gone = RoomNotice.pointer(track, ParticipantID("expert"), nil)
        stage.command(.point(track, Self.place), by: "expert")
        stage.forget()
        let socket = try #require(stage.sockets["expert"])
        stage.give(.socketLost(socket))
        #expect(stage.news(of: "worker").first == gone)
        stage.pass(.seconds(20))
        #expect(stage.news(of: "worker").count { $0 == gone } == 1)
        stage.knock("second", .expert)
        stage.command(.point(track, Self.place), by: "second")
        stage.command(.point(track, nil), by: "second")
        stage.forget()
        stage.command(.leave, by: "second")
        #expect(!stage.news(of: "worker").contains(.pointer(track, ParticipantID("second"), nil)), "they had taken it away before")
        stage.knock("third", .expert)
        stage.command(.point(track, Self.place), by: "third")
        stage.forget()
        stage.command(.leave, by: "third")
        #expect(stage.news(of: "worker").contains(.pointer(track, ParticipantID("third"), nil)))
    }

    @Test func aPointerIsSeenByTheOthersAndDroppedWhenItIsTooFast() throws {
        var (stage, _) = try frozen()
        let track = try #require(stage.track(of: "worker", .camera))
        stage.forget()
        for _ in 0..<100 { stage.command(.point(track, Self.place), by: "expert") }
        #expect(stage.news(of: "worker") == Array(repeating: .pointer(track, ParticipantID("expert"), Self.place), count: 30))
        #expect(stage.news(of: "expert").isEmpty)
        let sound = try #require(stage.track(of: "worker", .microphone))
        #expect(stage.refusal(of: .point(sound, Self.place), by: "expert") == .invalidField)
        #expect(stage.refusal(of: .point(track, PicturePoint(x: 2, y: 0)), by: "expert") == .invalidField)
    }

    @Test func aFrozenFrameOutlivesItsTrack() throws {
        var (stage, board) = try frozen()
        stage.command(.leave, by: "worker")
        #expect(stage.refusal(of: .annotate(board, AnnotationID("a"), RoomStage.arrow, colour: 0), by: "expert") == nil)
        #expect(stage.refusal(of: .closeBoard(board), by: "expert") == nil)
        #expect(stage.refusal(of: .annotate(board, AnnotationID("a"), RoomStage.arrow, colour: 0), by: "expert") == .notFound)
    }
}
