/// The limits of a peer's transport.
package struct TransportPolicy: Sendable, Equatable {
    /// How long a peer may take from its answer to its first verified check.
    package var connectLimit: Duration = .seconds(30)
    /// How long the DTLS handshake and the nomination may take after the first verified check.
    package var handshakeLimit: Duration = .seconds(15)
    /// Nothing authentic was heard for so long: the user is told. Checks come up to 6 s apart (RFC 7675 section 5.1).
    package var disconnectAfter: Duration = .seconds(7)
    /// Sending ends so long after the last verified check of the path; more than `longestConsent` counts as that.
    package var consentLimit: Duration = .seconds(30)
    /// What renews the peer's consent.
    package var consentRenewal = ConsentRenewal.checksAndPackets
    /// A Binding indication goes out this often on the selected path (RFC 8445 section 11, Tr), which lite agents owe too.
    package var keepaliveInterval: Duration = .seconds(15)
    /// A selected path from which nothing authentic came for so long yields to one from which authentic media comes. Longer
    /// than the 2.5 s between the checks of a browser, so that reports on a second path do not draw media away from a healthy one.
    package var silenceOfReplacedPath: Duration = .seconds(3)
    /// A nomination of lesser priority takes over when the selected path was not nominated again for so long: peers that nominate every pair
    /// (RFC 5245 section 8.1.1.2) do not make the path flap.
    package var nominationSettling: Duration = .milliseconds(500)
    /// Validated 5-tuples of a peer, 2 to `PeerTable.pathsPerPeer`; when there are more, the one heard of longest ago goes.
    package var pathLimit = 8

    /// RFC 7675 section 5.1.
    package static let longestConsent: Duration = .seconds(30)

    package init() {}
}

/// What counts as a peer's consent to be sent to. A lite agent sends no checks of its own, whose answers RFC 7675 speaks of.
package enum ConsentRenewal: Sendable {
    /// The peer's verified checks alone.
    case checks
    /// Its authenticated SRTP and SRTCP packets too. For peers that stop their checks once they are connected: libnice does, unless it is told
    /// otherwise (its `consent-freshness` and `keepalive-conncheck` are off), and with it webrtcbin up to GStreamer 1.22.
    case checksAndPackets
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
