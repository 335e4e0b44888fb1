import Bridge
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
    private var ingress: PublisherIngress
    /// The hub's track of each encoding.
    private let hubTracks: [UInt8]
    private var events: [IngressControlEvent] = []
    private var meter = AudioLevelMeter()

    init(_ layout: PublishedLayout, stream: MediaStream) {
        self.stream = stream
        hubTracks = layout.hubTracks
        ingress = PublisherIngress(layout.parameters)
    }

    /// Takes an RTP packet or an RTCP compound that was authentic. A packet of no track, or that came before, is left.
    func receive(_ packet: UnsafeMutableRawBufferPointer, isControl: Bool, ports: inout MediaPorts, now: MonotonicTime) {
        if isControl { receive(control: UnsafeRawBufferPointer(packet), now: now) } else { receive(media: packet, ports: &ports, now: now) }
    }

    /// A retransmission is unwrapped in place.
    private func receive(media bytes: UnsafeMutableRawBufferPointer, ports: inout MediaPorts, now: MonotonicTime) {
        packets += 1
        self.bytes += UInt64(bytes.count)
        switch ingress.receive(bytes, arrival: now) {
        case .media(let packet):
            let content = UnsafeRawBufferPointer(rebasing: bytes[packet.start...])
            if let level = packet.audioLevel { note(level.level, of: hubTracks[packet.encoding]) }
            stream.append(packet, of: Int(hubTracks[packet.encoding]), bytes: content, arrival: now, ports: &ports)
        case .padding(let encoding, _):
            stream.appendPadding(UnsafeRawBufferPointer(bytes), of: Int(hubTracks[encoding]), arrival: now)
        case .refused: break
        }
    }

    private func receive(control bytes: UnsafeRawBufferPointer, now: MonotonicTime) {
        ingress.receiveControl(bytes, arrival: now, events: &events)
        for event in events {
            guard case .senderReport(let encoding, let report) = event else { continue }
            stream.append(report, of: Int(hubTracks[encoding]), arrival: now)
        }
        events.removeAll(keepingCapacity: true)
    }

    /// What nobody gets is not heard either. Sound has one encoding: the hub's track is the answer's.
    private func note(_ level: UInt8, of hubTrack: UInt8) {
        guard stream.sources.indices.contains(Int(hubTrack)), stream.sources[Int(hubTrack)].isForwarded else { return }
        meter.note(level, of: hubTrack)
    }

    /// How loud its tracks are, when that is to be told.
    func takeLevels(now: MonotonicTime) -> [TrackLevel]? {
        meter.take(now: now)?.map { TrackLevel(track: $0.track, level: $0.level) }
    }

    /// The hub wants a keyframe of its track.
    func requestKeyframe(of hubTrack: UInt8, now: MonotonicTime) {
        guard let encoding = hubTracks.firstIndex(of: hubTrack) else { return }
        ingress.requestKeyframe(of: encoding, now: now)
    }

    /// What the encoding behind a hub's track is worth; nil when the publisher has no such track.
    func state(of hubTrack: UInt8, now: MonotonicTime) -> EncodingMonitor.State? {
        hubTracks.firstIndex(of: hubTrack).map { ingress.statistics(of: $0, now: now).state }
    }

    /// When `writeControl` has something to write.
    func deadline(now: MonotonicTime) -> MonotonicTime? { ingress.deadline(now: now) }

    /// Bytes that a buffer for `writeControl` must have.
    static var controlCapacity: Int { PublisherIngress.controlCapacity }

    /// Writes reports, requests for lost packets and keyframes, and feedback that are due: the compound's size, 0 when nothing is.
    func writeControl(into bytes: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> Int {
        let size = ingress.writeControl(to: bytes, now: now)
        if size > 0 { noteLosses(now: now) }
        return size
    }

    private func noteLosses(now: MonotonicTime) {
        for (encoding, track) in hubTracks.enumerated() where stream.sources.indices.contains(Int(track)) {
            let lost = ingress.statistics(of: encoding, now: now).lost
            stream.sources[Int(track)].peerCounters.lost = UInt64(max(0, lost))
        }
    }
}
