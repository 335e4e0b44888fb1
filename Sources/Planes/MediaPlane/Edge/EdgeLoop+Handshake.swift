import BridgeModel
import LinuxIO
import PeerTransport
import SecureTransport

extension EdgeLoop {
    mutating func receiveHandshake(_ record: UnsafeRawBufferPointer, of peer: EdgePeer, on path: PathID, ports: inout MediaPorts, now: MonotonicTime) {}
    mutating func startHandshake(of peer: EdgePeer, ports: inout MediaPorts, now: MonotonicTime) {}
    mutating func repeatHandshake(of peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {}
    mutating func sendCloseNotify(of peer: EdgePeer, along tuple: FiveTuple, ports: inout MediaPorts, now: MonotonicTime) {}
}
