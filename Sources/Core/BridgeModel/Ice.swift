/// One entry of `RTCConfiguration.iceServers`. Members are never null (W3C WebRTC, RTCIceServer).
package struct IceServer: Codable, Sendable, Equatable {
    package var urls: [String]
    package var username: String
    package var credential: Redacted<String>

    package init(urls: [String], username: String = "", credential: Redacted<String> = Redacted("")) {
        self.urls = urls
        self.username = username
        self.credential = credential
    }
}

/// A trickled candidate, as `RTCIceCandidateInit`. An empty `candidate` is the end-of-candidates mark (RFC 8838 section 13).
package struct IceCandidate: Codable, Sendable, Equatable {
    /// The `candidate:` line without `a=`; empty at the end.
    package var candidate: String
    package var sdpMid: String?
    package var sdpMLineIndex: UInt16?

    package init(candidate: String, sdpMid: String? = nil, sdpMLineIndex: UInt16? = nil) {
        self.candidate = candidate
        self.sdpMid = sdpMid
        self.sdpMLineIndex = sdpMLineIndex
    }

    /// The end-of-candidates mark.
    package static let end = IceCandidate(candidate: "")
    /// True for the end-of-candidates mark.
    package var isEnd: Bool { candidate.isEmpty }
}

/// A certificate digest from `a=fingerprint` (RFC 8122).
package struct Fingerprint: Codable, Sendable, Hashable {
    /// Lower-case hash name, for instance `sha-256`.
    package var algorithm: String
    /// The digest as upper-case hex pairs with colons.
    package var value: String

    package init(algorithm: String, value: String) {
        self.algorithm = algorithm
        self.value = value
    }
}

/// How a pipeline that speaks ICE gathers and where.
package struct IceSettings: Codable, Sendable, Equatable {
    /// Local addresses to gather on; empty means every interface except docker-like bridges.
    package var addresses: [String]
    /// First and last UDP port; nil leaves it to the kernel.
    package var ports: ClosedRange<UInt16>?
    /// A STUN server as `stun://host:port`, or nil.
    package var stunServer: String?
    /// TURN servers as `turn://user:password@host:port?transport=udp`.
    package var turnServers: [Redacted<String>]
    /// Use relay candidates only.
    package var relayOnly: Bool

    package init(
        addresses: [String] = [], ports: ClosedRange<UInt16>? = nil, stunServer: String? = nil, turnServers: [Redacted<String>] = [],
        relayOnly: Bool = false
    ) {
        self.addresses = addresses
        self.ports = ports
        self.stunServer = stunServer
        self.turnServers = turnServers
        self.relayOnly = relayOnly
    }
}
