internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import RTP
internal import Synchronization

/// Where a publisher's pads, packets and reports end, on webrtcbin's own threads.
final class PublishIntake: Sendable {
    let gate: MediaGate
    let sockets: [DatagramSocket]
    private let tracks: [TrackForwarder]
    private let routes: PayloadTypeRoutes
    private let pads = Mutex<[Int: Pad]>([:])

    init(gate: MediaGate, sockets: [DatagramSocket], tracks: [TrackForwarder]) {
        self.gate = gate
        self.sockets = sockets
        self.tracks = tracks
        routes = PayloadTypeRoutes(tracks.map(\.track.payloadType))
    }

    var statistics: PipelineStats {
        tracks.map(\.statistics).reduce(into: PipelineStats()) { sum, track in
            sum.packetsIn += track.packetsIn
            sum.packetsOut += track.packetsOut
            sum.packetsDropped += track.packetsDropped
        }
    }

    /// On the streaming thread, before the first packet: the pad must be linked when this returns.
    func attach(_ pad: Pad, to pipeline: WeakPipeline) {
        guard pad.isSource, let owner = pipeline.value else { return }
        do {
            let section = pad.mediaSection
            let lastTrack = TrackMemory()
            let sink = try AppSink { [weak self] item in
                guard let self, case .sample(let sample) = item, gate.isOpen else { return true }
                guard let track = routes.track(of: sample.bytes, section: section) else { return true }
                if lastTrack.changes(to: track) { pads.withLock { $0[track] = pad } }
                tracks[track].forward(rtp: sample.bytes, arrival: Self.arrival(sample, pipeline))
                return true
            }
            try owner.add(sink.element)
            try sink.element.syncStateWithParent()
            try pad.link(to: sink.pad())
        } catch {
            HostFacts.logLine("viaduct-pipeline: a track cannot be read: \(error)")
        }
    }

    /// The jitter buffer keeps the arrival in DTS, and the pipeline's clock is CLOCK_MONOTONIC; a packet that it could not date came now.
    private static func arrival(_ sample: SampleView, _ pipeline: WeakPipeline) -> MonotonicTime {
        guard let dts = sample.dts, let base = pipeline.value?.element.baseTime else {
            return MonotonicTime(nanoseconds: ClockTime.now.nanoseconds)
        }
        return MonotonicTime(nanoseconds: base.nanoseconds &+ dts.nanoseconds)
    }

    /// On the transport's thread: sender reports go to their track.
    func takeRTCP(_ bytes: UnsafeRawBufferPointer) {
        guard gate.isOpen else { return }
        let arrival = MonotonicTime(nanoseconds: ClockTime.now.nanoseconds)
        for packet in RTCPCompound(bytes) {
            guard let report = SenderReportView(packet) else { continue }
            _ = tracks.contains { $0.forward(senderReport: packet.bytes, ssrc: report.ssrc, arrival: arrival) }
        }
    }

    /// Asks the publisher for a keyframe (PLI); nothing before the track's first packet, which a keyframe begins anyway.
    func requestKeyframe(ofTrack index: Int) {
        guard tracks.indices.contains(index), tracks[index].track.kind == .video else { return }
        pads.withLock { $0[index] }?.requestKeyframe()
    }

    /// Gives the pads up.
    func detach() { pads.withLock { $0.removeAll() } }
}

/// Which track a packet belongs to. webrtcbin 1.22 guesses a pad's section where the offer names no SSRC, and guesses wrong at times; a
/// payload type that only one track has says it better.
struct PayloadTypeRoutes: Sendable {
    private enum Route {
        case none
        case track(Int)
        /// Several tracks share it (allowed in a bundle when the format is the same): the pad's section decides.
        case shared
    }

    private let routes: [Route]
    private let payloadTypes: [UInt8]

    /// The payload type of each track, in track order.
    init(_ payloadTypes: [UInt8]) {
        var routes = [Route](repeating: .none, count: 128)
        for (track, payloadType) in payloadTypes.enumerated() {
            let index = Int(payloadType & 0x7F)
            if case .none = routes[index] { routes[index] = .track(track) } else { routes[index] = .shared }
        }
        self.routes = routes
        self.payloadTypes = payloadTypes
    }

    /// The track's index; nil for what is no packet of any track. `section` is what webrtcbin thinks.
    func track(of packet: UnsafeRawBufferPointer, section: Int?) -> Int? {
        guard packet.count >= RTPPacketView.fixedHeaderSize else { return nil }
        let payloadType = packet[1] & 0x7F
        switch routes[Int(payloadType)] {
        case .none: return nil
        case .track(let index): return index
        case .shared: return section.flatMap { payloadTypes.indices.contains($0) && payloadTypes[$0] == payloadType ? $0 : nil }
        }
    }
}

/// The track that a pad's packets belonged to last.
private final class TrackMemory: Sendable {
    private let last = Atomic(-1)

    func changes(to track: Int) -> Bool { last.exchange(track, ordering: .relaxed) != track }
}
