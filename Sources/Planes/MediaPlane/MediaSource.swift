import Bridge
import BridgeModel
import Forwarding
import LinuxIO
import RTP

/// One track as its source sends it: RTP and sender reports come in, keyframe requests go out.
struct MediaSource {
    /// Who sends the track.
    enum Origin {
        /// A child, over a socket. `token` is nil while the socket is not watched: it was refused, or its other end is gone.
        case child(DatagramSocket, token: UInt64?)
        /// A peer of this worker.
        case peer(EdgePeer)
        /// The stream's home worker, of which this is a replica.
        case home(ReplicaLink)
        /// A peer that has left: another one may take its place.
        case absent(PeerID)
    }

    let description: TrackDescription
    var origin: Origin
    /// A child's packets are looked at here, a peer's in its `EdgePublisher`.
    var ingress: IngressTrack
    var gate: KeyframeGate
    /// A peer's sources are numbered from here, so that those of the one before are not taken for them.
    private(set) var firstEpoch: UInt32
    /// False: what a peer sends goes to nobody.
    private(set) var isForwarded = true
    /// The next packet is the first since the track was let through again.
    private var beginsAnew = false
    /// What came from a peer, and from whoever sent the track before.
    var peerCounters: TrackCounters
    /// The newest of a peer's sources.
    private var peerEpoch: UInt32
    private var sequence: UInt32 = 0

    /// `old` sent the track before; `firstEpoch` was none of its, nor of anybody's who sent it earlier.
    init(_ description: TrackDescription, origin: Origin, replacing old: MediaSource?, firstEpoch: UInt32, keyframeInterval: Duration) {
        self.description = description
        self.origin = origin
        self.firstEpoch = firstEpoch
        peerCounters = old?.counters ?? TrackCounters()
        peerEpoch = firstEpoch
        ingress = IngressTrack(description, epoch: firstEpoch, continuing: peerCounters)
        gate = KeyframeGate(interval: keyframeInterval)
    }

    private var isChild: Bool {
        guard case .child = origin else { return false }
        return true
    }

    /// Counters of the track since it was first published.
    var counters: TrackCounters { isChild ? ingress.statistics : peerCounters }

    /// Which source's packets come in; see `IngressTrack.epoch`.
    var epoch: UInt32 { isChild ? ingress.epoch : peerEpoch }

    /// Counts a packet of a peer.
    mutating func count(_ packet: IngressPacket, bytes: Int, arrival: MonotonicTime) {
        peerEpoch = firstEpoch &+ packet.epoch
        peerCounters.packets += 1
        peerCounters.bytes += UInt64(bytes)
        peerCounters.lastPacketAt = arrival
        if packet.frame.revealsKeyframe { peerCounters.keyframes += 1 }
    }

    /// Lets a peer's packets through, or not. What was sent meanwhile is not missing: those who go on do so as with another source.
    mutating func forward(_ isForwarded: Bool) {
        self.isForwarded = isForwarded
        if isForwarded {
            firstEpoch &+= 1
            beginsAnew = true
        } else {
            gate.cancel()
        }
    }

    /// Whether this packet is the first of its kind since the track was let through again.
    mutating func takeBeginning() -> Bool {
        defer { beginsAnew = false }
        return beginsAnew
    }

    /// The peer that sends it; nil for a child's track and while the peer is away.
    var publisher: EdgePublisher? {
        guard case .peer(let peer) = origin, case .publisher(let publisher) = peer.media else { return nil }
        return publisher
    }

    /// The child's socket; nil for a peer.
    var socket: DatagramSocket? {
        guard case .child(let socket, _) = origin else { return nil }
        return socket
    }

    /// Whether the track comes from there, or did until its peer left.
    func isFrom(_ source: StreamSource) -> Bool {
        switch (origin, source) {
        case (.child(let socket, _), .child(let first)): socket.descriptor == first.rawValue
        case (.peer(let peer), .peer(let id)): peer.id == id
        case (.absent(let former), .peer(let id)): former == id
        case (.child, .peer), (.peer, .child), (.absent, .child), (.home, _): false
        }
    }

    /// Asks the source for a keyframe. A socket that is full holds requests enough.
    mutating func sendKeyframeRequest(ports: inout MediaPorts, now: MonotonicTime) {
        switch origin {
        case .absent: break
        case .home(let link): ports.post(.replica(.request(link, .keyframe(track: description.index))), toWorker: link.home)
        case .peer(let peer):
            ports.counters.keyframeRequestsOut += 1
            ports.edge.keyframeRequests.append((peer, description.index))
        case .child(let socket, _):
            ports.counters.keyframeRequestsOut += 1
            let request = MediaDatagram(kind: .keyframeRequest, track: description.index, sequence: sequence, time: now)
            sequence &+= 1
            withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
                request.write(to: bytes)
                socket.send(UnsafeRawBufferPointer(bytes))
            }
        }
    }
}
