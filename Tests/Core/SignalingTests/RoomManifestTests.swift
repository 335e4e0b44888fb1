import Bridge
import BridgeModel
import Signaling
import Testing

@Suite struct RoomManifestTests {
    private static let epoch = WallTime(milliseconds: 1_935_360_000_000)
    private static let board = BoardID("b1")

    private static func time(_ seconds: Int) -> WallTime { epoch.advanced(by: .seconds(seconds)) }

    private static func drawing(_ id: String, _ seconds: Int, x: Double = 0) -> RoomRecordingEntry {
        let shape = AnnotationShape.pen([PicturePoint(x: x, y: 0)])
        return .kept(
            .annotated(
                board, Annotation(id: AnnotationID(id), author: ParticipantID("anna"), shape: shape, colour: 0xFF, at: time(seconds))))
    }

    private static let take = RoomTake(
        number: 1, participant: ParticipantID("anna"), isScreen: false, source: StreamID("s"), isOfRoom: true, tracks: [RoomTrackID("t1")],
        descriptions: [], since: MonotonicTime(nanoseconds: 0))

    private static let other = RoomTake(
        number: 2, participant: ParticipantID("anna"), isScreen: true, source: StreamID("s"), isOfRoom: true, tracks: [RoomTrackID("t3")],
        descriptions: [], since: MonotonicTime(nanoseconds: 0))

    private static let story: [(RoomRecordingEntry, Int)] = [
        (
            .begun(
                RoomRecording(id: RoomRecordingID("r"), mode: .tracks, since: epoch, participant: ParticipantID("anna")),
                room: RoomID("yard"), account: AccountID("acme")), 0
        ),
        (.joined(RoomParticipant(id: ParticipantID("anna"), role: .host, name: "Anna")), 0),
        (.track(RoomTrack(id: RoomTrackID("t1"), owner: ParticipantID("anna"), kind: .camera, mid: "0")), 1),
        (.recording(RecordingID("rec"), of: take, stream: StreamID("room-r-1"), isShared: false), 2),
        (
            .kept(
                .frozen(
                    RoomBoard(
                        id: board, track: RoomTrackID("t1"), subject: ParticipantID("anna"), owner: nil, frameAt: time(3)))), 3
        ),
        (drawing("d", 4), 4), (drawing("d", 5, x: 0.5), 5), (drawing("e", 6), 6),
        (.kept(.erased(board, [AnnotationID("d")], at: time(7))), 7), (drawing("d", 8), 8),
        (.kept(.clip(RoomClipMark(id: "c1", track: nil, participant: ParticipantID("anna"), from: time(1), to: time(9)))), 9),
        (.clip(ClipID("clip"), of: "c1", recording: RecordingID("rec")), 10),
        (.left(ParticipantID("anna"), .left), 11), (.joined(RoomParticipant(id: ParticipantID("anna"), role: .host, name: "Anna")), 12),
        (.trackEnded(RoomTrackID("t1")), 13), (.kept(.boardClosed(board, at: time(14))), 14), (.ended(.stopped), 15),
    ]

    private static func journal(_ count: Int = story.count) -> [UInt8] {
        story.prefix(count).flatMap { Array(($0.0.value(at: time($0.1)).text + "\n").utf8) }
    }

    private static func document(_ journal: [UInt8]) throws -> JSONValue { try #require(RoomManifest(journal: journal)).document([:]) }

    @Test func aStoryIsToldWhole() throws {
        let manifest = try #require(RoomManifest(journal: Self.journal()))
        #expect(manifest.isOver && manifest.id == RoomRecordingID("r") && manifest.recordingIDs == [RecordingID("rec")])
        let document = manifest.document([:])
        #expect(document["ended_at"]?.string == Self.time(15).iso8601 && document["cause"]?.string == "stopped")
        guard case .array(let participants)? = document["participants"], case .array(let stays)? = participants[0]["stays"] else {
            Issue.record("no participants")
            return
        }
        #expect(participants.count == 1 && stays.count == 2)
        #expect(stays[0]["to"]?.string == Self.time(11).iso8601 && stays[1]["to"]?.isNull == true)
        guard case .array(let clips)? = document["clips"] else {
            Issue.record("no clips")
            return
        }
        #expect(clips[0]["clips"] == ["clip"])
    }

    @Test func aStrokeThatGrowsIsOneAndOneThatIsDrawnAgainIsAnother() throws {
        let manifest = try #require(RoomManifest(journal: Self.journal()))
        let boards = manifest.boards(of: StreamID("room-r-1"))
        #expect(manifest.boards(of: StreamID("other")).isEmpty && boards.count == 1)
        guard case .array(let drawn)? = boards.first?["annotations"] else {
            Issue.record("no annotations")
            return
        }
        #expect(drawn.map { $0["id"]?.string } == ["d", "e", "d"])
        #expect(drawn.map { $0["drawn_at"]?.string } == [Self.time(4), Self.time(6), Self.time(8)].map(\.iso8601))
        #expect(drawn.map { $0["erased_at"]?.string } == [Self.time(7).iso8601, nil, nil])
        #expect(boards[0]["closed_at"]?.string == Self.time(14).iso8601)
    }

    private static let failing: [(RoomRecordingEntry, Int)] = [
        story[0], (.compositeFailed(BridgeError(.limitReached, "8 run"), since: time(0)), 1),
        (.compositeFailed(BridgeError(.pipelineCrashed, "gone"), since: time(4)), 4),
        (.composite(RecordingID("c"), stream: StreamID("composite-1"), isShared: false), 7),
        (.recordingFailed(take, BridgeError(.internal, "no"), since: time(8)), 8),
        (.compositeFailed(BridgeError(.pipelineFailed, "ended"), since: time(9)), 10), (.ended(.stopped), 15),
    ]

    /// Since when there was no picture of the room, until when, and why.
    @Test func aCompositeThatFailsIsToldWithItsTimes() throws {
        let recordings = { (count: Int) throws -> [JSONValue] in
            let lines = Self.failing.prefix(count).flatMap { Array(($0.0.value(at: Self.time($0.1)).text + "\n").utf8) }
            guard case .array(let found)? = try Self.document(lines)["recordings"] else { return [] }
            return found
        }
        let times = { (seconds: [Int?]) in seconds.map { $0.map { Self.time($0).iso8601 } } }
        #expect(try recordings(2).map { $0["failed_until"] } == [.null])
        let all = try recordings(Self.failing.count)
        #expect(all.map { $0["kind"]?.string } == ["composite", "composite", "composite", "camera", "composite"])
        #expect(all.map { $0["failure"]?["code"]?.string } == ["limit_reached", "pipeline_crashed", nil, "internal", "pipeline_failed"])
        #expect(all.map { $0["begun_at"]?.string } == times([0, 4, 7, 8, 9]))
        #expect(all.map { $0["failed_until"]?.string } == times([4, 7, nil, 15, 15]))
    }

    /// The same of what somebody sends: until it was recorded, or was not sent any more.
    @Test(arguments: [
        (RoomRecordingEntry.recording(RecordingID("rec"), of: take, stream: StreamID("room-r-1"), isShared: false), true),
        (.recordingFailed(take, BridgeError(.noMedia, "silent"), since: time(5)), true), (.trackEnded(RoomTrackID("t1")), true),
        (.ended(.stopped), true), (.trackEnded(RoomTrackID("t2")), false),
        (.recording(RecordingID("rec"), of: other, stream: StreamID("room-r-2"), isShared: false), false),
        (.composite(RecordingID("c"), stream: StreamID("composite-1"), isShared: false), false),
    ])
    func whatSomebodySendsAndIsNotRecordedIsToldWithItsTimes(next: RoomRecordingEntry, isOver: Bool) throws {
        let entries = [Self.story[0], (.recordingFailed(Self.take, BridgeError(.internal, "no"), since: Self.time(3)), 4), (next, 5)]
        let lines = entries.flatMap { Array(($0.0.value(at: Self.time($0.1)).text + "\n").utf8) }
        let recordings = try Self.document(lines)["recordings"]
        guard case .array(let found)? = recordings, let failed = found.first else {
            Issue.record("no recordings")
            return
        }
        #expect(failed["kind"] == "camera" && failed["id"] == .null && failed["participant"] == "anna" && failed["tracks"] == ["t1"])
        #expect(failed["begun_at"]?.string == Self.time(3).iso8601)
        #expect(failed["failed_until"] == (isOver ? .string(Self.time(5).iso8601) : .null))
    }

    /// Wherever a bridge is killed, what it had written is told.
    @Test func aJournalThatBreaksOffIsReadAsFarAsItGoes() throws {
        let whole = Self.journal()
        let first = try #require(whole.firstIndex(of: UInt8(ascii: "\n")))
        for length in 0..<whole.count {
            let manifest = RoomManifest(journal: whole[..<length])
            #expect((manifest != nil) == (length >= first), "\(length)")
        }
        let cut = try Self.document(Self.journal(8) + Array(#"{"entry":"boa"#.utf8))
        #expect(try cut == Self.document(Self.journal(8)))
    }

    @Test(arguments: [
        "", "\n\n", "nonsense", "[]", #"{"entry":1}"#, #"{"entry":"begun"}"#, #"{"entry":"begun","id":1,"room":2,"account":3,"at":4}"#,
        #"{"entry":"begun","id":"r","room":"y","account":"a","at":"yesterday"}"#,
    ]) func whatIsNoJournalIsNone(text: String) {
        #expect(RoomManifest(journal: Array(text.utf8)) == nil)
    }

    @Test(arguments: [
        #"{"entry":"left","id":"nobody"}"#, #"{"entry":"joined"}"#, #"{"entry":"board","board":1}"#,
        #"{"entry":"annotated","board":"b1","annotation":1}"#,
        #"{"entry":"annotated","board":[],"annotation":{}}"#, #"{"entry":"erased","board":"b1","annotations":"d"}"#,
        #"{"entry":"recording","tracks":1}"#, #"{"entry":"clip","mark":1}"#, #"{"entry":"clip_marked","clip":[]}"#,
        #"{"entry":"unheard of"}"#,
        #"{"entry":"snapshot"}"#, #"{"entry":"track_ended","id":null}"#, #"{"entry":"ended"}"#,
    ]) func malformedLinesDoNoHarm(line: String) throws {
        let document = try Self.document(Self.journal(5) + Array(line.utf8))
        #expect(document["room_recording"]?.string == "r")
        #expect(try JSONValue.read(document.text.utf8) == document)
    }
}
