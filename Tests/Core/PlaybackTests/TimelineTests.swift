import BridgeModel
import Playback
import Testing

@Suite struct TimelineTests {
    private let day = [
        recording("r1", seconds: Array(0..<10) + Array(20..<30)),
        recording("r2", at: morning.advanced(by: .seconds(60)), seconds: 0..<5, isLive: true),
    ]

    @Test func mediaAndGapsComeInTheOrderOfTime() throws {
        let page = TimelinePage(of: day.map(RecordedSpans.init), in: try range(0, 3600), after: nil, limit: 100)
        #expect(page.items.map(\.kind) == [.media, .gap, .media, .media])
        #expect(page.items.map { $0.from.milliseconds - morning.milliseconds } == [0, 10_000, 20_000, 60_000])
        #expect(page.items.map { $0.to.milliseconds - morning.milliseconds } == [10_000, 20_000, 30_000, 65_000])
        #expect(page.items.map(\.isLive) == [false, false, false, true])
        #expect(page.next == nil)
    }

    @Test func itemsAreCutToTheRange() throws {
        let page = TimelinePage(of: day.map(RecordedSpans.init), in: try range(5, 62), after: nil, limit: 100)
        #expect(page.items.first?.from == morning.advanced(by: .seconds(5)))
        #expect(page.items.last?.to == morning.advanced(by: .seconds(62)))
        #expect(page.items.last?.isLive == false, "what goes on behind the range is not its end")
        #expect(TimelinePage(of: day.map(RecordedSpans.init), in: try range(31, 59), after: nil, limit: 100).items.isEmpty)
    }

    @Test func pagesOfEverySizeTogetherAreTheWhole() throws {
        let whole = TimelinePage(of: (day + day).map(RecordedSpans.init), in: try range(0, 3600), after: nil, limit: 100).items
        #expect(whole.count == 8)
        for limit in 1...8 {
            var items: [TimelineItem] = []
            var cursor: TimelineCursor?
            repeat {
                let page = TimelinePage(of: (day + day).map(RecordedSpans.init), in: try range(0, 3600), after: cursor, limit: limit)
                items += page.items
                cursor = try page.next.map { cursor throws(PlaybackError) in try TimelineCursor(cursor.text) }
            } while cursor != nil && items.count < 100
            #expect(items == whole, "with \(limit) a page")
        }
    }

    @Test(arguments: [
        "", "-", "1", "1-", "-1", "1-2-3", "x-1", "99999999999999999999-1", "9999999999999999999-1", "1-99999999999999999999", "1 -2",
    ])
    func foreignCursorsAreRefused(text: String) {
        #expect(throws: PlaybackError.malformed(field: "after", rule: "the next of an earlier page")) { try TimelineCursor(text) }
    }

    @Test func aLaterFileStandsWhereTwoOverlap() {
        var media = recording(seconds: 0..<6)
        media.append(fragments(4..<8, file: 1))
        #expect(media.fragments.map(\.file) == [0, 0, 0, 0, 1, 1, 1, 1])
        #expect(media.spans.count == 1)
    }
}

@Suite struct CutPlanTests {
    @Test func aCutBeginsAtTheKeyframeBefore() throws {
        let plan = try CutPlan(try range(5.5, 8), of: [recording(seconds: 0..<20)])
        #expect(plan.startedAt == morning.advanced(by: .seconds(4)))
        #expect(plan.leadIn == .milliseconds(1500))
        #expect(plan.length == .milliseconds(2500))
        #expect(plan.runs.map(\.frames.from) == [.seconds(4)])
        #expect(plan.runs.map(\.frames.to) == [.seconds(8)])
        #expect(plan.runs.map(\.offset) == [.seconds(-4)])
    }

    @Test func aRangeThatBeginsInAGapBeginsWithTheMediaBehindIt() throws {
        let plan = try CutPlan(try range(12, 23), of: [recording(seconds: Array(0..<10) + Array(20..<30))])
        #expect(plan.startedAt == morning.advanced(by: .seconds(20)))
        #expect(plan.leadIn == .zero)
        #expect(plan.length == .seconds(3))
    }

    @Test func whatCannotBeDecodedIsLeftOut() throws {
        let media = recording(seconds: 0..<10, keys: { $0 == 6 })
        #expect(try CutPlan(try range(2, 9), of: [media]).startedAt == morning.advanced(by: .seconds(6)))
        #expect(throws: PlaybackError.nothingRecorded) { try CutPlan(try range(2, 5), of: [media]) }
    }

    @Test func filesAndRecordingsAreJoinedWithTheirGaps() throws {
        var first = recording(seconds: 0..<6)
        first.append(fragments(4..<8, file: 1))
        let second = recording("r2", at: morning.advanced(by: .seconds(20)), seconds: 0..<10)
        let plan = try CutPlan(try range(1, 25), of: [first, second])
        #expect(plan.runs.map(\.frames.file) == [0, 1, 0])
        #expect(plan.runs.map(\.frames.from) == [.zero, .seconds(4), .zero])
        #expect(plan.runs.map(\.frames.to) == [.seconds(4), .seconds(20), .seconds(5)])
        #expect(plan.runs.map(\.offset) == [.zero, .zero, .seconds(20)])
    }

    @Test(arguments: [(30.0, 40.0), (-20.0, -10.0), (10.5, 19.0)])
    func aRangeWithoutMediaIsRefused(from: Double, to: Double) throws {
        let media = recording(seconds: Array(0..<10) + Array(20..<30))
        #expect(throws: PlaybackError.nothingRecorded) { try CutPlan(try range(from, to), of: [media]) }
        #expect(throws: PlaybackError.nothingRecorded) { try CutPlan(try range(from, to), of: []) }
    }
}

@Suite struct RecordedSpansTests {
    private func spans(_ files: [(from: Int, length: Int, gaps: [(Int, Int)])]) -> [[Int]] {
        var spans = RecordedSpans(recording: RecordingID("r1"), isLive: false)
        for file in files {
            spans.append(
                from: morning.advanced(by: .milliseconds(file.from)), length: .milliseconds(file.length),
                gaps: file.gaps.map { (.milliseconds($0.0), .milliseconds($0.1)) })
        }
        return spans.spans.map { span in [span.from, span.to].map { Int($0.milliseconds - morning.milliseconds) } }
    }

    @Test func filesThatFollowEachOtherAreOne() {
        #expect(spans([(0, 5000, []), (5020, 4980, []), (10_900, 100, [])]) == [[0, 11_000]])
        #expect(spans([(0, 5000, []), (6100, 1000, [])]) == [[0, 5000], [6100, 7100]])
    }

    @Test func gapsDivideAFile() {
        #expect(spans([(0, 30_000, [(20_000, 5000), (1000, 2000)])]) == [[0, 1040], [3000, 20_040], [25_000, 30_000]])
        // Two that touch or overlap, one that is too short to be seen, one up to the end, and one behind it.
        #expect(spans([(0, 30_000, [(1000, 2000), (2000, 4000)])]) == [[0, 1040], [6000, 30_000]])
        #expect(spans([(0, 30_000, [(1000, 900), (29_000, 1000), (40_000, 5000)])]) == [[0, 30_000]])
        #expect(spans([(0, 30_000, [(0, 2000)])]) == [[0, 40], [2000, 30_000]])
    }

    @Test func whereFilesOverlapTheLaterOneStands() {
        #expect(spans([(0, 5000, []), (3000, 5000, [])]) == [[0, 8000]])
        // The clock was set back between them.
        #expect(spans([(0, 5000, []), (20_000, 5000, []), (10_000, 5000, [])]) == [[0, 5000], [10_000, 15_000]])
        #expect(spans([(20_000, 5000, []), (10_000, 5000, [])]) == [[10_000, 15_000]])
        #expect(spans([(0, 0, []), (10_000, -5, [])]).isEmpty)
    }
}
