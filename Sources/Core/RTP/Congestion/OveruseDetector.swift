/// What the delay says about the path (draft-ietf-rmcat-gcc-02 section 5.4).
package enum PathUsage: Sendable, Equatable {
    /// Queues drain.
    case under
    case normal
    /// Queues grow.
    case over
}

/// Tells a growing queue from noise: a trend that stays over a threshold which follows the noise (draft-ietf-rmcat-gcc-02 section 5.4).
struct OveruseDetector: Sendable {
    /// After so many groups a trend counts in full.
    static let fullConfidence = 60
    /// Turns a slope into milliseconds that can be compared with the threshold.
    private static let gain = 4.0
    /// How fast the threshold follows a trend above and below it, each millisecond.
    private static let rise = 0.0087
    private static let fall = 0.039
    /// A trend that is this far over the threshold is a leap, not noise: the threshold does not follow it.
    private static let leap = 15.0
    private static let thresholds = 6.0...600.0
    /// How long a trend must stay over the threshold, in milliseconds.
    private static let sustained = 10.0

    private var threshold = 12.5
    private var lastTime: Int64?
    private var overFor = 0.0
    private var overCount = 0
    private var lastTrend = 0.0
    private(set) var usage = PathUsage.normal

    /// Takes the next slope, of `samples` groups so far, at `time` in nanoseconds.
    mutating func update(slope: Double, samples: Int, time: Int64) {
        let step = lastTime.map { min(100, max(0, Double(time - $0) / 1e6)) } ?? 0
        lastTime = time
        let trend = Double(min(samples, Self.fullConfidence)) * slope * Self.gain
        judge(trend, slope: slope, step: step)
        adapt(to: abs(trend), step: step)
        lastTrend = slope
    }

    private mutating func judge(_ trend: Double, slope: Double, step: Double) {
        guard trend > threshold else {
            overFor = 0
            overCount = 0
            usage = trend < -threshold ? .under : .normal
            return
        }
        overFor += overCount == 0 ? step / 2 : step
        overCount += 1
        if overFor > Self.sustained, overCount > 1, slope >= lastTrend {
            overFor = 0
            overCount = 0
            usage = .over
        }
    }

    private mutating func adapt(to trend: Double, step: Double) {
        guard trend <= threshold + Self.leap else { return }
        let factor = trend < threshold ? Self.fall : Self.rise
        threshold = min(max(threshold + factor * (trend - threshold) * step, Self.thresholds.lowerBound), Self.thresholds.upperBound)
    }
}
