internal import RTP

/// The payload types of one track, and what each is.
struct IngressFormats: Sendable {
    /// What a payload type means for the track.
    enum Role: Sendable, Equatable {
        case media
        /// RED around the media (RFC 2198).
        case redundant
        /// FEC that stands alone (RFC 5109).
        case correction
        /// A retransmission of packets with this payload type (RFC 4588).
        case retransmission(of: UInt8)
    }

    let media: UInt8
    private let rtx: UInt8?
    private let redundancy: RedundancyFormat?

    init(_ parameters: IngressTrackParameters) {
        media = parameters.payloadType
        rtx = parameters.rtxPayloadType
        redundancy = parameters.redundancy
    }

    /// Nil for a payload type that was not negotiated for the track.
    func role(of payloadType: UInt8) -> Role? {
        if payloadType == media { return .media }
        if payloadType == rtx { return .retransmission(of: media) }
        guard let redundancy else { return nil }
        if payloadType == redundancy.red { return .redundant }
        if payloadType == redundancy.redRTX { return .retransmission(of: redundancy.red) }
        return payloadType == redundancy.ulpfec ? .correction : nil
    }

    /// The codec's bytes in a packet of the media or of RED; empty where there are none that can be read.
    func media(in packet: RTPPacketView) -> UnsafeRawBufferPointer {
        switch role(of: packet.payloadType) {
        case .media?: return packet.payload
        case .redundant?:
            guard let primary = REDPayload.primary(of: packet.payload), primary.payloadType == media else { break }
            return primary.bytes
        case .correction?, .retransmission?, nil: break
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }
}
