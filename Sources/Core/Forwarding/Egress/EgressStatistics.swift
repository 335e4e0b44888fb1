package import RTP

/// Counters of one track of one viewer since it joined, and what the viewer said last.
package struct EgressTrackStatistics: Sendable, Equatable {
    /// Media packets, retransmissions not among them.
    package var packets: UInt64 = 0
    /// Payload bytes of these (RFC 3550 section 6.4.1, octet count).
    package var payloadBytes: UInt64 = 0
    /// Packets that were sent again: on request, or to measure the path.
    package var retransmissions: UInt64 = 0
    package var padding: UInt64 = 0
    /// RTP bytes of all of them, headers included, before encryption.
    package var bytes: UInt64 = 0
    /// Sequence numbers that the viewer asked for again.
    package var requestedAgain: UInt64 = 0
    /// Of these, packets that were not held any more.
    package var notHeld: UInt64 = 0
    /// PLI and FIR of the viewer.
    package var keyframeRequests: UInt64 = 0
    /// In 1/256, of the viewer's last report.
    package var fractionLost: UInt8 = 0
    package var cumulativeLost: Int32 = 0
    /// In units of the track's RTP clock.
    package var jitter: UInt32 = 0

    package init() {}

    mutating func count(_ packet: EgressPacket) {
        bytes &+= UInt64(packet.size)
        switch packet.purpose {
        case .media:
            packets &+= 1
            payloadBytes &+= UInt64(packet.prefixSize + packet.payload.count)
        case .retransmission: retransmissions &+= 1
        case .padding: padding &+= 1
        }
    }
}

/// What is known of one viewer.
package struct EgressViewerStatistics: Sendable, Equatable {
    /// Audio first, then video, each in the order of the parameters.
    package var tracks: [EgressTrackStatistics]
    /// The layer that each of `tracks` is to send; nil for audio, and while the picture pauses.
    package var layers: [TargetLayer?]
    /// Packets that the viewer did not get because its path was too slow.
    package var dropped: UInt64
    /// What its path takes, as far as it is known.
    package var estimate: Bitrate
    /// Nanoseconds.
    package var roundTrip: Int64
}
