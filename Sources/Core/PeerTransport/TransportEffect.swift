package import BridgeModel

/// A validated 5-tuple of a peer: its number among them, stable while the path is open.
package struct PathID: Hashable, Sendable {
    package let number: UInt8

    package init(_ number: UInt8) { self.number = number }
}

/// What the worker has to do, in this order.
package enum TransportEffect: Sendable, Equatable {
    /// Insert the 5-tuple into the table: datagrams of other kinds than STUN are taken from it from now on.
    case pathOpened(PathID, FiveTuple)
    /// Remove the 5-tuple from the table; a TCP connection is closed.
    case pathClosed(PathID, FiveTuple)
    /// We are the DTLS client: the endpoint is to send its first flight on `handshakePath`.
    case startHandshake
    /// Checks with this fragment are answered from now on: insert it into the table.
    case credentialsAdded(LocalUfrag)
    /// Checks with this fragment are answered no more: remove it from the table.
    case credentialsRetired(LocalUfrag)
    /// Send a Binding indication on this 5-tuple, unless media went there within `TransportPolicy.keepaliveInterval` (RFC 8445 section 11).
    case sendKeepalive(FiveTuple)
    /// Send close_notify on this 5-tuple, then forget the endpoint and its keys.
    case sendCloseNotify(FiveTuple)
    /// Tell whoever the peer belongs to.
    case event(TransportEvent)
}

/// What the peer's owner hears.
package enum TransportEvent: Sendable, Equatable {
    /// The first verified check came.
    case connecting
    /// The handshake is done with the right certificate and a pair is nominated: media may flow.
    case connected(SRTPProfile)
    /// Nothing authentic was heard for a while, or there is no path to send on.
    case disconnected
    /// It was heard again.
    case reconnected
    /// Media goes to another address from now on; nothing else changed.
    case moved(FiveTuple)
    /// The last event: why it ended, or nil when the bridge closed it.
    case ended(BridgeError.Code?)
}

/// What the DTLS endpoint reports.
package enum HandshakeOutcome: Sendable, Equatable {
    /// The handshake is finished. `certificateMatches`: the peer's certificate has a fingerprint of its SDP.
    case finished(SRTPProfile, certificateMatches: Bool)
    /// The certificate was not the one of the SDP; the handshake was broken off.
    case fingerprintMismatch
    /// A fatal alert, or a fault that ends the handshake or the association.
    case failed
    /// close_notify came.
    case closed
}
