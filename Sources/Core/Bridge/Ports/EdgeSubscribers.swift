package import BridgeModel
package import SDP

/// Peers that receive tracks of several streams, and what of a publisher's tracks is sent at all. Implemented by MediaPlane beside `EdgePeers`.
///
/// Calls return at once; for one peer those of both protocols are carried out in the order in which they were made. Each does nothing for a peer that
/// is gone.
package protocol EdgeSubscribers: Sendable {
    /// Sends a track in a section of a subscribing peer from when it is connected: a section more, without touching what flows in the others, or
    /// another track in place of the one that was there. Its sources must not have been used with this peer before. A stream that is not there sends
    /// nothing, and one that ends takes its own sections away and nothing else.
    func attach(_ section: EdgeSection, to peer: PeerID)
    /// Sends nothing in a section any more.
    func detach(_ mid: String, from peer: PeerID)
    /// Keeps what is sent in a section within these bounds from now on.
    func bound(_ mid: String, of peer: PeerID, by bounds: SectionBounds)
    /// Lets a publisher's track through to whoever receives it, or to nobody. Whatever the publisher sends while it is not let through is lost; then it
    /// goes on with a keyframe. `track` is the place among the tracks of its answer. All are let through at first.
    func forward(_ track: UInt8, of publisher: PeerID, _ isForwarded: Bool)
    /// Tells how loud a publisher's tracks are from now on (`EdgePeerEvent.levels`).
    func reportLevels(of publisher: PeerID)
}

/// A section of a subscribing peer and what it sends.
package struct EdgeSection: Sendable, Equatable {
    /// As it was negotiated, with `trackIndex` and `localSource`.
    package var section: NegotiatedSection
    /// Whose track it is.
    package var stream: StreamID
    package var bounds: SectionBounds

    package init(_ section: NegotiatedSection, of stream: StreamID, bounds: SectionBounds = SectionBounds()) {
        self.section = section
        self.stream = stream
        self.bounds = bounds
    }
}

/// What may be sent in a section.
package struct SectionBounds: Sendable, Equatable {
    package var layers: LayerBounds
    /// Nothing is sent. What is sent afterwards begins there, with a keyframe.
    package var isPaused: Bool
    /// How much more than others it counts where the path has not room for all; 1 is as much.
    package var weight: Double

    /// Everything by default.
    package init(layers: LayerBounds = LayerBounds(), isPaused: Bool = false, weight: Double = 1) {
        self.layers = layers
        self.isPaused = isPaused
        self.weight = weight
    }
}

/// How loud a publisher's track is.
package struct TrackLevel: Sendable, Equatable {
    /// The place among the tracks of its answer.
    package var track: UInt8
    /// RFC 6464: 0 is loudest, 127 silence.
    package var level: UInt8

    package init(track: UInt8, level: UInt8) {
        self.track = track
        self.level = level
    }
}
