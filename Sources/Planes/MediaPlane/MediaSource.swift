import Bridge
import BridgeModel
import Forwarding
import LinuxIO

/// One track's socket from its source: RTP and sender reports come in, keyframe requests go out.
struct MediaSource {
    let description: TrackDescription
    let socket: DatagramSocket
    /// Nil while the socket is not watched: it was refused, or its other end is gone.
    var token: UInt64?
    var ingress: IngressTrack
    var gate: KeyframeGate
    private var sequence: UInt32 = 0

    init(_ description: TrackDescription, socket: DatagramSocket, ingress: IngressTrack, gate: KeyframeGate) {
        self.description = description
        self.socket = socket
        self.ingress = ingress
        self.gate = gate
    }

    /// Asks the source for a keyframe. A socket that is full holds requests enough.
    mutating func sendKeyframeRequest(now: MonotonicTime) {
        let request = MediaDatagram(kind: .keyframeRequest, track: description.index, sequence: sequence, time: now)
        sequence &+= 1
        withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
            request.write(to: bytes)
            socket.send(UnsafeRawBufferPointer(bytes))
        }
    }
}
