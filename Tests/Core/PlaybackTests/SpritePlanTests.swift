import BridgeModel
import Playback
import Testing

private func plan(_ seconds: [Double], duration: Double, interval: Double = 10, size: (Int, Int) = (640, 360)) -> SpritePlan {
    SpritePlan(
        keyframes: seconds.map { .seconds($0) }, duration: .seconds(duration), interval: .seconds(interval), size: (size.0, size.1))
}

@Suite struct SpritePlanTests {
    @Test(
        arguments: [
            ([], 0, []), ([0], 0, [0]), ([0, 2, 4, 6], 8, [0]), ([0, 4, 8, 12, 16, 20, 24], 26, [0, 12, 24]),
            ([3, 13, 22.9, 23], 30, [3, 13, 23]),
        ] as [([Double], Double, [Double])])
    func cellsAreAsFarApartAsTheIntervalAtLeast(keyframes: [Double], duration: Double, cells: [Double]) {
        #expect(plan(keyframes, duration: duration).cells == cells.map { .seconds($0) })
    }

    @Test(
        arguments: [
            (640, 360, 160, 90), (1920, 1080, 160, 90), (360, 640, 88, 160), (100, 100, 160, 160), (0, 0, 160, 90), (4000, 10, 160, 16),
            (10, 4000, 16, 160),
        ])
    func aCellKeepsTheShapeWithinItsBounds(width: Int, height: Int, cellWidth: Int, cellHeight: Int) {
        let cell = plan([0], duration: 1, size: (width, height)).cell
        #expect(cell == (cellWidth, cellHeight))
        #expect(cell.width % 4 == 0)
    }

    @Test func sheetsAreBoundedAndFilledRowByRow() {
        let sprites = plan((0..<250).map { Double($0) }, duration: 250, interval: 1)
        #expect(sprites.sheets == [0..<100, 100..<200, 200..<250])
        #expect(sprites.size(of: 0..<100) == (1600, 900))
        #expect(sprites.size(of: 200..<250) == (1600, 450))
        #expect(sprites.size(of: 0..<3) == (480, 90))
        #expect(sprites.place(of: 211) == (160, 90))
    }

    @Test func aLongFileHasPicturesFurtherApart() {
        let sprites = plan((0..<100_000).map { Double($0) }, duration: 100_000, interval: 1)
        #expect(sprites.cells.count == SpritePlan.largestCount)
        #expect(sprites.cells.last == .seconds(99_980))
    }

    @Test func theTrackCoversTheWholeTime() {
        let track = plan([0.25, 10.25, 3_599.75], duration: 3_661.0625).track(ThumbnailNames(ofFile: "r1-2.mp4"))
        #expect(
            track == """
                WEBVTT

                00:00:00.000 --> 00:00:10.250
                r1-2.sprite-1.jpg#xywh=0,0,160,90

                00:00:10.250 --> 00:59:59.750
                r1-2.sprite-1.jpg#xywh=160,0,160,90

                00:59:59.750 --> 01:01:01.062
                r1-2.sprite-1.jpg#xywh=320,0,160,90

                """)
        let second = plan((0..<101).map { Double($0) }, duration: 101, interval: 1).track(ThumbnailNames(ofFile: "r"))
        #expect(second.hasSuffix("00:01:40.000 --> 00:01:41.000\nr.sprite-2.jpg#xywh=0,0,160,90\n"))
    }

    @Test func thePosterIsNotTheFirstPictureWhereThereAreOthers() {
        #expect(plan([], duration: 5).posterCell == nil)
        #expect(plan([0], duration: 5).posterCell == 0)
        #expect(plan([0, 1, 2, 3], duration: 20, interval: 1).posterCell == 2)
        #expect(plan([0, 10, 20], duration: 600).posterCell == 1)
    }

    @Test(arguments: ["r1.poster.jpg", "r1.thumbnails.vtt", "r1.sprite-1.jpg", "0a-B-2.sprite-12.jpg"])
    func namesAreRead(name: String) throws {
        let names = try #require(ThumbnailNames(ofThumbnail: name))
        #expect([names.poster, names.track, names.sheet(1), names.sheet(12)].contains(name))
    }

    @Test(
        arguments: [
            "", ".", "..", "r1", "r1.jpg", ".poster.jpg", "r1.poster.png", "r1.sprite-0.jpg", "r1.sprite-01.jpg", "r1.sprite--1.jpg",
            "r1.sprite-.jpg", "r1.sprite-x.jpg", "../r1.poster.jpg", "a/r1.poster.jpg", "r1.poster.jpg.", "r1..poster.jpg",
            "r\u{0}.poster.jpg",
            "r1.sprite-99999999999999999999.jpg", "r\u{E9}.poster.jpg",
        ])
    func whatIsNoNameIsNotRead(name: String) {
        #expect(ThumbnailNames(ofThumbnail: name) == nil)
    }

    @Test func aFilesNamesStandBesideIt() {
        #expect(ThumbnailNames(ofFile: "/spool.d/r1-2.webm").poster == "/spool.d/r1-2.poster.jpg")
        #expect(ThumbnailNames(ofFile: "r1.mp4").track == "r1.thumbnails.vtt")
    }
}
