/// What a viewer received, in all.
package struct ViewerCounters: Sendable, Equatable {
    /// Media packets that came, each once, and their bytes of RTP.
    package var packets: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Packets that should have come, by their sequence numbers.
    package var expected: UInt64 = 0
    /// Those of `packets` that a retransmission brought.
    package var recovered: UInt64 = 0
    package var repeated: UInt64 = 0
    /// Packets with a stamp of ours.
    package var stamped: UInt64 = 0

    package init() {}

    /// Never came.
    package var lost: UInt64 { expected > packets ? expected - packets : 0 }

    package static func - (left: Self, right: Self) -> Self {
        var difference = left
        difference.packets -= min(right.packets, left.packets)
        difference.bytes -= min(right.bytes, left.bytes)
        difference.expected -= min(right.expected, left.expected)
        difference.recovered -= min(right.recovered, left.recovered)
        difference.repeated -= min(right.repeated, left.repeated)
        difference.stamped -= min(right.stamped, left.stamped)
        return difference
    }

    package static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.packets += right.packets
        sum.bytes += right.bytes
        sum.expected += right.expected
        sum.recovered += right.recovered
        sum.repeated += right.repeated
        sum.stamped += right.stamped
        return sum
    }
}

/// When a viewer had what, counted from the moment at which it began to join.
package struct JoinMilestones: Sendable, Equatable {
    /// The server's answer.
    package var answer: Duration?
    /// DTLS is finished.
    package var secured: Duration?
    /// The first packet of media.
    package var firstPacket: Duration?
    /// The first packet that shows a video keyframe.
    package var keyframe: Duration?

    package init() {}
}
