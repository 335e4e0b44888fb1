package import BridgeModel

/// The bridge's side of a transport, as it stands in every answer and offer of the edge: an ICE-lite agent (RFC 8445 section 2.5).
package struct LocalTransport: Sendable, Equatable {
    /// 4 to 256 ICE characters; holds no secret.
    package var ufrag: String
    /// 22 to 256 ICE characters.
    package var password: Redacted<String>
    /// Digests of our certificate, at least one.
    package var fingerprints: [Fingerprint]
    /// Where we are reached, the preferred one first.
    package var candidates: [LocalCandidate]
    /// `sess-id` of `o=`: the same for all descriptions of one peer.
    package var sessionID: UInt64
    /// `sess-version` of `o=`: one more for each description (RFC 3264 section 8).
    package var sessionVersion: UInt64

    package init(
        ufrag: String, password: Redacted<String>, fingerprints: [Fingerprint], candidates: [LocalCandidate],
        session: (id: UInt64, version: UInt64)
    ) {
        self.ufrag = ufrag
        self.password = password
        self.fingerprints = fingerprints
        self.candidates = candidates
        sessionID = session.id
        sessionVersion = session.version
    }
}

/// A host candidate of ours.
package struct LocalCandidate: Sendable, Hashable {
    /// How it is reached.
    package enum Transport: Sendable, Hashable {
        case udp
        /// The peer connects (RFC 6544 section 4.5).
        case tcpPassive
    }

    /// A literal IPv4 or IPv6 address without a zone.
    package var address: String
    /// Never 0.
    package var port: UInt16
    /// UDP or TCP.
    package var transport: Transport

    package init(address: String, port: UInt16, transport: Transport = .udp) {
        self.address = address
        self.port = port
        self.transport = transport
    }

    /// `candidate:...` as in `RTCIceCandidateInit.candidate`. `rank` is the candidate's place in its list, which sets its priority.
    package func print(rank: Int) -> String {
        let protocolName = transport == .udp ? "udp" : "tcp"
        let base = "candidate:\(rank + 1) 1 \(protocolName) \(priority(rank: rank)) \(address) \(port) typ host"
        return transport == .udp ? base : base + " tcptype passive"
    }

    /// RFC 8445 section 5.1.2.1 and, for TCP, RFC 6544 section 4.2: a host candidate of component 1, TCP always after UDP.
    package func priority(rank: Int) -> UInt32 {
        let place = UInt32(8191 - min(max(rank, 0), 8191))
        // RFC 6544: `direction-pref` of a passive candidate is 4 of 0...7; UDP takes the highest there is.
        let direction: UInt32 = transport == .udp ? 7 : 4
        let typePreference: UInt32 = transport == .udp ? 126 : 90
        return typePreference << 24 | (direction << 13 | place) << 8 | 255
    }
}
