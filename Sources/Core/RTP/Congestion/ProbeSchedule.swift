/// When to probe, and how high (nanoseconds of our clock).
struct ProbeSchedule: Sendable {
    /// Between two bursts that found nothing new.
    private static let interval: Int64 = 1_500_000_000
    /// A burst whose answer does not come is forgotten.
    private static let timeout: Int64 = 1_000_000_000
    private static let factor = 2.0
    /// In which a burst's queue drains.
    private static let drain: Int64 = 200_000_000
    /// A result of this part of what was tried is a success: the next burst follows at once.
    private static let success = 0.9

    private(set) var cluster: ProbeCluster?
    private var endedAt: Int64?
    private var shouldFollow = false
    /// What ended last was a burst that had left.
    private var wasSent = false

    /// Whether packets are to be sent as a probe now.
    var isSending: Bool { cluster.map { !$0.isSent } ?? false }

    /// Begins a burst when it is time. `wanted` is what could be used; nothing is probed above it.
    mutating func update(estimate: Bitrate, wanted: Bitrate, now: Int64) {
        if let cluster, now - cluster.startedAt > Self.timeout { end(success: false, now: now) }
        guard cluster == nil, wanted > estimate else { return }
        guard shouldFollow || now - (endedAt ?? .min / 2) >= Self.interval else { return }
        shouldFollow = false
        cluster = ProbeCluster(target: min(estimate * Self.factor, wanted * 1.1), now: now)
    }

    /// When `update` is worth calling again.
    func deadline(now: Int64) -> Int64 {
        if let cluster { return cluster.startedAt + Self.timeout }
        return max(now, (endedAt ?? now) + Self.interval)
    }

    mutating func sent(size: Int) { cluster?.sent(size: size) }

    mutating func arrived(_ packet: SentPacketHistory.Packet, arrival: Int64) {
        guard let startedAt = cluster?.startedAt, packet.sentAt + SentPacketHistory.resolution > startedAt else { return }
        cluster?.arrived(packet, arrival: arrival)
    }

    /// The result of the burst once it is known: then the burst is over.
    mutating func takeResult(now: Int64) -> Bitrate? {
        guard let cluster, let result = cluster.result else { return nil }
        end(success: result >= cluster.target * Self.success, now: now)
        return result
    }

    /// Whether a queue that grows now is the work of a burst: one is on its way, or was a moment ago.
    func isLikelyCause(now: Int64, roundTrip: Int64) -> Bool {
        if let cluster { return now - cluster.startedAt < Self.drain + 2 * roundTrip }
        guard let endedAt, wasSent else { return false }
        return now - endedAt < Self.drain
    }

    /// The path takes much more than it did: the next burst does not wait, not even for the answer to the one before.
    mutating func hasten() {
        guard !isSending else { return }
        cluster = nil
        shouldFollow = true
    }

    /// The burst was too much.
    mutating func cancel(now: Int64) { if cluster != nil { end(success: false, now: now) } }

    /// The path is full: no burst soon.
    mutating func postpone(now: Int64) {
        cluster = nil
        endedAt = now
        wasSent = false
        shouldFollow = false
    }

    private mutating func end(success: Bool, now: Int64) {
        wasSent = cluster != nil
        cluster = nil
        endedAt = now
        shouldFollow = success
    }
}
