internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import RTP

/// One track of a composite on its way to the hub: encoder, payloader, packets and sender reports.
struct CompositeOutput: Sendable {
    /// Of speech and music, bit/s.
    private static let audioBitrate = 64_000
    /// A recording may be cut, and an HLS segment end, at each of them.
    private static let keyframeInterval = Duration.seconds(2)
    /// Seconds from 1900 to 1970 (RFC 5905 section 6).
    private static let ntpEpoch: UInt64 = 2_208_988_800

    private let track: TrackDescription
    private let ssrc: UInt32
    private let forwarder: TrackForwarder
    private let packets: Pad

    /// Adds encoder, payloader and sink to the pipeline, behind `raw`. What is seen has the plan's measures; what is heard needs none.
    init(
        _ track: TrackDescription, of plan: CompositePlan? = nil, behind raw: Element, in pipeline: Pipeline, socket: DatagramSocket
    ) throws(GStreamerError) {
        let ssrc = UInt32.random(in: 1...UInt32.max)
        let forwarder = TrackForwarder(track: track, socket: socket)
        let sink = try AppSink { item in
            guard case .sample(let sample) = item else { return true }
            forwarder.forward(rtp: sample.bytes, arrival: MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds))
            return true
        }
        let queue = try Element("queue")
        // An encoder that is too slow loses pictures and never falls behind.
        try queue.set(["leaky": "downstream", "max-size-buffers": "3", "max-size-bytes": "0", "max-size-time": "0"])
        let payloader: Element
        if track.kind == .video, let plan {
            let encoding = LiveEncoding(
                codec: track.codec, bitrate: plan.bitrate, framesPerSecond: plan.framesPerSecond, keyframeInterval: Self.keyframeInterval)
            let (encoder, coded) = try encoding.makeEncoder()
            payloader = try encoding.makePayloader(type: track.payloadType, ssrc: ssrc)
            try pipeline.add([queue, encoder, payloader, sink.element])
            try Element.chain([raw, queue, encoder])
            try encoder.link(to: payloader, caps: coded)
        } else {
            let encoder = try Element("opusenc")
            try encoder.set(["bitrate": String(Self.audioBitrate), "frame-size": "20"])
            payloader = try Element("rtpopuspay")
            try payloader.set(["pt": String(track.payloadType), "mtu": String(LiveEncoding.packetBytes), "ssrc": String(ssrc)])
            try pipeline.add([queue, encoder, payloader, sink.element])
            try Element.chain([raw, queue, encoder, payloader])
        }
        // So that the sender reports know which moment a timestamp is.
        try payloader.set(["timestamp-offset": "0", "perfect-rtptime": "false"])
        packets = try payloader.pad("src")
        if track.kind == .audio, plan?.tracks.contains(where: { $0.kind == .video }) == true {
            try Self.waitForPicture(behind: packets, sink, in: pipeline)
        } else {
            try packets.link(to: sink.pad())
        }
        self.track = track
        self.ssrc = ssrc
        self.forwarder = forwarder
    }

    /// The mixer gives a sound away as soon as all of it is there, the compositor a picture when the time of late ones is over: until the first reports come,
    /// who takes both knows by their arrival alone what belongs together.
    private static func waitForPicture(behind packets: Pad, _ sink: AppSink, in pipeline: Pipeline) throws(GStreamerError) {
        let queue = try Element("queue")
        try queue.set(["max-size-buffers": "0", "max-size-bytes": "0", "max-size-time": "2000000000"])
        try pipeline.add([queue])
        try packets.link(to: queue.pad("sink"))
        try queue.pad("src").link(to: sink.pad())
        try sink.element.set("sync", "true")
    }

    var statistics: PipelineStats { forwarder.statistics }

    /// The next picture is one that decoding can begin with.
    func requestKeyframe() {
        if track.kind == .video { packets.requestKeyframe() }
    }

    /// Tells which moment the track is at (RFC 3550 section 6.4.1), so that picture and sound stay together.
    func report(runningTime: ClockTime) {
        let wall = UInt64(max(0, SystemClocks.wallNanoseconds))
        let (seconds, rest) = wall.quotientAndRemainder(dividingBy: 1_000_000_000)
        let ntp = (seconds + Self.ntpEpoch) << 32 | (rest << 32) / 1_000_000_000
        let ticks = runningTime.nanoseconds.multipliedFullWidth(by: UInt64(track.clockRate))
        let timestamp = UInt32(truncatingIfNeeded: UInt64(1_000_000_000).dividingFullWidth(ticks).quotient)
        let report = SenderReportView(ssrc: ssrc, ntp: ntp, rtp: timestamp)
        withUnsafeTemporaryAllocation(byteCount: SenderReportView.size, alignment: 8) { bytes in
            report.write(to: bytes)
            let now = MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds)
            _ = forwarder.forward(senderReport: UnsafeRawBufferPointer(bytes), ssrc: ssrc, arrival: now)
        }
    }
}
