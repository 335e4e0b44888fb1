internal import BridgeModel
internal import LoadGeneration

/// Counts what the peers of a run report.
actor LoadLedger {
    private(set) var tally = LoadTally()
    private(set) var publishing = 0
    private(set) var watching = 0
    private(set) var joining = 0
    /// Publishers and viewers that have joined or failed.
    private(set) var settledPublishers = 0
    private(set) var settledViewers = 0
    private var firstJoinAt: MonotonicTime?

    func beginPublisher() {
        tally.publishers.attempted += 1
        joining += 1
    }

    func settlePublisher(_ failure: JoinFailure?) {
        joining -= 1
        if let failure { fail(failure, \.publishers) } else { joinPublisher() }
        settledPublishers += 1
    }

    private func joinPublisher() {
        tally.publishers.joined += 1
        publishing += 1
    }

    func endPublisher(_ record: PeerRecord?) {
        publishing -= 1
        if let record { tally.publishers.end(record) }
    }

    func beginViewer(at time: MonotonicTime) {
        tally.viewers.attempted += 1
        joining += 1
        if firstJoinAt == nil { firstJoinAt = time }
    }

    func settleViewer(_ failure: JoinFailure?, at time: MonotonicTime) {
        joining -= 1
        if let failure {
            fail(failure, \.viewers)
        } else {
            tally.viewers.joined += 1
            watching += 1
            if let firstJoinAt { tally.joinSpan = time.duration(since: firstJoinAt) }
        }
        settledViewers += 1
    }

    func endViewer(_ record: PeerRecord?) {
        watching -= 1
        if let record { tally.endViewer(record) }
    }

    /// A join that the run itself gave up is none.
    private func fail(_ failure: JoinFailure, _ role: WritableKeyPath<LoadTally, JoinTally>) {
        if failure == .stopped { tally[keyPath: role].attempted -= 1 } else { tally[keyPath: role].fail(failure) }
    }

    func progress(elapsed: Duration, packetsPerSecond: Double) -> LoadProgress {
        LoadProgress(
            elapsed: elapsed, publishing: publishing, watching: watching, joining: joining, tally: tally, packetsPerSecond: packetsPerSecond
        )
    }
}
