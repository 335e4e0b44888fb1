import BridgeModel
import Testing

@testable import Bridge

@Suite struct SidecarTests {
    private let row: RecordingRow
    private let file = "r1-2.mp4"

    init() throws {
        let context = SessionContext(
            session: SessionID("s1"), account: AccountID("acme"), client: ClientID("c"), stream: StreamID("gate 3"), direction: .publish)
        row = RecordingRow(
            id: RecordingID("r1"), context: context, state: .delivered, container: .mp4, file: "r1.mp4", destination: .keep,
            webhookURL: nil,
            startedAt: WallTime(milliseconds: 1_700_000_000_000))
    }

    @Test(arguments: [
        ("r1.mp4.json", SidecarName.Part.manifest, "json", "application/json"), ("r1-2.mkv.sidecars", .all, "sidecars", "application/json"),
        ("r1.poster.jpg", .poster, "poster.jpg", "image/jpeg"), ("r1.thumbnails.vtt", .track, "thumbnails.vtt", "text/vtt"),
        ("r1-2.sprite-12.jpg", .sheet(12), "sprite-12.jpg", "image/jpeg"), ("r1.room.json", .room, "room.json", "application/json"),
        ("r1.room-p-1.jpg", .roomPicture("p-1"), "room-p-1.jpg", "image/jpeg"),
    ])
    func aNameSaysWhatItIs(name: String, part: SidecarName.Part, ending: String, type: String) throws {
        let sidecar = try #require(SidecarName(name))
        #expect(sidecar.part == part && sidecar.ending == ending && sidecar.mediaType == type)
    }

    @Test(arguments: [
        "", ".", "..", "...", "r1.mp4", "r1", "r1.json", ".mp4.json", "r1.exe.json", "r1.mp4.txt", "r1.mp4.json.json", "r1.sprite-0.jpg",
        "r1.sprite-01.jpg", "r1.sprite--1.jpg", "r1.sprite-99999999999999999999.jpg", "a/r1.poster.jpg", "r1.poster.png",
        "r1.mp4.sidecars.", "r1..json", "r1.room-.jpg", "r1.room-p.png", "r1.room.jpg", "r1.room-p.jpg.x", "r1.room-p/q.jpg",
    ])
    func otherNamesAreNoSidecars(name: String) {
        #expect(SidecarName(name) == nil)
    }

    @Test(arguments: [
        ("r1-2.mp4.json", "gate_3/film-r1-2.json", "r1-2.json"), ("r1-2.poster.jpg", "gate_3/film-r1-2.poster.jpg", "r1-2.poster.jpg"),
        ("r1.sprite-3.jpg", "gate_3/film-r1.sprite-3.jpg", "r1.sprite-3.jpg"), ("r1-2.mp4", "gate_3/film-r1-2.mp4", "r1-2.mp4"),
    ])
    func theyLieBesideTheFile(name: String, key: String, plain: String) throws {
        let facts = row.keyFacts(of: name)
        let template = try KeyTemplate(parsing: "{camera}/film-{id}.webm")
        #expect(Destination.folder(path: "/a", key: template).key(of: facts) == key)
        #expect(Destination.folder(path: "/a").key(of: facts) == plain)
        #expect(Destination.webdav(WebDAVDestination(url: Redacted("https://dav.example/"), key: template)).key(of: facts) == key)
        #expect(Destination.put(url: Redacted("https://a.example/x")).key(of: facts) == nil)
    }

    @Test func onlyWhatIsThereAndWantedIsSent() {
        let names: Set = [
            "r1.mp4", "r1.mp4.json", "r1.poster.jpg", "r1.sprite-1.jpg", "r1.sprite-2.jpg", "r1.thumbnails.vtt", "r1-2.poster.jpg",
            "r1-2.sprite-1.jpg",
        ]
        #expect(SidecarName.wanted([.poster, .manifest], of: "r1.mp4", among: names) == ["r1.mp4.json", "r1.poster.jpg"])
        #expect(
            SidecarName.wanted([.thumbnails], of: "r1.mp4", among: names) == ["r1.sprite-1.jpg", "r1.sprite-2.jpg", "r1.thumbnails.vtt"])
        #expect(SidecarName.wanted(Sidecar.allCases, of: "r1-2.mp4", among: names) == ["r1-2.poster.jpg"], "its track is not written yet")
        #expect(SidecarName.wanted([], of: "r1.mp4", among: names).isEmpty)
    }

    @Test func aTrackNamesTheSheetsThatLieBesideIt() throws {
        let track =
            "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nr1.sprite-1.jpg#xywh=0,0,160,90\n\n00:00:02.000 --> 00:00:04.000\nr1.sprite-2.jpg#xywh=160,0,160,90\n"
        let destination = Destination.folder(path: "/a", key: try KeyTemplate(parsing: "{date}/gate (3) ä-{id}.mp4"))
        let rewritten = try #require(SidecarText.rewritten(Array(track.utf8), row.keyFacts(of: "r1.thumbnails.vtt"), for: destination))
        #expect(
            String(decoding: rewritten, as: UTF8.self)
                == track.split(separator: "r1.sprite", omittingEmptySubsequences: false).joined(
                    separator: "gate%20%283%29%20%C3%A4-r1.sprite"))
        #expect(SidecarText.rewritten(Array(track.utf8), row.keyFacts(of: "r1.sprite-1.jpg"), for: destination) == nil, "a picture stays")
        #expect(SidecarText.rewritten([0xFF, 0x00], row.keyFacts(of: "r1.thumbnails.vtt"), for: destination) == nil)
    }

    @Test func aManifestNamesTheFileThatLiesBesideIt() throws {
        var segment = SegmentRow(
            recording: row.id, number: 2, stream: StreamID(#""file":"r1-2.mp4""#), container: .mp4, file: file, state: .delivered)
        segment.sha256 = "00ff"
        let manifest = Array(RecordingManifest(segment: segment, context: row.context, tracks: []).json.text.utf8)
        let destination = Destination.folder(path: "/a", key: try KeyTemplate(parsing: "{camera}/{time}-{id}.mp4"))
        let rewritten = try #require(SidecarText.rewritten(manifest, row.keyFacts(of: "r1-2.mp4.json"), for: destination))
        let document = try JSONValue.read(rewritten)
        #expect(document["file"] == "22-13-20-r1-2.mp4")
        #expect(document["stream"] == #""file":"r1-2.mp4""# && document["sha256"] == "00ff")
    }

    @Test func theyFollowTheFileOnlyWhereTheyAreWantedAndHaveRoom() {
        let folder = Destination.folder(path: "/a")
        func following(_ sidecars: [Sidecar]?, _ state: DeliveryRow.State, to destination: Destination, file: String = "r1.mp4") -> String?
        {
            var row = row
            row.sidecars = sidecars
            let upload = DeliveryRow(
                id: DeliveryID("u1"), work: .upload(recording: row.id, file: file, destination: destination), account: AccountID("acme"),
                session: SessionID("s1"), state: state, dueAt: row.startedAt, createdAt: row.startedAt)
            guard case .upload(_, let name, destination) = row.sidecars(after: upload, id: DeliveryID("u2"), at: row.startedAt)?.work else {
                return nil
            }
            return name
        }
        #expect(following([.poster], .delivered, to: folder) == "r1.mp4.sidecars")
        #expect(following([.poster], .pending, to: folder) == nil && following([.poster], .dead, to: folder) == nil)
        #expect(following(nil, .delivered, to: folder) == nil && following([], .delivered, to: folder) == nil)
        #expect(following([.poster], .delivered, to: .put(url: Redacted("https://a.example/x"))) == nil)
        #expect(following([.poster], .delivered, to: folder, file: "r1.poster.jpg") == nil, "nothing follows what follows")
    }

    @Test func aRecordingShowsEachOfThemOnceAsItIsNow() {
        let segment = SegmentRow(
            recording: row.id, number: 1, stream: StreamID("c"), container: .mp4, file: "r1.mp4", state: .delivered)
        func upload(_ file: String, _ state: DeliveryRow.State) -> DeliveryRow {
            DeliveryRow(
                id: DeliveryID(file), work: .upload(recording: row.id, file: file, destination: .folder(path: "/a")),
                account: AccountID("acme"), session: SessionID("s1"), state: state, dueAt: row.startedAt, createdAt: row.startedAt)
        }
        let uploads = [
            upload("r1.mp4.sidecars", .delivered), upload("r1.poster.jpg", .dead), upload("r1.mp4.json", .delivered),
            upload("r1-2.poster.jpg", .pending), upload("r1.poster.jpg", .pending),
        ]
        let copies = row.sidecarCopies(of: segment, in: uploads)
        #expect(copies.map(\.key) == ["r1.json", "r1.poster.jpg"] && copies.map(\.state) == [.delivered, .pending])
    }

    @Test func whatIsUsualFillsInWhereNothingIsSaid() {
        var folder = DestinationChoice(.folder(path: "/a"))
        #expect(folder.withSidecars([.poster]).sidecars == [.poster])
        #expect(DestinationChoice.keep.withSidecars([.poster]) == .keep)
        folder.sidecars = []
        #expect(folder.withSidecars([.poster]).sidecars == [], "none is an answer")
    }
}
