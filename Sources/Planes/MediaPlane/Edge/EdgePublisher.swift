import BridgeModel
import Forwarding
import PeerTransport
import RTP
import SecureTransport

/// A connected peer's tracks on their way into the hub. It belongs to one media worker.
final class EdgePublisher {
    /// Where the tracks go.
    let stream: MediaStream
    /// Packets and bytes that were authentic.
    private(set) var packets: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    /// Track of each payload type; `noTrack` where there is none.
    private var tracks = [UInt8](repeating: noTrack, count: 128)
    /// The newest SSRC of each track: what keyframes are asked of.
    private var sources: [UInt32?]
    /// Our own SSRC in reports and requests.
    private let ssrc: UInt32

    private static let noTrack = UInt8.max

    init(_ tracks: [TrackDescription], stream: MediaStream, ssrc: UInt32) {
        self.stream = stream
        self.ssrc = ssrc
        sources = Array(repeating: nil, count: tracks.count)
        for track in tracks { self.tracks[Int(track.payloadType & 0x7F)] = track.index }
    }
}

extension EdgePublisher {
    /// Takes an RTP packet that was authentic.
    func receive(media bytes: UnsafeRawBufferPointer, ports: inout MediaPorts, now: MonotonicTime) {
        guard let packet = RTPPacketView(reading: bytes) else { return }
        let track = tracks[Int(packet.payloadType)]
        guard track != Self.noTrack, stream.sources.indices.contains(Int(track)) else { return }
        sources[Int(track)] = packet.ssrc
        packets += 1
        self.bytes += UInt64(bytes.count)
        _ = stream.ingest(rtp: bytes, track: Int(track), arrival: now, ports: &ports)
    }

    /// Takes an RTCP compound that was authentic.
    func receive(control bytes: UnsafeRawBufferPointer, now: MonotonicTime) {
        for track in stream.sources.indices { _ = stream.ingest(report: bytes, track: track, arrival: now) }
    }

    /// Writes what asks for a keyframe of `track`: bytes written, 0 while its SSRC is not known.
    func writeKeyframeRequest(of track: UInt8, into bytes: UnsafeMutableRawBufferPointer) -> Int {
        guard let media = sources[Int(track)] else { return 0 }
        var writer = RTCPWriter(bytes)
        guard writer.appendReceiverReport(sender: ssrc), writer.appendPictureLossIndication(sender: ssrc, media: media) else { return 0 }
        return writer.count
    }
}
