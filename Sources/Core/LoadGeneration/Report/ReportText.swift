internal import BridgeModel

extension LoadReport {
    /// The report for people, some lines.
    package var text: String {
        var lines: [String] = []
        if tally.publishers.attempted > 0 { lines += Self.joins("publishers", tally.publishers) }
        if tally.viewers.attempted > 0 { lines += Self.joins("viewers", tally.viewers) }
        if let joinsPerSecond { lines.append("joins         \(Self.fixed(joinsPerSecond, 1)) a second") }
        for (name, histogram) in [
            ("answer", tally.answer), ("first packet", tally.firstPacket), ("keyframe", tally.keyframe),
        ] where histogram.count > 0 {
            lines.append("\(Self.padded(name))\(Self.percentiles(histogram))")
        }
        if let window { lines += Self.window(window, processor: processorPercent) }
        if let lossPercent { lines.append(loss(lossPercent)) }
        if tally.rejected > 0 { lines.append("rejected      \(tally.rejected) packets were not authentic") }
        if wasStopped { lines.append("stopped       after \(Self.fixed(Double(elapsed.wholeMilliseconds) / 1000, 1)) s, before its end") }
        return lines.joined(separator: "\n")
    }

    private func loss(_ percent: Double) -> String {
        let counters = window?.received ?? tally.received
        return "loss          \(Self.fixed(percent, 3)) %: \(counters.lost) of \(counters.expected) packets never came, "
            + "\(counters.recovered) came by retransmission"
    }

    private static func joins(_ name: String, _ tally: JoinTally) -> [String] {
        let summary =
            "\(padded(name))\(tally.joined) of \(tally.attempted) joined, \(tally.refused) refused, \(tally.failed) failed, "
            + "\(tally.ended) ended early"
        let reasons = tally.failures.map { ($0.key, $0.value, "failed") } + tally.endings.map { ($0.key, $0.value, "ended") }
        return [summary]
            + reasons.sorted { $0.0.name < $1.0.name }.map { failure, count, verb in
                "                \(count) \(verb): \(failure.name): \(failure.explanation)"
            }
    }

    private static func window(_ window: WindowTally, processor: Double?) -> [String] {
        let seconds = Double(window.length.wholeNanoseconds) / 1e9
        let packets = seconds > 0 ? Int(Double(window.received.packets) / seconds) : 0
        let megabits = seconds > 0 ? Double(window.received.bytes) * 8 / seconds / 1e6 : 0
        var lines = [
            "measured      \(fixed(seconds, 1)) s, \(window.viewers.count) viewers: \(packets) packets a second, \(fixed(megabits, 1)) Mbit/s"
        ]
        if let ratios = window.rateRatios {
            lines.append("rate ratio    \(fixed(ratios.mean, 4)), the least \(fixed(ratios.least, 4))")
        }
        if window.latency.count > 0 { lines.append("latency       \(percentiles(window.latency))") }
        if let processor {
            let doubt = processor > saturation ? ": it is at its limit, so these figures may be its own" : ""
            lines.append("this program  \(fixed(processor, 0)) % of a core\(doubt)")
        }
        return lines
    }

    /// The generator's media thread has one core; beyond this it is late itself.
    private static let saturation = 90.0

    private static func percentiles(_ histogram: DurationHistogram) -> String {
        let shares: [(String, Double)] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)]
        return shares.map { "\($0.0) \(milliseconds(histogram.percentile($0.1)))" }.joined(separator: "  ")
            + "  max \(milliseconds(histogram.longest)) ms"
    }

    private static func milliseconds(_ duration: Duration?) -> String {
        fixed(Double(duration?.wholeNanoseconds ?? 0) / 1e6, 1)
    }

    private static func padded(_ name: String) -> String { name + String(repeating: " ", count: max(1, 14 - name.count)) }

    /// A number with `digits` behind the point.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "-" }
        let scale = Int64((0..<digits).reduce(1) { scale, _ in scale * 10 })
        let scaled = Int64((abs(value) * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        return "\(sign)\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}

/// One line of progress.
package struct LoadProgress: Sendable, Equatable {
    package var elapsed: Duration
    package var publishing: Int
    package var watching: Int
    package var joining: Int
    package var tally: LoadTally
    /// Of the last second or so.
    package var packetsPerSecond: Double

    package init(elapsed: Duration, publishing: Int, watching: Int, joining: Int, tally: LoadTally, packetsPerSecond: Double) {
        self.elapsed = elapsed
        self.publishing = publishing
        self.watching = watching
        self.joining = joining
        self.tally = tally
        self.packetsPerSecond = packetsPerSecond
    }

    /// The line, without its end.
    package var text: String {
        "\(elapsed.wholeMilliseconds / 1000) s: \(publishing) publishing, \(watching) watching, \(joining) joining, "
            + "\(tally.viewers.joined) joined, \(tally.viewers.refused + tally.publishers.refused) refused, "
            + "\(tally.viewers.failed + tally.publishers.failed) failed, \(LoadReport.fixed(packetsPerSecond, 0)) packets a second"
    }
}
