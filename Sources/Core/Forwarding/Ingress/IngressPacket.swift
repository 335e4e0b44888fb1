package import RTP

/// A publisher's packet that is to be put into the cache.
package struct IngressPacket: Sendable {
    /// Counts the encodings of all tracks, in the order of `IngressParameters`: the cache's track.
    package var encoding: Int
    /// The media's header; for a retransmission that of the original packet.
    package var header: RTPHeader
    /// Where the packet begins in the buffer that it was received in: 0, or 2 when it was unwrapped from a retransmission.
    package var start: Int
    /// What the packet means for its frame, in the order of arrival.
    package var frame: FrameTracker.Observation
    /// The source that sent it; see `IngressTrack.epoch`.
    package var epoch: UInt32
    /// The packet is the first of another source.
    package var beginsEpoch: Bool
    /// A newer packet of the encoding came before it.
    package var isLate: Bool
    /// It came as a retransmission of RFC 4588.
    package var isRetransmission: Bool
    /// Where the payload lies in the packet, and which layer it belongs to.
    package var descriptor: PacketDescriptor
    /// As the publisher's client measured it (RFC 6464).
    package var audioLevel: ExtensionValues.AudioLevel?
}

/// What became of a datagram with RTP.
package enum IngressVerdict: Sendable {
    case media(IngressPacket)
    /// A packet without payload, which only measures the path. Its sequence number is spent: receivers must not wait for it.
    case padding(encoding: Int, RTPHeader)
    case refused(IngressRefusal)
}

/// Why a datagram with RTP is not passed on.
package enum IngressRefusal: UInt8, Sendable, CaseIterable {
    /// No RTP, or its lengths do not fit.
    case malformed
    /// The payload type was not negotiated for the packet's track.
    case payloadType
    /// Neither SSRC nor extensions nor payload type tell which track and encoding it belongs to.
    case unknownSource
    /// It came before, as it is or as a retransmission.
    case duplicate
    /// Too far behind the newest one to tell whether it came before.
    case tooOld
    /// A retransmission without an original: padding that measures the path.
    case emptyRetransmission
    /// A retransmission for an encoding whose media has not come yet.
    case earlyRetransmission
}

/// What a publisher's RTCP tells the stream.
package enum IngressControlEvent: Sendable, Equatable {
    /// The clock map of an encoding, as the publisher sent it.
    case senderReport(encoding: Int, SenderReportView)
    /// The source of an encoding has left.
    case goodbye(encoding: Int)
}
