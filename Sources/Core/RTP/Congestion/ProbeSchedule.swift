/// When to probe, and how high (nanoseconds of our clock).
struct ProbeSchedule: Sendable {
    /// Between two bursts that found nothing new.
    private static let interval: Int64 = 1_500_000_000
    /// A burst whose answer does not come is forgotten.
    private static let timeout: Int64 = 1_000_000_000
    private static let factor = 2.0
    /// A result of this part of what was tried is a success: the next burst follows at once.
    private static let success = 0.7

    private(set) var cluster: ProbeCluster?
    private var endedAt: Int64?
    private var shouldFollow = false

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
        guard let startedAt = cluster?.startedAt, packet.sentAt >= startedAt / 1000 * 1000 else { return }
        cluster?.arrived(packet, arrival: arrival)
    }

    /// The result of the burst once it is known: then the burst is over.
    mutating func takeResult(now: Int64) -> Bitrate? {
        guard let cluster, let result = cluster.result else { return nil }
        end(success: result >= cluster.target * Self.success, now: now)
        return result
    }

    /// The path is full: no burst now.
    mutating func cancel(now: Int64) { if cluster != nil { end(success: false, now: now) } else { endedAt = now } }

    private mutating func end(success: Bool, now: Int64) {
        cluster = nil
        endedAt = now
        shouldFollow = success
    }
}
