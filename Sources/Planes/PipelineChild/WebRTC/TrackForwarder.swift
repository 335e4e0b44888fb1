internal import Bridge
internal import BridgeModel
internal import LinuxIO
internal import Synchronization

/// Sends one incoming track's packets to the hub. A full socket drops to the end of the frame and counts; nothing here waits.
///
/// Packets come on the track's streaming thread, sender reports on the transport's: a short lock, never held over a wait, orders them.
final class TrackForwarder: Sendable {
    private struct State {
        var sequence: UInt32 = 0
        var ssrc: UInt32?
        var isSkippingFrame = false
        var hasGap = false
        var counters = PipelineStats()
    }

    let track: TrackDescription
    private let socket: DatagramSocket
    private let state = Mutex(State())

    init(track: TrackDescription, socket: DatagramSocket) {
        self.track = track
        self.socket = socket
    }

    /// Counters so far.
    var statistics: PipelineStats { state.withLock { $0.counters } }

    /// Forwards an RTP packet. What is not RTP is ignored.
    func forward(rtp packet: UnsafeRawBufferPointer, arrival: MonotonicTime) {
        guard packet.count >= 12, packet.count <= MediaDatagram.maximumSize - MediaDatagram.headerSize else { return }
        let isFrameEnd = track.kind == .audio || packet[1] & 0x80 != 0  // the marker bit ends a video frame (RFC 3551 section 4.1)
        state.withLock { state in
            state.ssrc = UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            state.counters.packetsIn += 1
            guard !state.isSkippingFrame, send(.rtp, packet, arrival, &state) else {
                state.counters.packetsDropped += 1
                state.hasGap = true
                state.isSkippingFrame = !isFrameEnd
                return
            }
            state.hasGap = false
            state.counters.packetsOut += 1
        }
    }

    /// Forwards a sender report of this track; false when its source is another track's.
    func forward(senderReport packet: UnsafeRawBufferPointer, ssrc: UInt32, arrival: MonotonicTime) -> Bool {
        state.withLock { state in
            guard state.ssrc == ssrc else { return false }
            _ = send(.senderReport, packet, arrival, &state)
            return true
        }
    }

    private func send(
        _ kind: MediaDatagram.Kind, _ packet: UnsafeRawBufferPointer, _ arrival: MonotonicTime, _ state: inout State
    ) -> Bool {
        let flags: MediaDatagram.Flags = state.hasGap && kind == .rtp ? .discontinuity : []
        let header = MediaDatagram(kind: kind, track: track.index, flags: flags, sequence: state.sequence, time: arrival)
        let result = withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
            header.write(to: bytes)
            return socket.send(UnsafeRawBufferPointer(bytes), packet)
        }
        if result == .sent { state.sequence &+= 1 }
        return result == .sent
    }
}
