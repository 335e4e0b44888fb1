/// An offer of a peer as it came, with what it says where somebody has read it before: it is read once on its way to the engine.
package struct ReceivedOffer: Sendable, Equatable {
    /// The whole text.
    package let text: String
    private let known: SessionDescription?

    /// An offer that nobody has read.
    package init(_ text: String) {
        self.text = text
        known = nil
    }

    /// Reads an offer. Throws for text that is no SDP or over a limit.
    package init(reading text: String) throws(SDPError) {
        self.text = text
        known = try SessionDescription.parse(text)
    }

    /// What it says. Throws for text that is no SDP or over a limit, which one that was read cannot be.
    package func description() throws(SDPError) -> SessionDescription {
        if let known { return known }
        return try SessionDescription.parse(text)
    }
}
