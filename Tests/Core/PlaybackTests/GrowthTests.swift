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
        var segments: [HLSSegment] = []
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
}
