/// The limits of a peer's transport.
package struct TransportPolicy: Sendable, Equatable {
    /// How long a peer may take from its answer to its first verified check.
    package var connectLimit: Duration = .seconds(30)
    /// How long the DTLS handshake and the nomination may take after the first verified check.
    package var handshakeLimit: Duration = .seconds(15)
    /// Nothing authentic was heard for so long: the user is told. Checks come up to 6 s apart (RFC 7675 section 5.1).
    package var disconnectAfter: Duration = .seconds(7)
    /// Sending ends so long after the last verified check of the path (RFC 7675 section 5.1), at most 30 s.
    package var consentLimit: Duration = .seconds(30)
    /// A selected path from which nothing authentic came for so long yields to one from which authentic media comes.
    package var silenceOfReplacedPath: Duration = .seconds(1)
    /// A nomination of lesser priority takes over when the selected path was not nominated again for so long: peers that nominate every pair
    /// (RFC 5245 section 8.1.1.2) do not make the path flap.
    package var nominationSettling: Duration = .milliseconds(500)
    /// Validated 5-tuples of a peer; when there are more, the one heard of longest ago goes.
    package var pathLimit = 8

    package init() {}
}

/// SRTP protection profiles of DTLS-SRTP that we speak, by their registered numbers (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
package enum SRTPProfile: UInt16, Sendable {
    case aes128CMSHA1With80BitTag = 0x0001
    case aeadAES128GCM = 0x0007
}

/// Our side of the DTLS handshake, as the answer's `a=setup` says (RFC 8842 section 5).
package enum DTLSRole: Sendable {
    /// `a=setup:active`.
    case client
    /// `a=setup:passive`.
    case server
}
