package import BridgeModel
package import SDP

/// What a viewer must know to read one section's packets.
package struct ReceivedTrack: Sendable, Equatable {
    package var kind: MediaKind
    /// Codec by payload type.
    package var codecs: [UInt8: Codec]
    /// Media payload type by that of its retransmissions.
    package var rtx: [UInt8: UInt8]
    /// The source as the server announced it; packets tell where it did not.
    package var ssrc: UInt32?
    /// NACK was agreed on.
    package var takesNACK: Bool
    /// Transport-wide numbers' identifier; nil where they were not agreed on.
    package var transportSequence: UInt8?

    /// From an agreed section.
    package init(_ section: ClientAnswer.Section) {
        kind = section.kind
        codecs = Dictionary(section.formats.map { ($0.payloadType, $0.codec) }, uniquingKeysWith: { first, _ in first })
        rtx = Dictionary(
            section.formats.compactMap { format in format.rtxPayloadType.map { ($0, format.payloadType) } },
            uniquingKeysWith: { first, _ in first })
        ssrc = section.source?.ssrc
        takesNACK = section.formats.contains { $0.feedback.contains(.nack) }
        let isNumbered = section.formats.contains { $0.feedback.contains(.transportWide) }
        transportSequence = isNumbered ? section.extensions.first { $0.kind == .transportSequence }?.id : nil
    }
}

/// What a viewer tells the server.
package enum FeedbackStyle: String, Sendable, CaseIterable {
    /// Receiver reports, PLI, NACK with RTX, transport-wide feedback.
    case browser
    /// Receiver reports, and PLI until the first keyframe: the least.
    case lean
}
