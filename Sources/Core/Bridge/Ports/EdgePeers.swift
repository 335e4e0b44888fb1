package import BridgeModel
package import SDP

/// Inbound WebRTC peers on the bridge's own engine. Implemented by MediaPlane.
///
/// A peer's life: `prepare` gives what our answer has to say, the control plane makes the answer, `open` lets the peer in. Every peer that was prepared
/// is opened or closed. Calls return at once but for those that are async; the work is done on a media worker in the order of the calls.
package protocol EdgePeers: Sendable {
    /// Our side of a new peer's transport. Nothing is taken from the peer before `open`. Throws `limit_reached` when the engine takes no more peers, or
    /// is too busy for another viewer.
    func prepare(_ peer: PeerID, for use: EdgePeerUse) throws(BridgeError) -> EdgeEndpoint
    /// Lets a prepared peer in. The stream ends after exactly one `ended`. A peer that was not prepared, or was closed since, ends at once.
    func open(_ peer: PeerID, as negotiated: NegotiatedPeer) -> AsyncStream<EdgePeerEvent>
    /// Lets the tracks of a connected publisher into the hub, with what it has sent since it connected (up to 512 KiB). A stream that is live gets a
    /// new source, and its sinks and viewers stay. It lasts until `MediaHub.unpublish`, also when the peer ends before. Does nothing for a peer that
    /// is gone.
    func publish(_ peer: PeerID)
    /// Keeps what a watching peer is sent of a track within these bounds from now on. Does nothing for a peer that is gone or has no such track.
    func limit(_ peer: PeerID, to bounds: LayerBounds, ofTrack track: UInt8)
    /// ICE restart (RFC 8445 section 9): new credentials of ours for the answer to the restarting offer. The old ones hold until a pair of the new
    /// ones is nominated. nil when the peer is gone.
    func restart(_ peer: PeerID) async -> EdgeEndpoint?
    /// Ends a peer: it hears close_notify. Does nothing for a peer that is gone.
    func close(_ peer: PeerID)
    /// Counters of one peer; nil when it is gone.
    func statistics(of peer: PeerID) async -> EdgePeerStatistics?
    /// Counters of everything.
    func totals() async -> EdgeTotals
}

/// What a peer is there for.
package enum EdgePeerUse: Sendable, Equatable {
    /// It sends the tracks of this stream.
    case publish(StreamID)
    /// It receives tracks of this stream.
    case watch(StreamID)
    /// It receives tracks of several streams, as `EdgeSubscribers` says.
    case subscribe

    /// The stream that is meant; nil where there is more than one.
    package var stream: StreamID? {
        switch self {
        case .publish(let stream), .watch(let stream): stream
        case .subscribe: nil
        }
    }
}

/// Which layers a viewer may be sent, each counted from 0, the lowest. What lies below a lower bound is sent only while nothing of the choice is.
package struct LayerBounds: Sendable, Equatable {
    /// Of simulcast, in the order of `TrackStatistics.encodings`.
    package var encodings: ClosedRange<UInt8>
    package var spatial: ClosedRange<UInt8>
    package var temporal: ClosedRange<UInt8>

    /// Everything by default.
    package init(
        encodings: ClosedRange<UInt8> = 0...UInt8.max, spatial: ClosedRange<UInt8> = 0...UInt8.max,
        temporal: ClosedRange<UInt8> = 0...UInt8.max
    ) {
        self.encodings = encodings
        self.spatial = spatial
        self.temporal = temporal
    }
}

/// Our side of a transport: what an answer says of it.
package struct EdgeEndpoint: Sendable, Equatable {
    /// `a=ice-ufrag`.
    package var ufrag: String
    /// `a=ice-pwd`.
    package var password: Redacted<String>
    /// `a=fingerprint`, at least one.
    package var fingerprints: [Fingerprint]
    /// `a=candidate`, the preferred one first.
    package var candidates: [LocalCandidate]

    package init(ufrag: String, password: Redacted<String>, fingerprints: [Fingerprint], candidates: [LocalCandidate]) {
        self.ufrag = ufrag
        self.password = password
        self.fingerprints = fingerprints
        self.candidates = candidates
    }
}

/// What happens to a peer after `open`.
package enum EdgePeerEvent: Sendable, Equatable {
    /// The first verified check came.
    case connecting
    /// ICE and DTLS are up and the certificate matches the SDP: media may flow.
    case connected
    /// Nothing was heard for a while; it may come back.
    case disconnected
    /// It was heard again.
    case reconnected
    /// So many packets of a publisher found no room before it was let in: viewers may wait for its next keyframe. Told once, when it is let in or over.
    case earlyMediaDropped(packets: Int)
    /// How loud a publisher's tracks are, at most ten times a second; only where `EdgeSubscribers.reportLevels` asked for it.
    case levels([TrackLevel])
    /// Nothing follows. nil: it was closed by `close`, or the stream that it watched is over.
    case ended(BridgeError?)
}

/// Counters of one peer since it was opened.
package struct EdgePeerStatistics: Sendable, Equatable, Codable {
    package var packetsIn: UInt64 = 0
    package var bytesIn: UInt64 = 0
    package var packetsOut: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// Packets that were sent again because the peer asked for them.
    package var retransmissions: UInt64 = 0
    /// Packets that could not be sent: the socket was full, or the peer was behind.
    package var packetsDropped: UInt64 = 0
    /// Datagrams that were refused: not authentic, replayed, malformed, or of no track.
    package var refused: UInt64 = 0
    /// The peer's requests for keyframes.
    package var keyframeRequests: UInt64 = 0

    package init() {}
}

/// Counters of the engine since it started; the first two are gauges.
package struct EdgeTotals: Sendable, Equatable, Codable {
    package var peers: Int = 0
    package var viewers: Int = 0
    package var datagramsIn: UInt64 = 0
    package var datagramsOut: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// System calls that sent them.
    package var sends: UInt64 = 0
    /// Datagrams that belong to no peer, or are nothing that WebRTC knows.
    package var strangers: UInt64 = 0
    /// Datagrams of peers that were refused.
    package var refused: UInt64 = 0
    /// Datagrams that a full socket could not take.
    package var dropped: UInt64 = 0
    /// Share of a second, 0...1, in which the busiest media worker did not wait: the lesser of the last two seconds.
    package var load: Double = 0

    package init() {}
}
