package import BridgeModel

/// What a run found.
package struct LoadReport: Sendable, Equatable {
    package var scenario: LoadScenario
    package var tally: LoadTally
    /// Nil when the run ended before anything could be measured, and for churn.
    package var window: WindowTally?
    /// The whole run.
    package var elapsed: Duration
    /// The operator stopped it early.
    package var wasStopped: Bool

    package init(scenario: LoadScenario, tally: LoadTally, window: WindowTally?, elapsed: Duration, wasStopped: Bool) {
        self.scenario = scenario
        self.tally = tally
        self.window = window
        self.elapsed = elapsed
        self.wasStopped = wasStopped
    }

    /// What the loss is told of: the measured time, or all of it.
    private var received: ViewerCounters { window?.received ?? tally.received }

    /// Packets that never came, in percent of those that should have; nil when none should.
    package var lossPercent: Double? {
        received.expected > 0 ? 100 * Double(received.lost) / Double(received.expected) : nil
    }

    /// Viewers that joined in a second, from the first join to the last one's first packet; nil when none did.
    package var joinsPerSecond: Double? {
        let seconds = Double(tally.joinSpan.wholeNanoseconds) / 1e9
        return seconds > 0 ? Double(tally.viewers.joined) / seconds : nil
    }

    /// Processor time of this program in the measured time, in percent of one core.
    package var processorPercent: Double? {
        guard let window, window.length > .zero else { return nil }
        return 100 * Double(window.processor.wholeNanoseconds) / Double(window.length.wholeNanoseconds)
    }
}

// MARK: - JSON

extension LoadReport {
    /// One JSON object: times in milliseconds, members in a fixed order. What was not measured is null.
    package var json: JSONText {
        .object([
            .init("scenario", .string(scenario.kind.rawValue)), .init("elapsed_s", Self.seconds(elapsed)),
            .init("stopped", .bool(wasStopped)), .init("publishers", Self.joins(tally.publishers)),
            .init("viewers", Self.joins(tally.viewers)), .init("joins_per_second", Self.number(joinsPerSecond)),
            .init(
                "join_ms",
                .object([
                    .init("answer", Self.percentiles(tally.answer)), .init("first_packet", Self.percentiles(tally.firstPacket)),
                    .init("keyframe", Self.percentiles(tally.keyframe)),
                ])),
            .init("window", window.map(json) ?? .null), .init("received", Self.counters(tally.received)),
            .init("loss_percent", Self.number(lossPercent)), .init("rejected_packets", .integer(Int64(clamping: tally.rejected))),
        ])
    }

    private func json(_ window: WindowTally) -> JSONText {
        let ratios = window.rateRatios
        return .object([
            .init("length_s", Self.seconds(window.length)), .init("viewers", .integer(Int64(window.viewers.count))),
            .init("rate_ratio", Self.number(ratios?.mean)), .init("least_rate_ratio", Self.number(ratios?.least)),
            .init("received", Self.counters(window.received)), .init("latency_ms", Self.percentiles(window.latency)),
            .init("generator_cpu_percent", Self.number(processorPercent)),
        ])
    }

    private static func joins(_ tally: JoinTally) -> JSONText {
        .object([
            .init("attempted", .integer(Int64(tally.attempted))), .init("joined", .integer(Int64(tally.joined))),
            .init("refused", .integer(Int64(tally.refused))), .init("failed", .integer(Int64(tally.failed))),
            .init("failures", reasons(tally.failures)), .init("ended_early", reasons(tally.endings)),
        ])
    }

    private static func reasons(_ reasons: [JoinFailure: Int]) -> JSONText {
        .object(reasons.sorted { $0.key.name < $1.key.name }.map { .init($0.key.name, .integer(Int64($0.value))) })
    }

    private static func counters(_ counters: ViewerCounters) -> JSONText {
        .object([
            .init("packets", .integer(Int64(clamping: counters.packets))), .init("bytes", .integer(Int64(clamping: counters.bytes))),
            .init("lost", .integer(Int64(clamping: counters.lost))), .init("recovered", .integer(Int64(clamping: counters.recovered))),
            .init("repeated", .integer(Int64(clamping: counters.repeated))),
        ])
    }

    private static func percentiles(_ histogram: DurationHistogram) -> JSONText {
        guard histogram.count > 0 else { return .null }
        let shares: [(String, Double)] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)]
        return .object(
            shares.map { .init($0.0, milliseconds(histogram.percentile($0.1))) } + [.init("max", milliseconds(histogram.longest))])
    }

    private static func milliseconds(_ duration: Duration?) -> JSONText {
        duration.map { .number(Double($0.wholeNanoseconds / 1000) / 1000) } ?? .null
    }

    private static func seconds(_ duration: Duration) -> JSONText { .number(Double(duration.wholeMilliseconds) / 1000) }

    /// Five digits behind the point are more than any of these deserves.
    private static func number(_ value: Double?) -> JSONText {
        value.map { .number(($0 * 100_000).rounded() / 100_000) } ?? .null
    }
}
