package import Bridge
package import BridgeModel
package import LinuxIO

/// The hub on media worker threads: each stream, its sources and its sinks live on one worker, its home, chosen by the stream's id. Peers that watch may
/// sit on others, which then have a replica of the stream.
///
/// Calls put a command into the worker's mailbox and return. After `shutdown` they do nothing but close the descriptors that they were given.
package final class Hub: MediaHub {
    private let workers: [MediaWorker]
    /// Where our own WebRTC engine is reached; nil while it is off.
    let edge: EdgeSite?

    /// Starts the workers. Throws when the system has no thread or descriptor left, or the edge's port is taken.
    package init(options: HubOptions = HubOptions(), edge: EdgeSite? = nil) throws(SystemError) {
        var mailboxes: [Mailbox] = []
        for _ in 0..<max(1, options.workers) { mailboxes.append(try Mailbox()) }
        var workers: [MediaWorker] = []
        for number in mailboxes.indices {
            let parts = edge?.parts(ofWorker: number)
            workers.append(try MediaWorker(number: number, mailboxes: mailboxes, options: options, edge: parts))
        }
        self.workers = workers
        self.edge = edge
    }

    /// How many workers there are.
    var workerCount: Int { workers.count }

    /// Which of them a stream lives on.
    func workerNumber(of stream: StreamID) -> Int { stream.home(among: workers.count) }

    /// How busy each worker is, 0...1.
    var loads: [Double] { workers.map(\.load.share) }

    /// Gives a command to a worker.
    func post(_ command: WorkerCommand, toWorker number: Int) { workers[number].post(command) }

    package func publish(_ stream: StreamID, tracks: [TrackDescription], sources: [MediaDescriptor]) {
        worker(of: stream).post(.publish(stream, tracks, sources))
    }

    package func unpublish(_ stream: StreamID, source: StreamSource) {
        worker(of: stream).post(.unpublish(stream, source))
    }

    package func subscribe(
        _ subscriber: PipelineID, to stream: StreamID, tracks: [UInt8], sinks: [MediaDescriptor], timing: SubscriptionTiming
    ) {
        let subscription = Subscription(subscriber: subscriber, stream: stream, tracks: tracks, sinks: sinks, timing: timing)
        worker(of: stream).post(.subscribe(subscription))
    }

    package func unsubscribe(_ subscriber: PipelineID) {
        for worker in workers { worker.post(.unsubscribe(subscriber)) }
    }

    package func requestKeyframe(of stream: StreamID, track: UInt8) {
        worker(of: stream).post(.requestKeyframe(stream, track))
    }

    package func keepPreRoll(_ length: Duration, of stream: StreamID) {
        worker(of: stream).post(.keepPreRoll(stream, length))
    }

    package func statistics(of stream: StreamID) async -> StreamStatistics? {
        let worker = worker(of: stream)
        return await withCheckedContinuation { worker.post(.statistics(stream, $0)) }
    }

    package func totals() async -> HubTotals {
        var totals = HubTotals()
        for worker in workers {
            totals.add(await withCheckedContinuation { worker.post(.totals($0)) })
        }
        return totals
    }

    /// Closes every descriptor, ends the workers and waits for them. Sinks are told nothing.
    package func shutdown() {
        for worker in workers { worker.post(.shutdown) }
        for worker in workers { worker.join() }
    }

    private func worker(of stream: StreamID) -> MediaWorker { workers[workerNumber(of: stream)] }
}

extension StreamID {
    /// Which of so many workers the stream lives on: the same in every run, so that what was seen once can be seen again (FNV-1a, 64 bits).
    func home(among workers: Int) -> Int {
        let hash = rawValue.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return Int((hash >> 32) % UInt64(max(1, workers)))
    }
}

extension HubTotals {
    fileprivate mutating func add(_ other: HubTotals) {
        streams += other.streams
        subscribers += other.subscribers
        packetsIn += other.packetsIn
        packetsOut += other.packetsOut
        packetsDropped += other.packetsDropped
        keyframeRequestsIn += other.keyframeRequestsIn
        keyframeRequestsOut += other.keyframeRequestsOut
        malformed += other.malformed
    }
}
