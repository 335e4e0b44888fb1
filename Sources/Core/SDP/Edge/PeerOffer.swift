/// An offer of a peer, read and checked as far as its transport goes. `acceptPublish` and `acceptWatch` then settle its media.
///
/// Nothing but the transport makes an offer fail as a whole: sections that the edge cannot serve are refused one by one.
package struct PeerOffer: Sendable {
    let description: PeerDescription

    /// Checks an offer, and reads it where nobody has. Throws for text that is no SDP or over a limit, for two sections of one mid, for a transport
    /// that is incomplete or insecure, and `peerIsLite`.
    package init(_ offer: ReceivedOffer) throws(SDPError) {
        description = try PeerDescription(try offer.description())
    }

    /// The same with a text that nobody has read.
    package init(_ text: String) throws(SDPError) { try self.init(ReceivedOffer(text)) }

    /// How to reach the peer and what it must prove.
    package var remote: RemotePeer { description.remote }
}
