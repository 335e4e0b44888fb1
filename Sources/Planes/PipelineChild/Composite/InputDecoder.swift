internal import Bridge
internal import BridgeModel
internal import Foundation
internal import GStreamerKit
internal import LinuxIO
internal import RTP
internal import Synchronization

/// One input of a composite: from the hub's packets to pictures and sound, on threads and pipelines of its own.
final class InputDecoder: Sendable {
    /// What comes out; times are when it is to be presented on CLOCK_MONOTONIC, ns.
    enum Output: Sendable {
        case picture(RawPicture)
        case sound([UInt8], time: UInt64)
        /// A frame of the codec that is passed on as it is.
        case frame(TimedFrame, VideoFormat)
    }

    /// How often a keyframe is asked for until one came.
    private static let keyframeRequestInterval: Duration = .milliseconds(500)
    /// Frames that wait to be decoded: what the cache holds comes at once.
    private static let decoderLimit = 2048

    /// One track's way to its decoder.
    private struct Lane: Sendable {
        let track: TrackDescription
        let socket: DatagramSocket
        let sink: any PacketSink
        /// Video only.
        let gate: KeyframeGate?
    }

    private struct State {
        var clock: RTPClock
        var intakes: [TrackIntake]
    }

    private struct Threads {
        var reader: DatagramReader?
        var timer: GLibTimer?
        /// Of H.265, whose frames GStreamer puts together.
        var pipelines: [Pipeline] = []
    }

    private let lanes: [Lane]
    private let queue: FrameQueue
    private let deliver: @Sendable (Output) -> Void
    private let warn: @Sendable (String) -> Void
    private let state: Mutex<State>
    private let threads: Mutex<Threads>
    private let passed: Codec?
    private let isBroken = Mutex<Set<Int>>([])

    /// Starts at once; on the loop. Pictures of the codec `passing` are not decoded, and only those that come from now on are delivered. `deliver` and `warn` are called on the decoders' threads and must not wait.
    init(
        _ input: CompositeInput, sockets: [DatagramSocket], loop: GLibLoop, passing: Codec? = nil,
        deliver: @escaping @Sendable (Output) -> Void,
        warn: @escaping @Sendable (String) -> Void
    ) throws {
        let queue = FrameQueue(wakesWithFrames: true)
        var pipelines: [Pipeline] = []
        lanes = try zip(input.tracks, sockets).enumerated().map { index, pair in
            let gate = pair.0.kind == .video ? KeyframeGate() : nil
            let sink = try packetSink(of: pair.0, FrameReceiver(track: index, queue: queue, gate: gate)) {
                let made = try Pipeline(name: "depayload") { _ in }
                pipelines.append(made)
                return made
            }
            return Lane(track: pair.0, socket: pair.1, sink: sink, gate: gate)
        }
        for pipeline in pipelines { try pipeline.setState(.playing) }
        self.queue = queue
        passed = passing
        self.deliver = deliver
        self.warn = warn
        state = Mutex(State(clock: RTPClock(clockRates: input.tracks.map(\.clockRate)), intakes: input.tracks.map { _ in TrackIntake() }))
        threads = Mutex(Threads(pipelines: pipelines))
        let thread = Thread { [self] in decode() }
        thread.name = "decode"
        thread.start()
        let reader = try DatagramReader(sockets: sockets) { [weak self] lane, header, packet in self?.take(header, packet, lane: lane) }
        let timer = loop.scheduleRepeating(every: Self.keyframeRequestInterval) { [weak self] in self?.requestKeyframes() }
        threads.withLock { ($0.reader, $0.timer) = (reader, timer) }
    }

    /// Nothing is delivered soon after it.
    func stop() {
        let ended = threads.withLock { threads in
            defer { threads = Threads() }
            return threads
        }
        ended.timer?.cancel()
        ended.reader?.stop()
        for pipeline in ended.pipelines {
            try? pipeline.setState(.null)
            pipeline.detachBus()
        }
        queue.finish()
    }

    // MARK: packets, on the reader's thread

    private func take(_ header: MediaDatagram, _ packet: UnsafeRawBufferPointer, lane index: Int) {
        switch header.kind {
        case .rtp: takePacket(header, packet, lane: index)
        case .senderReport:
            guard let report = SenderReportView(inCompound: packet) else { return }
            state.withLock { $0.clock.senderReport(track: index, ntp: report.ntp, timestamp: report.rtp, arrival: header.time) }
        case .keyframeRequest, .end: break
        }
    }

    private func takePacket(_ header: MediaDatagram, _ packet: UnsafeRawBufferPointer, lane index: Int) {
        guard let view = RTPPacketView(reading: packet) else { return }
        let lane = lanes[index]
        // What comes from the cache is over, and has no time that others could keep to.
        if passed != nil, header.flags.contains(.cached) { return }
        let isDiscontinuity = header.flags.contains(.discontinuity)
        let (time, verdict) = state.withLock { state in
            if isDiscontinuity { state.clock.expectDiscontinuity() }
            // What comes from the cache is over: it is shown at once, and tells nothing of the path's delay.
            let time =
                header.flags.contains(.cached)
                ? SystemClocks.monotonicNanoseconds
                : state.clock.presentationTime(track: index, timestamp: view.timestamp, arrival: header.time).nanoseconds
            let verdict = state.intakes[index].take(
                sequence: view.sequence, time: time, marker: view.marker, isDiscontinuity: isDiscontinuity)
            return (time, verdict)
        }
        switch verdict {
        case .drop: return
        case .passAfterGap(let damagedFrom): lane.gate?.cut(from: damagedFrom)
        case .pass: break
        }
        if !lane.sink.push(packet, time: time, isAfterGap: verdict != .pass) { lane.gate?.cut(from: time) }
    }

    /// No picture is delivered before the next keyframe, which is asked for.
    func awaitKeyframe() {
        for lane in lanes { lane.gate?.cut(from: SystemClocks.monotonicNanoseconds) }
    }

    private func requestKeyframes() {
        for lane in lanes where lane.gate?.isWaiting == true {
            let now = MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds)
            let request = MediaDatagram(kind: .keyframeRequest, track: lane.track.index, sequence: 0, time: now)
            withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
                request.write(to: bytes)
                lane.socket.send(UnsafeRawBufferPointer(bytes))
            }
        }
    }

    // MARK: frames, on a thread of their own

    private func decode() {
        var decoders = Decoders()
        while true {
            let (items, isFinishing) = queue.take(waiting: .seconds(1))
            for item in items {
                switch item {
                case .format(let lane, let format) where lanes[lane].track.kind == .video:
                    decoders.formats[lane] = VideoFormat(codec: lanes[lane].track.codec, codecPrivate: format.codecPrivate)
                    decoders.pictures.removeValue(forKey: lane)?.stop()
                case .frame(let frame): decode(frame, with: &decoders)
                case .format, .end: break
                }
            }
            if isFinishing, items.isEmpty { break }
        }
        decoders.stop()
    }

    private func decode(_ frame: TimedFrame, with decoders: inout Decoders) {
        if isBroken.withLock({ $0.remove(frame.track) }) != nil { decoders.stop(frame.track) }
        let lane = lanes[frame.track]
        do {
            guard let gate = lane.gate else {
                let decoder =
                    try decoders.sounds[frame.track]
                    ?? SoundDecoder(lane.track) { [weak self] in self?.take($0, lane: frame.track) }
                decoders.sounds[frame.track] = decoder
                return decoder.push(frame.bytes, time: frame.time)
            }
            guard let format = decoders.formats[frame.track] else { return }
            if lane.track.codec == passed { return deliver(.frame(frame, format)) }
            let known = decoders.pictures[frame.track]
            // A new decoder can begin with a keyframe only.
            guard known != nil || frame.isKeyframe else { return gate.cut(from: frame.time) }
            let decoder =
                try known
                ?? PictureDecoder(format, limit: Self.decoderLimit) { [weak self] in self?.take($0, lane: frame.track) }
            decoders.pictures[frame.track] = decoder
            if !decoder.push(frame.bytes, time: frame.time, isKeyframe: frame.isKeyframe) { gate.cut(from: frame.time) }
        } catch {
            warn("An input cannot be decoded: \(error).")
        }
    }

    private func take(_ output: PictureDecoder.Output, lane: Int) {
        switch output {
        case .picture(let picture): deliver(.picture(picture))
        case .failure(let text): fail(lane, text)
        case .end: break
        }
    }

    private func take(_ output: SoundDecoder.Output, lane: Int) {
        switch output {
        case .samples(let bytes, let time): deliver(.sound(bytes, time: time))
        case .failure(let text): fail(lane, text)
        }
    }

    /// The next frame that can be begun with gets a new decoder.
    private func fail(_ lane: Int, _ text: String) {
        guard isBroken.withLock({ $0.insert(lane).inserted }) else { return }
        lanes[lane].gate?.cut(from: SystemClocks.monotonicNanoseconds)
        warn("A track of an input cannot be decoded: \(text).")
    }
}

/// What the decoding thread works with, by lane.
private struct Decoders {
    var formats: [Int: VideoFormat] = [:]
    var pictures: [Int: PictureDecoder] = [:]
    var sounds: [Int: SoundDecoder] = [:]

    mutating func stop(_ lane: Int) {
        pictures.removeValue(forKey: lane)?.stop()
        sounds.removeValue(forKey: lane)?.stop()
    }

    mutating func stop() {
        for lane in Set(pictures.keys).union(sounds.keys) { stop(lane) }
    }
}
