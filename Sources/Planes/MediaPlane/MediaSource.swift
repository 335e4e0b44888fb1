import Bridge
import BridgeModel
import Forwarding
import LinuxIO

/// One track as its source sends it: RTP and sender reports come in, keyframe requests go out.
struct MediaSource {
    /// Who sends the track.
    enum Origin {
        /// A child, over a socket. `token` is nil while the socket is not watched: it was refused, or its other end is gone.
        case child(DatagramSocket, token: UInt64?)
        /// A peer of this worker.
        case peer(EdgePeer)
    }

    let description: TrackDescription
    var origin: Origin
    var ingress: IngressTrack
    var gate: KeyframeGate
    private var sequence: UInt32 = 0

    init(_ description: TrackDescription, origin: Origin, ingress: IngressTrack, gate: KeyframeGate) {
        self.description = description
        self.origin = origin
        self.ingress = ingress
        self.gate = gate
    }

    /// The child's socket; nil for a peer.
    var socket: DatagramSocket? {
        guard case .child(let socket, _) = origin else { return nil }
        return socket
    }

    /// What the child's socket is watched with; nil when it is not, and for a peer.
    var token: UInt64? {
        guard case .child(_, let token) = origin else { return nil }
        return token
    }

    /// Whether the track comes from there.
    func isFrom(_ source: StreamSource) -> Bool {
        switch (origin, source) {
        case (.child(let socket, _), .child(let first)): socket.descriptor == first.rawValue
        case (.peer(let peer), .peer(let id)): peer.id == id
        case (.child, .peer), (.peer, .child): false
        }
    }

    /// Asks the source for a keyframe. A socket that is full holds requests enough.
    mutating func sendKeyframeRequest(ports: inout MediaPorts, now: MonotonicTime) {
        switch origin {
        case .peer(let peer): peer.owesKeyframeRequest(of: description.index, ports: &ports)
        case .child(let socket, _):
            let request = MediaDatagram(kind: .keyframeRequest, track: description.index, sequence: sequence, time: now)
            sequence &+= 1
            withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
                request.write(to: bytes)
                socket.send(UnsafeRawBufferPointer(bytes))
            }
        }
    }
}
