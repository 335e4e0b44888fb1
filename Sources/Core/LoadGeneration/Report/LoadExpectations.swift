internal import BridgeModel

/// Limits that a run has to keep; what is nil is not asked for.
package struct LoadExpectations: Sendable, Equatable {
    /// Mean rate ratio, at least.
    package var rateRatio: Double?
    /// Percent of packets that never came, at most.
    package var lossPercent: Double?
    /// 95th percentile from the beginning of a join to its first packet, at most.
    package var joinP95: Duration?
    /// 99th percentile of the latency, at most.
    package var latencyP99: Duration?
    /// Joins that failed or ended early, publishers included, at most.
    package var failures: Int?
    /// Joins that were refused, at most.
    package var refusals: Int?
    /// Viewers that joined in a second, at least.
    package var joinsPerSecond: Double?

    package init() {}

    /// What was missed, one sentence each. A figure that could not be measured is missed, too. A run in which nothing joined at all is never a success.
    package func misses(in report: LoadReport) -> [String] {
        let ratio = report.window?.rateRatios?.mean
        let tally = report.tally
        let failed = tally.viewers.failed + tally.viewers.ended + tally.publishers.failed + tally.publishers.ended
        let refused = tally.viewers.refused + tally.publishers.refused
        var misses = [
            Self.atLeast("the rate ratio", ratio, rateRatio), Self.atMost("the loss in percent", report.lossPercent, lossPercent),
            Self.atMost(
                "the 95th percentile to the first packet, in ms,", Self.milliseconds(tally.firstPacket.percentile(0.95)),
                Self.milliseconds(joinP95)),
            Self.atMost(
                "the 99th percentile of the latency, in ms,", Self.milliseconds(report.window?.latency.percentile(0.99)),
                Self.milliseconds(latencyP99)),
            Self.atMost("the number of failures", Double(failed), failures.map(Double.init)),
            Self.atMost("the number of refusals", Double(refused), refusals.map(Double.init)),
            Self.atLeast("the number of joins a second", report.joinsPerSecond, joinsPerSecond),
        ].compactMap { $0 }
        if tally.viewers.attempted > 0, tally.viewers.joined == 0, refusals == nil { misses.append("no viewer joined") }
        if tally.publishers.attempted > 0, tally.publishers.joined == 0 { misses.append("no publisher joined") }
        return misses
    }

    private static func atLeast(_ name: String, _ value: Double?, _ limit: Double?) -> String? {
        guard let limit else { return nil }
        guard let value else { return "\(name) was not measured" }
        return value >= limit ? nil : "\(name) is \(LoadReport.fixed(value, 4)), expected at least \(LoadReport.fixed(limit, 4))"
    }

    private static func atMost(_ name: String, _ value: Double?, _ limit: Double?) -> String? {
        guard let limit else { return nil }
        guard let value else { return "\(name) was not measured" }
        return value <= limit ? nil : "\(name) is \(LoadReport.fixed(value, 3)), expected at most \(LoadReport.fixed(limit, 3))"
    }

    private static func milliseconds(_ duration: Duration?) -> Double? { duration.map { Double($0.wholeNanoseconds) / 1e6 } }
}
