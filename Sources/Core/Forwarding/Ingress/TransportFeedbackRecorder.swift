package import BridgeModel
package import RTP

/// When each packet of a publisher's transport arrived, told back to it for its bandwidth estimate
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
///
/// Feedback is due 50 ms after the last: that is also how soon a publisher can know that its path is dead. Each packet is reported once; one that comes late
/// is reported with all that follow it, so that the publisher takes back its loss. The memory is a ring of fixed size.
package struct TransportFeedbackRecorder: Sendable {
    /// Packets that are remembered: 100 ms at 20,000 packets a second.
    static let capacity: Int64 = 2048
    private static let interval: Duration = .milliseconds(50)

    /// Arrival ticks by extended sequence number modulo `capacity`; empty before the first packet.
    private var ring: [Int64] = []
    private var unwrapper = SequenceUnwrapper()
    private var newest: Int64 = 0
    /// The first packet that the next feedback speaks of.
    private var next: Int64 = 0
    /// Packets came that no feedback has spoken of.
    private var isWaiting = false
    private var reportedAt = MonotonicTime(nanoseconds: 0)
    private var feedbackCount: UInt8 = 0

    package init() {}

    /// When `write` has something to say; nil while no packet waits.
    package var deadline: MonotonicTime? {
        isWaiting ? reportedAt.advanced(by: Self.interval) : nil
    }

    /// Takes the transport-wide sequence number of a packet, whatever it held.
    package mutating func receive(_ sequence: UInt16, arrival: MonotonicTime) {
        let extended = unwrapper.unwrap(sequence)
        if ring.isEmpty {
            begin(at: extended)
        } else if extended > newest {
            advance(to: extended)
        }
        // Reported and forgotten, or lost for so long that nobody counts on it.
        guard extended > newest - Self.capacity else { return }
        let slot = Self.slot(of: extended)
        guard ring[slot] == TransportFeedbackEncoder.notReceived else { return }
        ring[slot] = Int64(clamping: arrival.nanoseconds) / (1_000_000_000 / TransportFeedback.ticksPerSecond)
        next = min(next, extended)
        if !isWaiting, arrival.duration(since: reportedAt) > Self.interval { reportedAt = arrival }
        isWaiting = true
    }

    /// Writes the feedback that is due, in as many packets as it takes. What does not fit stays for the next call.
    package mutating func write(to writer: inout RTCPWriter, sender: UInt32, media: UInt32, now: MonotonicTime) {
        guard let deadline, deadline <= now else { return }
        while next <= newest {
            let start = Self.slot(of: next)
            let count = Int(min(newest - next + 1, Self.capacity - Int64(start)))
            let header = TransportFeedbackEncoder.Header(
                sender: sender, media: media, baseSequence: UInt16(truncatingIfNeeded: next), feedbackCount: feedbackCount)
            let (statuses, isEmpty) = ring.withUnsafeBufferPointer { ring in
                let arrivals = UnsafeBufferPointer(rebasing: ring[start..<start + count])
                let statuses = writer.appendTransportFeedback(header, arrivals: arrivals)
                return (statuses, arrivals.allSatisfy { $0 == TransportFeedbackEncoder.notReceived })
            }
            // The end of the ring can cut off a run of nothing but losses: they are told with what follows, or not at all.
            guard statuses > 0 || isEmpty else { return }
            next += Int64(isEmpty ? count : statuses)
            if !isEmpty { feedbackCount &+= 1 }
        }
        isWaiting = false
        reportedAt = now
    }

    private mutating func begin(at sequence: Int64) {
        ring = [Int64](repeating: TransportFeedbackEncoder.notReceived, count: Int(Self.capacity))
        newest = sequence
        next = sequence
    }

    /// Frees the places up to `sequence`, which fall out of memory.
    private mutating func advance(to sequence: Int64) {
        for lost in max(newest + 1, sequence - Self.capacity + 1)...sequence {
            ring[Self.slot(of: lost)] = TransportFeedbackEncoder.notReceived
        }
        newest = sequence
        next = max(next, sequence - Self.capacity + 1)
    }

    private static func slot(of sequence: Int64) -> Int { Int(sequence & (capacity - 1)) }
}
