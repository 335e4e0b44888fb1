import BridgeModel
import Playback
import Testing

@Suite struct GrowthTests {
    /// Seconds with a gap, and keyframes now and then.
    private let seconds = Array(0..<23) + Array(40..<55) + Array(90..<97)

    @Test(arguments: [1, 2, 3, 7])
    func segmentsOfWhatHasGrownAreThoseOfTheWhole(step: Int) throws {
        let rules = HLSRules(fragment: .seconds(1))
        let keys: (Int) -> Bool = { $0 % 3 == 0 || $0 == 91 }
        var media = recording(seconds: seconds.prefix(1), keys: keys, isLive: true)
        var segments: GrowingList<HLSSegment> = []
        for count in stride(from: 1, through: seconds.count, by: step) {
            let known = media.fragments.count
            media.replaceLast(with: Array(fragments(seconds.prefix(count), keys: keys)[(known - 1)...]))
            segments = rules.segments(of: media, after: segments) { _, _ in true }
            let whole = recording(seconds: seconds.prefix(count), keys: keys, isLive: true)
            #expect(media == whole)
            #expect(segments == rules.segments(of: whole) { _, _ in true }, "with \(count) fragments")
        }
        media.isLive = false
        let end = rules.segments(of: media, after: segments) { _, _ in true }
        #expect(end == rules.segments(of: media) { _, _ in true })
        #expect(end.last?.isComplete == true)
    }

    @Test func onlyWhatIsNewIsDivided() {
        let rules = HLSRules(fragment: .seconds(1))
        var media = recording(seconds: 0..<5000, isLive: true)
        var compared = 0
        let sameFormat: (Int, Int) -> Bool = { one, other in
            compared += 1
            return one == other
        }
        let segments = rules.segments(of: media, sameFormat: sameFormat)
        #expect(compared == 4999)
        compared = 0
        media.replaceLast(with: fragments(4999..<5001))
        let grown = rules.segments(of: media, after: segments, sameFormat: sameFormat)
        #expect(compared < 5)
        #expect(grown.count == 2501)
    }

    @Test func discontinuitiesBeforeTheWindowAreCounted() throws {
        let rules = HLSRules(fragment: .seconds(1))
        // A gap each ten seconds, of a second; the list begins behind the second of them, or the third.
        let media = recording(seconds: (0..<100).filter { $0 % 10 != 9 }, isLive: true)
        let segments = rules.segments(of: media) { _, _ in true }
        let text = HLSPlaylist(segments, kind: .live(window: .seconds(30)), rules: rules).text()
        let first = try #require(text.split(separator: "#EXT-X-MEDIA-SEQUENCE:").last?.split(separator: "\n").first.flatMap { Int($0) })
        let before = segments.prefix(first + 1).dropFirst().count(where: \.isDiscontinuous)
        #expect(before > 3)
        #expect(text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:\(before)\n"))
    }
}
