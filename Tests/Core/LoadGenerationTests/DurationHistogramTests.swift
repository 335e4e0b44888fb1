import LoadGeneration
import Testing

@Suite struct DurationHistogramTests {
    @Test func percentilesAreRightToThreePercent() throws {
        var histogram = DurationHistogram()
        let samples = (1...10_000).map { Int64($0) * Int64($0) * 7 }
        for sample in samples.shuffled() { histogram.add(.microseconds(sample)) }
        for share in [0.01, 0.5, 0.95, 0.99, 1] {
            let exact = samples[max(0, Int((share * 10_000).rounded(.up)) - 1)]
            let found = try #require(histogram.percentile(share))
            #expect(abs(found / .microseconds(exact) - 1) < 0.03, "\(share): \(found) instead of \(exact) us")
        }
        #expect(histogram.longest == .microseconds(700_000_000))
    }

    @Test func nothingHasNoPercentile() {
        let histogram = DurationHistogram()
        #expect(histogram.percentile(0.5) == nil && histogram.longest == nil)
    }

    @Test func whatIsNegativeOrEndlessIsTakenToo() {
        var histogram = DurationHistogram()
        histogram.add(.seconds(-1))
        histogram.add(.seconds(Int64.max / 2))
        #expect(histogram.count == 2 && histogram.percentile(0.5) == .zero)
    }

    @Test func twoAddUp() {
        var (first, second) = (DurationHistogram(), DurationHistogram())
        for sample in 0..<60 { first.add(.microseconds(sample)) }
        second.add(.milliseconds(7))
        first.add(second)
        #expect(first.count == 61 && first.longest == .milliseconds(7) && first.percentile(0.5) == .microseconds(30))
    }
}
