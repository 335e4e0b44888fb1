/// An offer of a peer, read and checked as far as its transport goes. `acceptPublish` and `acceptWatch` then settle its media.
///
/// Nothing but the transport makes an offer fail as a whole: sections that the edge cannot serve are refused one by one.
package struct PeerOffer: Sendable {
    let description: PeerDescription

    /// Reads an offer. Throws for text that is no SDP or over a limit, for two sections of one mid, for a transport that is incomplete or insecure,
    /// and `peerIsLite`.
    package init(_ text: String) throws(SDPError) {
        description = try PeerDescription(text)
    }

    /// How to reach the peer and what it must prove.
    package var remote: RemotePeer { description.remote }
}
