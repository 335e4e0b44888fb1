/// The slope of the one-way delay over the last groups of packets, by linear regression: positive while a queue on the path grows.
struct DelayTrend: Sendable {
    private static let window = 20
    /// The weight of history in the smoothed delay.
    private static let smoothing = 0.9

    private var times = InlineArray<20, Float>(repeating: 0)
    private var delays = InlineArray<20, Float>(repeating: 0)
    private var count = 0
    private var place = 0
    private var firstArrival: Int64?
    private var accumulated = 0.0
    private var smoothed = 0.0
    /// Groups that were seen, up to the number that counts.
    private(set) var samples = 0

    /// Takes the next variation; the slope, in milliseconds of delay for each millisecond of time, once the window is full.
    mutating func add(_ variation: PacketGroups.Variation) -> Double {
        let first = firstArrival ?? variation.arrival
        firstArrival = first
        samples = min(samples + 1, OveruseDetector.fullConfidence)
        accumulated += Double(variation.delay) / 1e6
        smoothed = Self.smoothing * smoothed + (1 - Self.smoothing) * accumulated
        times[place] = Float(Double(variation.arrival - first) / 1e6)
        delays[place] = Float(smoothed)
        place = (place + 1) % Self.window
        count = min(count + 1, Self.window)
        if Double(variation.arrival - first) > Self.rebaseAfter { rebase(variation.arrival) }
        return count == Self.window ? slope : 0
    }

    /// Nanoseconds after which times are counted from anew, so that single precision keeps microseconds.
    private static let rebaseAfter = 8e9

    private mutating func rebase(_ arrival: Int64) {
        guard let first = firstArrival else { return }
        let shift = Float(Double(arrival - first) / 1e6)
        // The accumulated delay loses its history too: only differences count.
        let level = Float(smoothed)
        for index in 0..<Self.window {
            times[index] -= shift
            delays[index] -= level
        }
        accumulated -= smoothed
        smoothed = 0
        firstArrival = arrival
    }

    private var slope: Double {
        var meanTime: Float = 0
        var meanDelay: Float = 0
        for index in 0..<Self.window {
            meanTime += times[index]
            meanDelay += delays[index]
        }
        meanTime /= Float(Self.window)
        meanDelay /= Float(Self.window)
        var numerator: Float = 0
        var denominator: Float = 0
        for index in 0..<Self.window {
            let time = times[index] - meanTime
            numerator += time * (delays[index] - meanDelay)
            denominator += time * time
        }
        return denominator > 0 ? Double(numerator / denominator) : 0
    }
}
