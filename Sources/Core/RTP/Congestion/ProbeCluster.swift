/// A short burst above the estimate, and what came of it: how fast the packets left and how fast they arrived.
struct ProbeCluster: Sendable {
    /// Bytes that are sent at `target` before the burst ends: 20 ms, at least six packets.
    private static let duration: Int64 = 20_000_000
    private static let fewestPackets = 6
    /// Part of the packets that has to arrive.
    private static let enough = 0.8
    /// A receiver that seems so much faster than the sender was held up and saw a burst.
    private static let largestCompression = 2.0

    let target: Bitrate
    let startedAt: Int64
    private var sentPackets = 0
    private var sentBytes = 0
    private var arrivedPackets = 0
    private var arrivedBytes = 0
    private var firstSent = Int64.max
    private var lastSent = Int64.min
    private var firstArrival = Int64.max
    private var lastArrival = Int64.min
    private var lastSize = 0
    private var firstSize = 0

    init(target: Bitrate, now: Int64) {
        self.target = target
        startedAt = now
    }

    /// Whether enough was sent.
    var isSent: Bool { sentPackets >= Self.fewestPackets && Int64(sentBytes) >= target.bytes(in: Self.duration) }

    mutating func sent(size: Int) {
        sentPackets += 1
        sentBytes += size
    }

    mutating func arrived(_ packet: SentPacketHistory.Packet, arrival: Int64) {
        arrivedPackets += 1
        arrivedBytes += packet.size
        if packet.sentAt < firstSent { firstSent = packet.sentAt }
        if packet.sentAt >= lastSent {
            lastSent = packet.sentAt
            lastSize = packet.size
        }
        if arrival < firstArrival {
            firstArrival = arrival
            firstSize = packet.size
        }
        lastArrival = max(lastArrival, arrival)
    }

    /// What the path took; nil while too little has arrived, or when the times contradict each other.
    var result: Bitrate? {
        guard isSent, Double(arrivedPackets) >= Self.enough * Double(sentPackets), arrivedPackets > 1 else { return nil }
        let sendTime = lastSent - firstSent
        let arrivalTime = lastArrival - firstArrival
        guard sendTime > 0, arrivalTime > 0 else { return nil }
        let sendRate = Bitrate(bytes: Int64(arrivedBytes - lastSize), nanoseconds: sendTime)
        let arrivalRate = Bitrate(bytes: Int64(arrivedBytes - firstSize), nanoseconds: arrivalTime)
        guard arrivalRate < sendRate * Self.largestCompression else { return nil }
        // Slower than it was sent: that is the bottleneck's rate, and a little less lets its queue drain.
        return arrivalRate < sendRate * 0.9 ? arrivalRate * 0.95 : min(sendRate, arrivalRate)
    }
}
